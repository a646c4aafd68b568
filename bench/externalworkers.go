package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities/contract"
)

// times are how long each of some tasks took to be taken.
type times struct {
	mu  sync.Mutex
	all []time.Duration
}

func (t *times) add(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, d)
}

func (t *times) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = nil
}

func (t *times) took() []time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]time.Duration(nil), t.all...)
}

// outsideWorker takes tasks of a topic and completes them at once, as the clients of Camunda 7 do.
type outsideWorker struct {
	times
	gateway *benchGateway
	topic   string
	id      string
	most    int
}

// outsideTask is a task that was fetched.
type outsideTask struct {
	ID      string `json:"id"`
	Created string `json:"createTime"`
	Until   string `json:"lockExpirationTime"`
}

// camundaTime is how Camunda's REST API has times.
const camundaTime = "2006-01-02T15:04:05.000-0700"

func (g *benchGateway) fetch(ctx context.Context, topic, worker string, most int, wait, lock time.Duration) (tasks []outsideTask, err error) {
	err = g.post(ctx, "/fetchAndLock", map[string]any{
		"workerId": worker, "maxTasks": most, "asyncResponseTimeout": wait.Milliseconds(),
		"topics": []any{map[string]any{"topicName": topic, "lockDuration": lock.Milliseconds()}},
	}, &tasks)
	return tasks, err
}

func (g *benchGateway) complete(ctx context.Context, id, worker string) error {
	return g.post(ctx, "/"+id+"/complete", map[string]any{"workerId": worker, "variables": map[string]any{"said": map[string]any{"value": text}}}, nil)
}

func (g *benchGateway) post(ctx context.Context, path string, body, into any) error {
	sent, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.url+"/engine-rest/external-task"+path, bytes.NewReader(sent))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := g.http.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s: status %d: %s", path, answer.StatusCode, got)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(got, into)
}

// work works until the context ends.
func (w *outsideWorker) work(ctx context.Context) error {
	for {
		tasks, err := w.gateway.fetch(ctx, w.topic, w.id, w.most, 30*time.Second, time.Minute)
		now := time.Now()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		var all errgroup.Group
		for _, task := range tasks {
			created, err := time.Parse(camundaTime, task.Created)
			if err != nil {
				return err
			}
			w.add(now.Sub(created))
			all.Go(func() error { return w.gateway.complete(ctx, task.ID, w.id) })
		}
		if err := all.Wait(); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// workBare has a Temporal worker take the tasks of a topic from its queue, as nobody would who wants locks.
func (e *externalPlace) workBare(topic string) (*times, error) {
	t := &times{}
	w := worker.New(e.temporal, contract.TopicQueue(topic), worker.Options{DisableWorkflowWorker: true, MaxConcurrentActivityTaskPollers: 8})
	w.RegisterActivityWithOptions(func(_ context.Context, task contract.ExternalTask) (contract.ExternalResult, error) {
		t.add(time.Since(task.Created))
		return contract.ExternalResult{Outputs: contract.Variables{"said": text}}, nil
	}, activity.RegisterOptions{Name: contract.ExternalTaskActivity})
	if err := w.Start(); err != nil {
		return nil, err
	}
	e.atEnd(func() error { w.Stop(); return nil })
	return t, nil
}
