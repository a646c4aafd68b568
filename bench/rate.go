package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	temporal "go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/worker/app"
)

const (
	ratePerSecond = 50
	rateWorkers   = 3
	rateCalls     = 600
)

// timed is the noop connector with a rate; it knows when it was called.
type timed struct {
	*noop
	mu *sync.Mutex
	at *[]time.Time
}

func (t timed) Call(ctx context.Context, c connectors.Call) (map[string]any, error) {
	now := time.Now()
	t.mu.Lock()
	*t.at = append(*t.at, now)
	t.mu.Unlock()
	return t.noop.Call(ctx, c)
}

// rateReport is a rate of a connector over several workers.
type rateReport struct {
	Rate    float64       `json:"rate"`
	Workers int           `json:"workers"`
	Calls   int           `json:"calls"`
	Most    int           `json:"most"` // within one second, wherever it begins
	Took    time.Duration `json:"took"` // from the first call to the last
}

func measureRate(ctx context.Context, progress io.Writer) (report *rateReport, err error) {
	p, err := newPlace(ctx, progress)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	if err := p.workBoth(ctx); err != nil {
		return nil, err
	}
	definition, err := connectors.ParseDefinition("timed.json", []byte(`{"name": "timed", "actions": {"call": {"id": "call", "name": "CALL"}}}`))
	if err != nil {
		return nil, err
	}
	definition.Policy.PerSecond = ratePerSecond
	instance := timed{noop: &noop{definition}, mu: &sync.Mutex{}, at: &[]time.Time{}}
	for range rateWorkers {
		if err := p.work(ctx, app.Options{Roles: []app.Role{app.Connectors}, Instances: []connectors.Connector{instance}}); err != nil {
			return nil, err
		}
	}
	fmt.Fprintf(progress, "rate: %d calls at %d a second\n", rateCalls, ratePerSecond)
	var group errgroup.Group
	for i := range rateCalls {
		group.Go(func() error {
			run, err := p.temporal.ExecuteWorkflow(ctx, temporal.StartWorkflowOptions{ID: fmt.Sprintf("timed/%d", i), TaskQueue: byHandQueue}, byHandType,
				order{Tasks: 1, Text: text, Queue: contract.CustomConnectorQueue("timed"), Call: "timed.CALL"})
			if err != nil {
				return err
			}
			return run.Get(ctx, nil)
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	at := *instance.at
	slices.SortFunc(at, time.Time.Compare)
	return &rateReport{Rate: ratePerSecond, Workers: rateWorkers, Calls: len(at), Most: mostInASecond(at), Took: at[len(at)-1].Sub(at[0])}, nil
}

// mostInASecond is the largest number of times within one second; they are in order.
func mostInASecond(at []time.Time) (count int) {
	first := 0
	for i, t := range at {
		for t.Sub(at[first]) >= time.Second {
			first++
		}
		count = max(count, i-first+1)
	}
	return count
}

func (r *rateReport) print(w io.Writer) {
	fmt.Fprintf(w, "\n## The rate of a connector over %d workers (target: never above it in any second, at least 90 %% of it in use)\n\n", r.Workers)
	t := table{{"rate", "calls", "took", "most in any second", "a second on average", "of the rate"}}
	average := float64(r.Calls-1) / r.Took.Seconds()
	t = append(t, []string{
		fmt.Sprint(r.Rate), fmt.Sprint(r.Calls), r.Took.Round(time.Millisecond).String(), fmt.Sprint(r.Most), fmt.Sprintf("%.1f", average), fmt.Sprintf("%.2f", average/r.Rate),
	})
	t.print(w)
}
