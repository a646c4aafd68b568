package external

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/api/failure/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/events"
)

// Tasks are the external tasks of a namespace.
type Tasks struct {
	Told func(Deed) // is told what is done with tasks, beside fetching them; nil: nobody is

	client     *client.Client
	namespace  string
	lookAtMost int // instances, in a list
	given      given
}

// New returns the external tasks of a namespace.
func New(c *client.Client, namespace string) *Tasks {
	return &Tasks{client: c, namespace: namespace, lookAtMost: LookAtMost, given: given{tasks: map[name]*held{}}}
}

func (t *Tasks) service() workflowservice.WorkflowServiceClient {
	return t.client.Temporal.WorkflowService()
}

// Task is an external task that a worker has, or that is shown to people.
type Task struct {
	contract.ExternalTask
	ID           string
	Worker       string    // who has it, or had it last; "": nobody
	Until        time.Time // until when nobody else gets it, or got it: a lock, or the pause after a failure; zero: there was none
	Retries      *int      // that are left, as whoever failed said; nil: nobody has
	ErrorMessage string    // of the last failure
	ErrorDetails string
	Attempt      int32 // from 1: how often it was offered

	// Of tasks that are shown.
	Incident  int    // that it waits at, since no retries are left; 0: it does not
	Suspended bool   // its instance is, by an operator: nobody gets it
	Process   string // the name of its process
}

// ErrNotFound is wrapped where there is no such instance, or the id is none.
var ErrNotFound = client.ErrNotFound

// ErrGone is wrapped where the instance has no such task any more: it is done, or the instance went on without it.
var ErrGone = errors.New("it is done, or its instance has gone on without it")

// ErrExpired is wrapped where a lock has run out, and what is asked needs one.
var ErrExpired = errors.New("the lock has run out")

// LockedError is that of a worker who has not got the task.
type LockedError struct {
	ID     string
	Worker string    // who has it, or had it last; "": nobody
	Until  time.Time // when its lock ends, or ended; zero: there is none
}

func (e *LockedError) Error() string {
	if e.Worker == "" {
		return fmt.Sprintf("external task %s is locked by nobody", e.ID)
	}
	return fmt.Sprintf("external task %s is locked by %q", e.ID, e.Worker)
}

// By is who answers for a task. With Anybody, the worker needs the lock only while another has it.
type By struct {
	Scope   Scope
	Worker  string
	Anybody bool
}

// Result is what completes a task.
type Result struct {
	Variables, Local map[string]any
	Token            json.RawMessage // what token.current is then; nil: Variables
}

// Complete completes a task. When it returns, that is durable.
func (t *Tasks) Complete(ctx context.Context, id string, by By, r Result) error {
	return t.answer(ctx, id, by, DeedComplete, remembered, func(h *held) error {
		return t.result(ctx, h, by, contract.ExternalResult{Outputs: r.Variables, Local: r.Local, Token: r.Token})
	})
}

// Failure is that of a worker.
type Failure struct {
	Message, Details string
	Catchable        bool          // process-engine's service error: where the model catches a BPMN error of this Code, or of any, it is one
	Code             string        // of such an error
	Retries          int           // that are left; 0: an incident
	LessOneOf        int           // not 0: one less than before are left, or than this, when nobody has said how many there were; Retries does not count
	After            time.Duration // until it is offered again
	Result
}

// Fail has a task offered again after a while, or makes it an incident. The process hears only of what concerns it: of a failure for good, of
// variables, and of one that the model may make a BPMN error of.
func (t *Tasks) Fail(ctx context.Context, id string, by By, f Failure) error {
	f.Message, f.Details = events.CutTo(f.Message, maxMessage), events.CutTo(f.Details, maxDetails)
	return t.answer(ctx, id, by, DeedFail, looked, func(h *held) error {
		if err := checkCode(f.Code); err != nil {
			return err
		}
		f := f
		if f.LessOneOf > 0 {
			f.Retries = f.LessOneOf - 1
			if h.Retries != nil {
				f.Retries = max(*h.Retries-1, 0)
			}
		}
		if f.Retries <= 0 || !h.started || h.Judged || len(f.Variables)+len(f.Local) > 0 {
			failed := &contract.ExternalFailure{
				Code: f.Code, Catchable: f.Catchable, Message: f.Message, Details: f.Details, Retries: &f.Retries, AfterMS: f.After.Milliseconds(), Worker: by.Worker, Priority: h.Priority,
			}
			return t.result(ctx, h, by, contract.ExternalResult{Outputs: f.Variables, Local: f.Local, Failure: failed})
		}
		l := h.lease
		l.Retries, l.Message, l.Details = &f.Retries, f.Message, f.Details
		return t.again(ctx, h.Token, l, "failure", f.Message, f.After)
	})
}

// BPMNError throws a BPMN error at the task.
func (t *Tasks) BPMNError(ctx context.Context, id string, by By, code, message string, variables map[string]any) error {
	message = events.CutTo(message, maxMessage)
	return t.answer(ctx, id, by, DeedError, remembered, func(h *held) error {
		if err := checkCode(code); err != nil {
			return err
		}
		if !h.has() {
			return t.result(ctx, h, by, contract.ExternalResult{Outputs: variables, Error: &contract.ExternalError{Code: code, Message: message}})
		}
		details, err := encode(contract.ExternalResult{Outputs: variables, Worker: by.Worker, Leases: h.Leases, Attempt: int(h.attempt)})
		if err != nil {
			return err
		}
		_, err = t.service().RespondActivityTaskFailed(ctx, &workflowservice.RespondActivityTaskFailedRequest{
			Namespace: t.namespace, TaskToken: h.Token, Identity: identity,
			Failure: &failure.Failure{Message: message, FailureInfo: &failure.Failure_ApplicationFailureInfo{ApplicationFailureInfo: &failure.ApplicationFailureInfo{
				Type: contract.BPMNErrorPrefix + code, NonRetryable: true, Details: details,
			}}},
		})
		return err
	})
}

// Extend makes the lock of a worker end so long from now.
func (t *Tasks) Extend(ctx context.Context, id string, by By, lock time.Duration) error {
	return t.answer(ctx, id, by, DeedExtend, looked, func(h *held) error {
		if !h.has() { // by Temporal's clock, which need not be that of this machine
			return fmt.Errorf("external task %s: %w", id, ErrExpired)
		}
		return t.extend(ctx, h, lock)
	})
}

func (t *Tasks) extend(ctx context.Context, h *held, lock time.Duration) error {
	lock = bounded(lock)
	h.lease = h.lease.extend(time.Now().UTC().Add(lock))
	return t.renew(ctx, h, lock)
}

// Unlock has a task offered again at once, whoever has it.
func (t *Tasks) Unlock(ctx context.Context, id string, by Scope) (err error) {
	ctx, told := t.telling(ctx, DeedUnlock, id, By{Scope: by})
	defer told(&err)
	n, err := parse(id)
	if err != nil {
		return err
	}
	err = t.try(ctx, n, "unlock", looked, func(h *held) error {
		if err := by.check(h); err != nil {
			return err
		}
		if !h.started { // it is offered
			return nil
		}
		return t.unlock(ctx, h)
	})
	if !errors.Is(err, ErrGone) {
		return err
	}
	_, err = t.failed(ctx, n, by, err) // nobody has one that failed
	return err
}

// Return has a task offered again at once that its worker does not want after all.
func (t *Tasks) Return(ctx context.Context, id string, by By) error {
	return t.answer(ctx, id, by, DeedReturn, looked, func(h *held) error {
		if !h.has() { // the lock has run out: it is offered already
			return nil
		}
		l := h.lease
		l.Worker, l.Token = "", nil
		return t.again(ctx, h.Token, l, "unlock", "returned by its worker", time.Millisecond)
	})
}

// answer does something with a task that its worker, and nobody else, may do.
func (t *Tasks) answer(ctx context.Context, id string, by By, what string, from source, do func(*held) error) (err error) {
	ctx, told := t.telling(ctx, what, id, by)
	defer told(&err)
	n, err := parse(id)
	if err != nil {
		return err
	}
	return t.try(ctx, n, what, from, func(h *held) error {
		if err := by.Scope.check(h); err != nil {
			return err
		}
		if err := t.recall(ctx, h); err != nil {
			return err
		}
		switch {
		case h.Worker == by.Worker && by.Worker != "":
		case by.Anybody && (h.Worker == "" || !h.started):
		default:
			return &LockedError{ID: id, Worker: h.Worker, Until: h.until}
		}
		return do(h)
	})
}

// source is where a task comes from that something is done with.
type source bool

const (
	remembered source = true  // from what was given away here, if it was
	looked     source = false // from Temporal: what is told of it stays, and others may have told more
)

// tries bounds how often it is looked again, when a task has changed between a look and what was done.
const tries = 5

// try does something with a task as it is.
func (t *Tasks) try(ctx context.Context, n name, what string, from source, do func(*held) error) error {
	for left := tries; ; left-- {
		h, err := t.given.take(n), error(nil)
		cached := h != nil && from == remembered
		if !cached {
			if h, err = t.look(ctx, n); err != nil {
				return err
			}
		}
		if cached { // only a sign of life tells that the process has gone on without the task: Temporal takes an answer all the same
			err = t.beat(ctx, h)
		}
		if err == nil {
			err = do(h)
		}
		noted(ctx, h)
		if _, changed := errors.AsType[*serviceerror.NotFound](err); changed && left > 1 {
			continue
		}
		_, own := errors.AsType[*LockedError](err)
		if own && cached { // another gateway may have given it to another worker
			continue
		}
		if own || err == nil || slices.ContainsFunc([]error{ErrExpired, ErrGone, ErrForbidden}, func(e error) bool { return errors.Is(err, e) }) {
			return err
		}
		return fmt.Errorf("%s the external task %s: %w", what, n, err)
	}
}

// result completes a task by the token of its attempt, so that nobody does who lost it meanwhile; or, when no attempt is under way, by its id. Somebody may
// get it in the moment between the look and that: it is completed once all the same, and who got it hears that it is gone.
func (t *Tasks) result(ctx context.Context, h *held, by By, r contract.ExternalResult) error {
	r.Attempt, r.Worker, r.Leases = int(h.attempt), by.Worker, h.Leases
	p, err := encode(r)
	if err != nil {
		return err
	}
	if h.has() {
		_, err = t.service().RespondActivityTaskCompleted(ctx, &workflowservice.RespondActivityTaskCompletedRequest{
			Namespace: t.namespace, TaskToken: h.Token, Identity: identity, Result: p,
		})
		return err
	}
	_, err = t.service().RespondActivityTaskCompletedById(ctx, &workflowservice.RespondActivityTaskCompletedByIdRequest{
		Namespace: t.namespace, WorkflowId: h.instance, RunId: h.run, ActivityId: h.activity(), Identity: identity, Result: p,
	})
	return err
}
