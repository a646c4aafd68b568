package e2e_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

// business is people who have processes run all the time, whatever is down meanwhile. What fails they do again.
type business struct {
	t         *testing.T
	client    *client.Client
	stop      context.CancelFunc
	people    sync.WaitGroup
	name      string
	begun     time.Time
	started   atomic.Int64
	completed atomic.Int64 // instances that somebody has seen through
}

// open begins. Each of the people does one thing after the other.
func openBusiness(t *testing.T, c *client.Client, name string, people int) *business {
	b := &business{t: t, client: c, name: name, begun: time.Now()}
	open, cancel := context.WithCancel(t.Context())
	b.stop = cancel
	t.Cleanup(b.close)
	for n := range people {
		b.people.Go(func() {
			for i := 0; open.Err() == nil; i++ {
				b.serve(t.Context(), fmt.Sprintf("%s-%d-%d", name, n, i))
			}
		})
	}
	return b
}

// close ends it when everybody has done what he was at.
func (b *business) close() {
	b.stop()
	b.people.Wait()
}

// rate is how many instances a second were seen through.
func (b *business) rate() float64 {
	return float64(b.completed.Load()) / time.Since(b.begun).Seconds()
}

// again does something until it works.
func (b *business) again(ctx context.Context, what string, do func(context.Context) error) {
	every := time.NewTicker(100 * time.Millisecond)
	defer every.Stop()
	for late := time.After(patience); ; {
		trying, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := do(trying)
		cancel()
		if err == nil || ctx.Err() != nil {
			return
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return
		case <-late:
			b.t.Errorf("%s: %v", what, err)
			return
		}
	}
}

// serve sees one instance through, or leaves it where it is.
func (b *business) serve(ctx context.Context, id string) {
	kind, weight, customer := []string{paper, "parcel"}[rand.IntN(2)], rand.IntN(40), id+"@example.com"
	if rand.IntN(6) == 0 {
		customer = "nobody-" + customer // whose mail is refused
	}
	o := client.StartOptions{
		Key: kind, ID: kind + "/" + id, BusinessKey: id, Variables: map[string]any{"number": 41, "customer": customer, "weight": weight, "note": strings.Repeat("x", rand.IntN(2000))},
	}
	if kind == paper {
		delete(o.Variables, "weight")
	}
	b.again(ctx, "start "+o.ID, func(ctx context.Context) error {
		_, _, err := b.client.Start(ctx, o)
		return err
	})
	b.started.Add(1)
	task := ""
	ended := false
	b.again(ctx, "find the task of "+o.ID, func(ctx context.Context) error {
		r, err := b.client.Get(ctx, o.ID)
		if err != nil {
			return err
		}
		if ended = r.State != contract.StateActive; ended {
			return nil
		}
		tasks, err := b.client.Tasks(ctx, client.TaskFilter{Instance: o.ID})
		if err != nil {
			return err
		}
		if len(tasks) == 0 {
			return fmt.Errorf("%s has no task", o.ID)
		}
		task = tasks[0].ID
		return nil
	})
	if ended || task == "" {
		return
	}
	// Whatever fails for good is the task's, which a timer may have ended.
	try := func(do func(context.Context) error) {
		trying, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		_ = do(trying)
	}
	for range rand.IntN(3) {
		try(func(ctx context.Context) error {
			_, err := b.client.GiveTask(ctx, task, []string{"ann", "bob", ""}[rand.IntN(3)], "boss")
			return err
		})
	}
	switch rand.IntN(8) {
	case 0:
		return // it stays where it is, or its timer goes on with it
	case 1:
		try(func(ctx context.Context) error { return b.client.Cancel(ctx, o.ID) })
		return
	}
	try(func(ctx context.Context) error {
		_, err := b.client.CompleteTask(ctx, task, contract.CompleteTask{User: "ann", Variables: map[string]any{"fine": true}})
		if err == nil {
			b.completed.Add(1)
		}
		return err
	})
	if kind == "parcel" && strings.HasPrefix(customer, "nobody-") && rand.IntN(2) == 0 {
		try(func(ctx context.Context) error {
			r, err := b.client.Get(ctx, o.ID)
			if err != nil || len(r.Incidents) == 0 {
				return err
			}
			_, err = b.client.AnswerIncident(ctx, o.ID, contract.IncidentAnswer{ID: r.Incidents[0].ID, Action: []string{"retry", "resolve", "cancel"}[rand.IntN(3)]})
			return err
		})
	}
}

// quiet waits until no instance moves by itself: all have ended, or wait for people.
func (f *faulty) quiet() {
	f.t.Helper()
	moving := ""
	f.eventually(func() string { return moving + " is under way" }, func() bool {
		list, err := f.client.List(f.t.Context(), client.Filter{State: contract.StateActive, Limit: 10_000})
		require.NoError(f.t, err)
		for _, one := range list {
			r, err := f.client.Get(f.t.Context(), one.ID)
			if err != nil {
				moving = one.ID
				return false
			}
			waits := r.State != contract.StateActive && r.State != contract.StateSuspended || len(r.Active) == 1 && r.Active[0] == "check"
			if r.State == contract.StateSuspended || len(r.Incidents) > 0 {
				waits = len(r.Active) <= 1
			}
			if !waits {
				moving = fmt.Sprintf("%s (%s %v)", one.ID, r.State, r.Active)
				return false
			}
		}
		return true
	})
}
