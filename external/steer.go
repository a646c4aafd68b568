package external

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.temporal.io/api/activity/v1"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/waybill-io/waybill/activities/contract"
)

// ErrFailed is wrapped where a task waits as an incident, and what is asked can be done only with one that is offered.
var ErrFailed = errors.New("it has no retries left: give it some first")

// ErrSuspended is wrapped where the instance of a task is suspended by an operator.
var ErrSuspended = errors.New("its instance is suspended: resume it first")

// ErrBusy is wrapped by LockByID when a task was not reached: others of its topic came first.
var ErrBusy = errors.New("the task could not be reached in its topic's queue: try again, or fetch and lock")

// SetRetries sets how many retries a task has left. None makes it an incident, and whoever has it loses it. Some offer a task again that is an
// incident. Otherwise it stays with whoever has it.
func (t *Tasks) SetRetries(ctx context.Context, id string, by Scope, retries int) (err error) {
	ctx, told := t.telling(ctx, DeedRetries, id, By{Scope: by})
	defer told(&err)
	n, err := parse(id)
	if err != nil {
		return err
	}
	err = t.try(ctx, n, DeedRetries, looked, func(h *held) error {
		if err := by.check(h); err != nil {
			return err
		}
		if retries <= 0 || !h.has() {
			return t.reoffer(ctx, h, contract.ExternalFailure{Retries: &retries})
		}
		h.Retries = &retries
		return t.keep(ctx, h)
	})
	if !errors.Is(err, ErrGone) {
		return err
	}
	task, err := t.failed(ctx, n, by, err)
	if err != nil || retries <= 0 {
		return err
	}
	_, err = t.client.AnswerIncident(ctx, n.instance, contract.IncidentAnswer{ID: task.Incident, Action: "retry", Retries: retries})
	return err
}

// setAtOnce is how many tasks are set at a time.
const setAtOnce = 16

// SetRetriesOf sets the retries of many tasks, and tells of how many: those that are done meanwhile are left out.
func (t *Tasks) SetRetriesOf(ctx context.Context, ids []string, by Scope, retries int) (int, error) {
	var n atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(setAtOnce)
	for _, id := range ids {
		g.Go(func() error {
			err := t.SetRetries(ctx, id, by, retries)
			switch {
			case errors.Is(err, ErrGone):
				return nil
			case err == nil:
				n.Add(1)
			}
			return err
		})
	}
	err := g.Wait()
	return int(n.Load()), err
}

// SetPriority sets the priority of a task, which stays with whoever has it. Tasks of a higher one are given away first.
func (t *Tasks) SetPriority(ctx context.Context, id string, by Scope, priority int) (err error) {
	ctx, told := t.telling(ctx, DeedPriority, id, By{Scope: by})
	defer told(&err)
	n, err := parse(id)
	if err != nil {
		return err
	}
	err = t.try(ctx, n, DeedPriority, looked, func(h *held) error {
		if err := by.check(h); err != nil {
			return err
		}
		if !h.has() {
			return t.reoffer(ctx, h, contract.ExternalFailure{Retries: h.Retries, Priority: &priority})
		}
		h.Priority = &priority
		if err := t.keep(ctx, h); err != nil {
			return err
		}
		return t.rank(ctx, h, contract.PriorityKey(priority))
	})
	if !errors.Is(err, ErrGone) {
		return err
	}
	if _, err = t.failed(ctx, n, by, err); err == nil {
		err = fmt.Errorf("external task %s: %w", id, ErrFailed)
	}
	return err
}

// LockByID gives one task to a worker for so long: one that nobody has, or that it has already, whose lock then lasts so long from now. Temporal gives
// tasks in its own order, so one that nobody has is put first, and the queue of its topic is asked until it comes; ErrBusy when it does not.
func (t *Tasks) LockByID(ctx context.Context, id string, by By, lock time.Duration) (err error) {
	ctx, told := t.telling(ctx, DeedLock, id, by)
	defer told(&err)
	n, err := parse(id)
	if err != nil {
		return err
	}
	err = t.try(ctx, n, DeedLock, looked, func(h *held) error {
		if err := by.Scope.check(h); err != nil {
			return err
		}
		switch {
		case !h.started:
			return t.reach(ctx, h, by.Worker, lock)
		case h.Worker == by.Worker && h.has():
			return t.extend(ctx, h, lock)
		}
		return &LockedError{ID: id, Worker: h.Worker, Until: h.until}
	})
	if !errors.Is(err, ErrGone) {
		return err
	}
	if _, err = t.failed(ctx, n, by.Scope, err); err == nil {
		err = fmt.Errorf("external task %s: %w", id, ErrFailed)
	}
	return err
}

const (
	// reachFor and reachAtMost bound how long the queue of a topic is asked for the next task, and how many others are taken out of it.
	reachFor    = 3 * time.Second
	reachAtMost = 50
)

// reach takes one task out of the queue of its topic. What else comes is given back when it has come, or has not.
func (t *Tasks) reach(ctx context.Context, h *held, worker string, lock time.Duration) error {
	if h.paused {
		return ErrSuspended
	}
	if err := t.rank(ctx, h, contract.FirstPriority); err != nil {
		return err
	}
	var others []*Offered
	defer func() { // also when the caller has gone. What fails costs a place in the queue, and some seconds until a task is offered again by itself
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyFor)
		defer cancel()
		_ = t.rank(ctx, h, h.key)
		for _, o := range others {
			_ = t.Release(ctx, o)
		}
	}()
	for len(others) < reachAtMost {
		o, err := t.next(ctx, h.queue)
		if err != nil {
			return err
		}
		if o == nil { // nothing more has come in time
			break
		}
		if o.name != h.name {
			others = append(others, o)
			continue
		}
		h.key = contract.PriorityKey(o.Input.Priority)
		task, err := t.Lock(ctx, o, worker, lock)
		if err != nil {
			return err
		}
		h.until = task.Until
		return nil
	}
	now, err := t.look(ctx, h.name)
	if err != nil {
		return err
	}
	if now.started {
		return &LockedError{ID: h.String(), Worker: now.Worker, Until: now.until}
	}
	return fmt.Errorf("external task %s: %w", h.name, ErrBusy)
}

// next waits a little for what comes next in a queue.
func (t *Tasks) next(ctx context.Context, queue string) (*Offered, error) {
	ctx, cancel := context.WithTimeout(ctx, reachFor)
	defer cancel()
	return t.poll(ctx, queue)
}

// rank sets the place of a task in the queue of its topic.
func (t *Tasks) rank(ctx context.Context, h *held, key int) error {
	_, err := t.service().UpdateActivityExecutionOptions(ctx, &workflowservice.UpdateActivityExecutionOptionsRequest{
		Namespace: t.namespace, WorkflowId: h.instance, RunId: h.run, ActivityId: h.activity(), Identity: identity,
		ActivityOptions: &activity.ActivityOptions{Priority: &common.Priority{PriorityKey: int32(key)}},
		UpdateMask:      &fieldmaskpb.FieldMask{Paths: []string{"priority.priority_key"}},
	})
	return err
}

// has tells whether a worker has the task, so that something can be told of it.
func (h *held) has() bool { return h.started && h.Token != nil }

// keep tells something of a task that a worker has, which keeps it as long as it would have had it: by Temporal's clock, which need not be that of this
// machine.
func (t *Tasks) keep(ctx context.Context, h *held) error {
	if err := t.beat(ctx, h); err != nil {
		return err
	}
	now, err := t.look(ctx, h.name)
	if err != nil {
		return err
	}
	return t.set(ctx, h, bounded(h.lock-now.until.Sub(h.until)))
}

// reoffer has the process offer a task again with what is told of it, at the time at which it would have been offered anyway; or makes it an incident.
func (t *Tasks) reoffer(ctx context.Context, h *held, f contract.ExternalFailure) error {
	if h.task < 0 && (f.Retries == nil || *f.Retries > 0) { // its process would make it an incident
		return errors.New("its instance began with a version that cannot offer it again: set them while a worker has it")
	}
	f.Set, f.Worker, f.Message, f.Details = true, h.Worker, h.Message, h.Details
	if f.Priority == nil {
		f.Priority = h.Priority
	}
	if wait := time.Until(h.later); !h.later.IsZero() && wait > 0 {
		f.AfterMS = wait.Milliseconds()
	}
	if err := t.result(ctx, h, By{Worker: h.Worker}, contract.ExternalResult{Failure: &f}); err != nil {
		return err
	}
	// The answer to a question comes when the process has taken what came before: by then the task is there again. Without it, it is so a little later.
	settling, cancel := context.WithTimeout(ctx, settleFor)
	defer cancel()
	_, _ = t.client.ExternalTasks(settling, h.instance)
	return nil
}

// settleFor is how long a change waits for the process to have taken it. It is durable before.
const settleFor = 2 * time.Second

// failed finds a task that waits as an incident. Otherwise it returns the error that gone is, or what kept it from looking.
func (t *Tasks) failed(ctx context.Context, n name, by Scope, gone error) (*Task, error) {
	task, err := t.Get(ctx, n.String(), by)
	switch {
	case errors.Is(err, ErrGone):
		return nil, gone
	case err != nil:
		return nil, err
	case task.Suspended:
		return nil, fmt.Errorf("external task %s: %w", n, ErrSuspended)
	case task.Incident == 0: // it has failed and was offered again since
		return nil, gone
	}
	return task, nil
}
