package external

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/api/activity/v1"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/failure/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/events"
)

// lease is what is told of a task with each sign of life. It stays when the lock has run out, and goes with the task to its next attempts.
type lease struct {
	Worker  string `json:"worker,omitempty"` // who has the lock, or had the last one; "": nobody
	Token   []byte `json:"token,omitempty"`  // of the attempt that was given to it
	Given   int32  `json:"given,omitempty"`  // the number of that attempt
	Retries *int   `json:"retries,omitempty"`
	Message string `json:"message,omitempty"` // of the last failure
	Details string `json:"details,omitempty"`
	// Priority is what it was set to since it was offered; nil: nothing.
	Priority *int `json:"priority,omitempty"`
	Judged   bool `json:"judged,omitempty"` // contract.ExternalTask.Judged
	// Leases are the last locks of the task, the present one included, and Before how many it had before it was offered. The process hears of
	// them with the answer. Those of a task that is taken away, by a boundary event or with its instance, it never hears of: Temporal forgets
	// what was told of an activity that is cancelled.
	Leases []contract.Lease `json:"leases,omitempty"`
	Before int              `json:"before,omitempty"`
}

// begin is a new lock of a worker.
func (l lease) begin(worker string, at, until time.Time) lease {
	number := l.Before + 1
	if n := len(l.Leases); n > 0 {
		number = l.Leases[n-1].Number + 1
	}
	past := l.Leases[max(0, len(l.Leases)+1-contract.MaxLeases):]
	l.Leases = append(slices.Clone(past), contract.Lease{Number: number, Worker: events.CutTo(worker, contract.MaxWorker), At: at, Until: until})
	return l
}

// extend makes the present lock end later, or sooner.
func (l lease) extend(until time.Time) lease {
	if l.Leases = slices.Clone(l.Leases); len(l.Leases) > 0 {
		l.Leases[len(l.Leases)-1].Until = until
	}
	return l
}

func (l lease) payloads() *common.Payloads {
	p, err := converter.GetDefaultDataConverter().ToPayloads(l)
	if err != nil {
		panic(fmt.Sprintf("encode a lease: %v", err)) // it is plain data
	}
	return p
}

func leaseOf(p *common.Payloads) (l lease) {
	_ = converter.GetDefaultDataConverter().FromPayloads(p, &l) // what is none is none of ours
	return l
}

// held is an open task as Temporal has it.
type held struct {
	name
	lease
	run     string
	queue   string        // of its topic
	tenant  string        // of its definition
	started bool          // an attempt is given away
	until   time.Time     // of a lock
	lock    time.Duration // that ends then
	later   time.Time     // not started: it is offered again then; zero: now
	ended   time.Time     // not started: when the last attempt ended; zero: there was none
	attempt int32
	told    bool // something has been told of it since it was offered
	paused  bool // its instance is suspended
	key     int  // of its priority, in Temporal
}

// look finds a task that is open.
func (t *Tasks) look(ctx context.Context, n name) (*held, error) {
	d, err := t.client.Temporal.DescribeWorkflowExecution(ctx, n.instance, "")
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return nil, unknown(n.String())
	}
	if err != nil {
		return nil, fmt.Errorf("describe instance %q: %w", n.instance, err)
	}
	running := d.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING
	for _, p := range d.GetPendingActivities() {
		// One that the process has gone on without is there until its worker, or its lock, ends: Temporal would take the answer, for nothing.
		left := p.GetState() == enums.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED
		if running && !left && p.GetActivityId() == n.activity() && p.GetActivityType().GetName() == contract.ExternalTaskActivity {
			return heldOf(n, d.GetWorkflowExecutionInfo(), p), nil
		}
	}
	return nil, fmt.Errorf("external task %s of instance %q: %w", n, n.instance, ErrGone)
}

// startedStates are those in which an attempt is given away.
var startedStates = []enums.PendingActivityState{
	enums.PENDING_ACTIVITY_STATE_STARTED, enums.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED, enums.PENDING_ACTIVITY_STATE_PAUSE_REQUESTED,
}

func heldOf(n name, w *workflow.WorkflowExecutionInfo, p *workflow.PendingActivityInfo) *held {
	h := &held{
		name: n, lease: leaseOf(p.GetHeartbeatDetails()), run: w.GetExecution().GetRunId(), attempt: p.GetAttempt(),
		queue:   p.GetActivityOptions().GetTaskQueue().GetName(),
		told:    p.GetHeartbeatDetails() != nil,
		paused:  p.GetPaused(),
		key:     int(p.GetPriority().GetPriorityKey()),
		started: slices.Contains(startedStates, p.GetState()),
	}
	_ = converter.GetDefaultDataConverter().FromPayload(w.GetMemo().GetFields()[contract.TenantMemo], &h.tenant) // "" when it has none
	if h.started {
		last := p.GetLastStartedTime().AsTime()
		if h.Given == h.attempt {
			last = p.GetLastHeartbeatTime().AsTime()
		} else {
			h.Worker, h.Token = "", nil // of an attempt before: this one is not given to anybody yet
		}
		h.lock = p.GetActivityOptions().GetHeartbeatTimeout().AsDuration()
		h.until = last.Add(h.lock)
		return h
	}
	if at := p.GetNextAttemptScheduleTime(); at != nil {
		h.later = at.AsTime()
	}
	if at := p.GetLastAttemptCompleteTime(); at != nil {
		h.ended = at.AsTime()
	}
	return h
}

// Offered is an attempt of a task that nobody has yet. Who does nothing with it loses nothing: it is offered again some seconds later.
type Offered struct {
	name
	lease
	Attempt int32
	Input   contract.ExternalTask
	run     string
	token   []byte
	heard   bool // something has been told of it before
	size    int  // of the input, in bytes
}

// Poll waits for a task of a topic until the context ends; nil: there is none. Temporal answers a second before that, and refuses to wait less than
// two.
func (t *Tasks) Poll(ctx context.Context, topic string) (*Offered, error) {
	for {
		o, err := t.poll(ctx, contract.TopicQueue(topic))
		if err != nil {
			return nil, fmt.Errorf("poll topic %q: %w", topic, err)
		}
		if o == nil {
			return nil, nil
		}
		left := time.Until(o.Input.NotBefore)
		if left <= 0 || o.heard {
			return o, nil
		}
		// It has failed, and the process has offered it before its time, for it to be there: Temporal keeps it until then.
		err = t.again(ctx, o.token, o.lease, "failure", o.Message, left)
		if _, gone := errors.AsType[*serviceerror.NotFound](err); err != nil && !gone {
			return nil, fmt.Errorf("keep the external task %s for later: %w", o.name, err)
		}
		if until, ends := ctx.Deadline(); ends && time.Until(until) < shortestPoll {
			return nil, nil
		}
	}
}

// shortestPoll is what Temporal does not refuse as a time to wait, and some more.
const shortestPoll = 2100 * time.Millisecond

func (t *Tasks) poll(ctx context.Context, queue string) (*Offered, error) {
	p, err := t.service().PollActivityTaskQueue(ctx, &workflowservice.PollActivityTaskQueueRequest{
		Namespace: t.namespace, TaskQueue: &taskqueue.TaskQueue{Name: queue, Kind: enums.TASK_QUEUE_KIND_NORMAL}, Identity: identity,
	})
	if err != nil {
		return nil, err
	}
	if len(p.GetTaskToken()) == 0 {
		return nil, nil
	}
	o := &Offered{
		name: name{instance: p.GetWorkflowExecution().GetWorkflowId(), task: contract.ExternalTaskNumber(p.GetActivityId())}, lease: leaseOf(p.GetHeartbeatDetails()),
		Attempt: p.GetAttempt(), run: p.GetWorkflowExecution().GetRunId(), token: p.GetTaskToken(), size: proto.Size(p.GetInput()),
	}
	if err := converter.GetDefaultDataConverter().FromPayloads(p.GetInput(), &o.Input); err != nil {
		return nil, fmt.Errorf("read the external task %s of instance %q: %w", p.GetActivityId(), o.instance, err)
	}
	if o.heard = p.GetHeartbeatDetails() != nil; !o.heard {
		o.lease = carried(o.Input)
	}
	if o.lease.Priority != nil {
		o.Input.Priority = *o.lease.Priority
	}
	return o, nil
}

// carried is what is told of a task that nobody has had since it was offered.
func carried(t contract.ExternalTask) lease {
	f := t.Failed
	return lease{Worker: f.Worker, Retries: f.Retries, Message: f.Message, Details: f.Details, Judged: t.Judged, Before: t.Leases}
}

// identity is how Web UI and history name whoever polls.
const identity = "waybill-gateway"

// MinLock is the shortest lock. It is also how soon the next attempt must be given to somebody, since a lock that has run out goes with the task.
const MinLock = 250 * time.Millisecond

// MaxLock is the longest lock: whoever asks for more means for ever. An attempt ends after it, however often its lock is extended.
const MaxLock = contract.ExternalTaskLongest

// bounded is a lock that is possible.
func bounded(lock time.Duration) time.Duration {
	return min(max(lock, MinLock), MaxLock).Truncate(time.Millisecond)
}

// Milliseconds is a duration as the wire contracts have it. One that is longer than MaxLock is that long: clients write the largest number that they
// know for "for ever".
func Milliseconds(n int64) time.Duration {
	return time.Duration(min(max(n, -MaxLock.Milliseconds()), MaxLock.Milliseconds())) * time.Millisecond
}

// Lock gives what was polled to a worker, from now on and for so long, MinLock at least. ErrGone: it is not there any more.
func (t *Tasks) Lock(ctx context.Context, o *Offered, worker string, lock time.Duration) (*Task, error) {
	h := &held{
		name: o.name, lease: o.lease, run: o.run, queue: contract.TopicQueue(o.Input.Topic), tenant: o.Input.Context.Tenant, started: true, attempt: o.Attempt,
	}
	lock, now := bounded(lock), time.Now().UTC()
	h.lease = h.begin(worker, now, now.Add(lock))
	h.Worker, h.Token, h.Given = worker, o.token, o.Attempt
	err := t.renew(ctx, h, lock)
	if _, gone := errors.AsType[*serviceerror.NotFound](err); gone {
		err = ErrGone
	}
	if err != nil {
		return nil, fmt.Errorf("lock the external task %s: %w", o.name, err)
	}
	return &Task{
		ID: o.String(), ExternalTask: o.Input, Worker: worker, Until: h.until, Retries: h.Retries, ErrorMessage: h.Message, ErrorDetails: h.Details, Attempt: o.Attempt,
	}, nil
}

// renew makes a lock last from now on. The sign of life comes first: a shorter lock that is counted from the one before would be over. How long the
// lock was is not looked at, since another gateway may have changed it, or died before it did.
func (t *Tasks) renew(ctx context.Context, h *held, lock time.Duration) error {
	began := time.Now()
	if err := t.beat(ctx, h); err != nil {
		return err
	}
	if err := t.set(ctx, h, lock); err != nil {
		return err
	}
	h.until = began.Add(lock)
	t.given.put(h)
	return nil
}

// beat tells what there is to tell of a task that is given away. Its lock, as long as it was, begins anew.
func (t *Tasks) beat(ctx context.Context, h *held) error {
	if len(h.Worker) > contract.MaxWorker { // what is too large to be told Temporal makes the end of the task
		return fmt.Errorf("the id of a worker has at most %d bytes, and this one has %d", contract.MaxWorker, len(h.Worker))
	}
	beat, err := t.service().RecordActivityTaskHeartbeat(ctx, &workflowservice.RecordActivityTaskHeartbeatRequest{
		Namespace: t.namespace, TaskToken: h.Token, Details: h.payloads(), Identity: identity,
	})
	if err == nil && beat.GetCancelRequested() {
		err = ErrGone
	}
	return err
}

// set sets how long after the last sign of life a lock runs out.
func (t *Tasks) set(ctx context.Context, h *held, lock time.Duration) error {
	_, err := t.service().UpdateActivityExecutionOptions(ctx, &workflowservice.UpdateActivityExecutionOptionsRequest{
		Namespace: t.namespace, WorkflowId: h.instance, RunId: h.run, ActivityId: h.activity(), Identity: identity,
		ActivityOptions: &activity.ActivityOptions{HeartbeatTimeout: durationpb.New(lock)},
		UpdateMask:      &fieldmaskpb.FieldMask{Paths: []string{"heartbeat_timeout"}},
	})
	return err
}

// Release offers what was polled again, at once. Who had it last may answer for it still.
func (t *Tasks) Release(ctx context.Context, o *Offered) error {
	after := time.Millisecond
	if !o.heard {
		after = max(after, time.Until(o.Input.NotBefore))
	}
	if err := t.again(ctx, o.token, o.lease, "unlock", "given back", after); err != nil {
		return fmt.Errorf("give back the external task %s: %w", o.name, err)
	}
	return nil
}

// unlock offers a task again, at once, that somebody has, or a gateway that died before it told whom it is for. That one cannot be told by a token.
func (t *Tasks) unlock(ctx context.Context, h *held) error {
	l, token := h.lease, h.Token
	l.Worker, l.Token = "", nil
	if token != nil {
		return t.again(ctx, token, l, "unlock", "unlocked", time.Millisecond)
	}
	_, err := t.service().RespondActivityTaskFailedById(ctx, &workflowservice.RespondActivityTaskFailedByIdRequest{
		Namespace: t.namespace, WorkflowId: h.instance, RunId: h.run, ActivityId: h.activity(), Identity: identity, LastHeartbeatDetails: l.payloads(),
		Failure: retryable("unlock", "unlocked", time.Millisecond),
	})
	return err
}

// again has a task offered again after a while.
func (t *Tasks) again(ctx context.Context, token []byte, l lease, kind, message string, after time.Duration) error {
	_, err := t.service().RespondActivityTaskFailed(ctx, &workflowservice.RespondActivityTaskFailedRequest{
		Namespace: t.namespace, TaskToken: token, Identity: identity, LastHeartbeatDetails: l.payloads(),
		Failure: retryable(kind, message, after),
	})
	return err
}

func retryable(kind, message string, after time.Duration) *failure.Failure {
	return &failure.Failure{Message: message, FailureInfo: &failure.Failure_ApplicationFailureInfo{ApplicationFailureInfo: &failure.ApplicationFailureInfo{
		Type: kind, NextRetryDelay: durationpb.New(min(max(after, time.Millisecond), MaxLock)),
	}}}
}
