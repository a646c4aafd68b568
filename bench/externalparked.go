package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/client"
)

const (
	parkedTopics = 50
	parkedHold   = 20 * time.Second
	parkedTasks  = 200 // new ones that reach polls
	expiring     = 20  // locks, a time
)

// parking is what polls that wait cost.
type parking struct {
	Polls    int            `json:"polls"`
	Gateway  float64        `json:"gatewayCores"`
	Temporal float64        `json:"temporalCores"` // with the worker of the processes at it
	Calls    float64        `json:"callsPerSecond"`
	By       map[string]int `json:"calls"` // by their methods, while they were held
	Memory   int64          `json:"gatewayBytes"`
	Reached  latency        `json:"reached"`
}

// park has polls wait, and then gives some of them tasks.
func (e *externalPlace) park(ctx context.Context, polls int) (line parking, err error) {
	line.Polls = polls
	var keys []string
	for n := range parkedTopics {
		d, err := e.deployTopic(ctx, "parked-"+strconv.Itoa(n))
		if err != nil {
			return line, err
		}
		keys = append(keys, d.Key)
	}
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	group, waiting := errgroup.WithContext(waiting)
	var reached times
	for n := range polls {
		w := &outsideWorker{gateway: e.gateway, topic: "parked-" + strconv.Itoa(n%parkedTopics), id: "w" + strconv.Itoa(n), most: 1}
		group.Go(func() error { return w.wait(waiting, &reached) })
	}
	select {
	case <-time.After(settlingPolls):
	case <-waiting.Done():
		return line, group.Wait()
	}
	all, before, err := e.gateway.calls()
	if err != nil {
		return line, err
	}
	gateway, used := cpuOf(strconv.Itoa(e.gateway.pid)), usedCPU()
	select {
	case <-time.After(parkedHold):
	case <-waiting.Done():
		return line, group.Wait()
	}
	after, by, err := e.gateway.calls()
	if err != nil {
		return line, err
	}
	spent := cpuOf(strconv.Itoa(e.gateway.pid)) - gateway
	line.Gateway = spent.Seconds() / parkedHold.Seconds()
	line.Temporal = (usedCPU().since(used).children - spent).Seconds() / parkedHold.Seconds()
	line.Calls = float64(after-all) / parkedHold.Seconds()
	line.By = map[string]int{}
	for method, n := range by {
		if n -= before[method]; n > 0 {
			line.By[method] = n
		}
	}
	line.Memory, _ = memoryOf(e.gateway.pid)
	if polls == 0 {
		return line, nil
	}
	for n := range parkedTasks {
		id, _, err := e.client.Start(ctx, client.StartOptions{Key: keys[n%len(keys)], Variables: map[string]any{"text": text}})
		if err != nil {
			return line, err
		}
		if _, err := e.client.Wait(ctx, id); err != nil {
			return line, err
		}
	}
	line.Reached = latencyOf(reached.took())
	if n := len(reached.took()); n != parkedTasks {
		return line, fmt.Errorf("%d of %d tasks reached a poll", n, parkedTasks)
	}
	stop()
	if err := group.Wait(); !errors.Is(err, context.Canceled) {
		return line, err
	}
	return line, nil
}

// settlingPolls is the time until all polls wait.
const settlingPolls = 5 * time.Second

// wait is work with a poll that is not answered while polls are held.
func (w *outsideWorker) wait(ctx context.Context, reached *times) error {
	for ctx.Err() == nil {
		tasks, err := w.gateway.fetch(ctx, w.topic, w.id, w.most, 5*time.Minute, time.Minute)
		now := time.Now()
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return err
		}
		for _, task := range tasks {
			created, err := time.Parse(camundaTime, task.Created)
			if err != nil {
				return err
			}
			reached.add(now.Sub(created))
			if err := w.gateway.complete(ctx, task.ID, w.id); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// expire is how long after the end of a lock a poll that waits has the task.
func (e *externalPlace) expire(ctx context.Context) (latency, error) {
	d, err := e.deployTopic(ctx, "expire")
	if err != nil {
		return latency{}, err
	}
	for range expiring {
		if _, err := e.client.StartDefinition(ctx, d, client.StartOptions{Key: d.Key, Variables: map[string]any{"text": text}}); err != nil {
			return latency{}, err
		}
	}
	ends := map[string]time.Time{}
	for len(ends) < expiring {
		tasks, err := e.gateway.fetch(ctx, "expire", "silent", expiring, time.Minute, 3*time.Second)
		if err != nil {
			return latency{}, err
		}
		for _, task := range tasks {
			if ends[task.ID], err = time.Parse(camundaTime, task.Until); err != nil {
				return latency{}, err
			}
		}
	}
	var took times
	var all errgroup.Group
	for n := range expiring {
		all.Go(func() error {
			worker := "w" + strconv.Itoa(n)
			tasks, err := e.gateway.fetch(ctx, "expire", worker, 1, time.Minute, time.Minute)
			now := time.Now()
			if err != nil {
				return err
			}
			if len(tasks) != 1 {
				return errors.New("a task whose lock has run out came to nobody")
			}
			took.add(now.Sub(ends[tasks[0].ID]))
			return e.gateway.complete(ctx, tasks[0].ID, worker)
		})
	}
	if err := all.Wait(); err != nil {
		return latency{}, err
	}
	return latencyOf(took.took()), nil
}
