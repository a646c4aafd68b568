package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// habit is what a worker does with the tasks that it takes.
type habit struct {
	name   string
	most   int           // tasks at a time
	silent bool          // never answers
	late   time.Duration // answers around the end of its lock: so much after it at most
	extend bool          // extends its lock, and answers after the end of the first one
	clumsy bool          // fails now and then, and hangs up on long polls
}

// usual are the habits of every ten workers.
var usual = []habit{
	{name: "busy", most: 5}, {name: "busy", most: 5}, {name: "busy", most: 5}, {name: "busy", most: 5}, {name: "busy", most: 5},
	{name: "clumsy", most: 3, clumsy: true}, {name: "silent", most: 1, silent: true}, {name: "late", most: 4, late: 400 * time.Millisecond},
	{name: "late", most: 4, late: 400 * time.Millisecond}, {name: "extending", most: 2, extend: true},
}

// outside is a worker outside, as Camunda's REST API has them: what it knows of Waybill is the addresses of gateways, one of which may answer.
type outside struct {
	habit
	id    string
	bases []string
	http  *http.Client
	books *books
	lock  time.Duration
}

type fetched struct {
	ID    string `json:"id"`
	Until string `json:"lockExpirationTime"`
}

// over tells whether the lock of a task has run out.
func (f fetched) over() bool {
	until, err := time.Parse("2006-01-02T15:04:05.000-0700", f.Until)
	return err == nil && time.Now().After(until)
}

// work takes and answers tasks until the context ends.
func (o *outside) work(ctx context.Context) {
	for ctx.Err() == nil {
		tasks, err := o.fetch(ctx)
		if err != nil {
			pause(ctx, 50*time.Millisecond)
			continue
		}
		var all sync.WaitGroup
		for _, task := range tasks {
			all.Go(func() { o.do(ctx, task) })
		}
		all.Wait()
	}
}

func (o *outside) fetch(ctx context.Context) (tasks []fetched, err error) {
	if o.clumsy && rand.IntN(4) == 0 {
		hangsUp, cancel := context.WithTimeout(ctx, rand.N(200*time.Millisecond))
		defer cancel()
		ctx = hangsUp
	}
	status, text, err := o.post(ctx, "/fetchAndLock", map[string]any{
		"workerId": o.id, "maxTasks": o.most, "asyncResponseTimeout": 3000,
		"topics": []any{map[string]any{"topicName": "leases", "lockDuration": o.lock.Milliseconds(), "variables": []string{}}},
	})
	if err != nil {
		o.books.count("fetch: cut off")
		return nil, err
	}
	if status != http.StatusOK {
		o.books.count(fmt.Sprintf("fetch: %d", status))
		return nil, fmt.Errorf("status %d: %s", status, text)
	}
	if err := json.Unmarshal(text, &tasks); err != nil {
		return nil, err
	}
	for _, task := range tasks {
		o.books.given(task.ID, o.id)
	}
	return tasks, nil
}

// do does what is the habit with a task.
func (o *outside) do(ctx context.Context, task fetched) {
	id := task.ID
	switch {
	case o.silent:
		o.books.count("left without an answer")
		return
	case o.late > 0:
		pause(ctx, o.lock-100*time.Millisecond+rand.N(o.late))
	case o.extend:
		pause(ctx, o.lock/2)
		if status, _, err := o.post(ctx, "/"+id+"/extendLock", map[string]any{"workerId": o.id, "newDuration": o.lock.Milliseconds()}); err == nil {
			o.books.count(fmt.Sprintf("extend: %d", status))
		}
		pause(ctx, o.lock*3/4)
	case o.clumsy && rand.IntN(4) == 0:
		status, _, err := o.post(ctx, "/"+id+"/failure", map[string]any{"workerId": o.id, "errorMessage": "no luck", "retries": 3, "retryTimeout": rand.IntN(200)})
		if err == nil {
			o.books.count(fmt.Sprintf("failure: %d", status))
		}
		return
	default:
		pause(ctx, rand.N(50*time.Millisecond))
	}
	o.complete(ctx, task)
}

// complete answers with a value that nobody else answers with. A worker whose answer was cut off tells it once more.
func (o *outside) complete(ctx context.Context, task fetched) {
	a, id, late := o.books.answers(task.ID, o.id), task.ID, task.over()
	for range 3 {
		status, _, err := o.post(ctx, "/"+id+"/complete", map[string]any{
			"workerId": o.id, "variables": map[string]any{"answer": map[string]any{"type": "String", "value": a.value}},
		})
		o.books.answered(a, late, status, err)
		if err == nil && status < 500 || ctx.Err() != nil {
			return
		}
		pause(ctx, 50*time.Millisecond)
	}
}

// post calls one of the gateways, and another one when that cannot be reached. Whatever fails later may have been done.
func (o *outside) post(ctx context.Context, path string, body any) (status int, answer []byte, err error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, o.bases[rand.IntN(len(o.bases))]+"/engine-rest/external-task"+path, bytes.NewReader(text))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	got, err := o.http.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = got.Body.Close() }()
	answer, err = io.ReadAll(io.LimitReader(got.Body, 4<<20))
	return got.StatusCode, answer, err
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
