package external

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

// Filter narrows a list of external tasks. Empty fields do not.
type Filter struct {
	Scope     Scope
	IDs       []string
	Instances []string
	Keys      []string // of processes
	Topic     string
	Failed    bool                      // only those with no retries left
	Match     func(*Task) bool          // nil: all
	Variables func(map[string]any) bool // of the instance; nil: any
	Limit     int                       // 0: none
}

// Listing are the tasks that were found.
type Listing struct {
	Tasks   []*Task
	Partial bool // there are more instances than are looked at
}

const (
	// LookAtMost bounds how many instances one list looks at.
	LookAtMost = 2000
	// lookAtOnce is how many of them are asked at a time.
	lookAtOnce = 16
)

// List finds open tasks. Those that wait as incidents are among them: their retries are 0. Where neither ids nor instances are named, it reads
// Temporal's visibility store, which is some moments behind, and looks at LookAtMost of those that may have some, the newest first. Each is asked, so
// what is told of a task is right at that moment.
func (t *Tasks) List(ctx context.Context, f Filter) (*Listing, error) {
	var l Listing
	instances, err := t.candidates(ctx, f, &l)
	if err != nil {
		return nil, err
	}
	for chunk := range slices.Chunk(instances, 4*lookAtOnce) {
		found := make([][]*Task, len(chunk))
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(lookAtOnce)
		for i, id := range chunk {
			g.Go(func() (err error) { found[i], err = t.of(ctx, id, f); return err })
		}
		if err := g.Wait(); err != nil {
			return nil, err
		}
		l.Tasks = append(l.Tasks, slices.Concat(found...)...)
		if f.Limit > 0 && len(l.Tasks) >= f.Limit {
			l.Tasks = l.Tasks[:f.Limit]
			break
		}
	}
	return &l, nil
}

// candidates are the instances that may have what is looked for.
func (t *Tasks) candidates(ctx context.Context, f Filter, l *Listing) (instances []string, err error) {
	if named := f.named(); named != nil {
		l.Partial = len(named) > t.lookAtMost
		return named[:min(len(named), t.lookAtMost)], nil
	}
	in := client.ExternalFilter{Topics: f.Scope.Topics, Keys: f.Keys, Failed: f.Failed}
	if f.Topic != "" {
		in.Topics = []string{f.Topic}
		if !f.Scope.Topic(f.Topic) {
			return nil, nil
		}
	}
	known := map[string]bool{}
	err = t.client.ExternalInstances(ctx, in, t.lookAtMost+1, func(id string) bool {
		if l.Partial = len(instances) == t.lookAtMost; !l.Partial && !known[id] {
			known[id] = true
			instances = append(instances, id)
		}
		return !l.Partial
	})
	return instances, err
}

// named are the instances that a filter names itself; nil: it names none.
func (f *Filter) named() []string {
	if f.IDs == nil && f.Instances == nil {
		return nil
	}
	named := slices.Clone(f.Instances)
	if f.IDs != nil {
		named = []string{}
		for _, id := range f.IDs {
			if n, err := parse(id); err == nil && (f.Instances == nil || slices.Contains(f.Instances, n.instance)) {
				named = append(named, n.instance)
			}
		}
	}
	slices.Sort(named)
	return slices.Compact(named)
}

// of are the tasks of an instance that a filter lets through.
func (t *Tasks) of(ctx context.Context, instance string, f Filter) ([]*Task, error) {
	all, err := t.open(ctx, instance)
	if errors.Is(err, ErrNotFound) { // it has gone since
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(task *Task) bool { return !f.lets(task) })
	if len(all) == 0 || f.Variables == nil {
		return all, nil
	}
	state, err := t.client.Get(ctx, instance)
	if err != nil || !f.Variables(state.Variables) {
		return nil, err
	}
	return all, nil
}

// lets tells whether a filter lets a task through.
func (f *Filter) lets(t *Task) bool {
	return f.Scope.Topic(t.Topic) && f.Scope.tenant(t.Context.Tenant) && (f.IDs == nil || slices.Contains(f.IDs, t.ID)) &&
		(f.Topic == "" || f.Topic == t.Topic) && (f.Keys == nil || slices.Contains(f.Keys, t.Context.ProcessDefinitionKey)) &&
		(!f.Failed || t.Incident > 0) && (f.Match == nil || f.Match(t))
}

// Get finds one open task, or one that waits as an incident. ErrGone: it is not there any more.
func (t *Tasks) Get(ctx context.Context, id string, by Scope) (*Task, error) {
	n, err := parse(id)
	if err != nil {
		return nil, err
	}
	all, err := t.open(ctx, n.instance)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(task *Task) bool { return task.ID == id })
	if i < 0 {
		return nil, fmt.Errorf("external task %s of instance %q: %w", id, n.instance, ErrGone)
	}
	if !by.Topic(all[i].Topic) || !by.tenant(all[i].Context.Tenant) {
		return nil, fmt.Errorf("external task %s: %w", id, ErrForbidden)
	}
	return all[i], nil
}

// Topics are those of deployed processes that a caller may have tasks of, by name: client.Client.DeployedTopics.
func (t *Tasks) Topics(ctx context.Context, by Scope) ([]string, error) {
	all, err := t.client.DeployedTopics(ctx, by.tenant)
	return slices.DeleteFunc(all, func(topic string) bool { return !by.Topic(topic) }), err
}

// open are the tasks of an instance: what it says itself, and what Temporal knows of those that are offered.
func (t *Tasks) open(ctx context.Context, instance string) ([]*Task, error) {
	d, pending, err := t.describe(ctx, instance)
	if err != nil {
		return nil, err
	}
	if d.GetWorkflowExecutionInfo().GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING || len(pending) == 0 && !troubled(d) && d.GetPendingWorkflowTask() == nil {
		return nil, nil
	}
	told, err := t.client.ExternalTasks(ctx, instance)
	if err != nil {
		return nil, err
	}
	missing := func(o contract.OpenExternalTask) bool { return o.Incident == 0 && !o.Paused && pending[o.Task] == nil }
	if slices.ContainsFunc(told, missing) { // it was offered, or offered again, between the two answers
		if _, pending, err = t.describe(ctx, instance); err != nil {
			return nil, err
		}
	}
	var all []*Task
	for _, o := range told {
		if missing(o) {
			continue
		}
		n := name{instance: instance, task: o.Task}
		task := &Task{ID: n.String(), ExternalTask: o.ExternalTask, Suspended: o.Paused, Process: o.Process, Incident: o.Incident}
		switch h := pending[o.Task]; {
		case o.Incident > 0:
			none := 0
			task.Worker, task.Retries, task.ErrorMessage, task.ErrorDetails = o.Failed.Worker, &none, o.Failed.Message, o.Failed.Details
		case h != nil:
			task.held(h)
		default: // it is offered when the instance goes on
			task.held(&held{})
		}
		all = append(all, task)
	}
	return all, nil
}

// describe is what Temporal knows of an instance, and of its external tasks that are offered, by number.
func (t *Tasks) describe(ctx context.Context, instance string) (*workflowservice.DescribeWorkflowExecutionResponse, map[int]*held, error) {
	if strings.ContainsFunc(instance, odd) {
		return nil, nil, fmt.Errorf("instance %q: %w", instance, ErrNotFound)
	}
	d, err := t.client.Temporal.DescribeWorkflowExecution(ctx, instance, "")
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return nil, nil, fmt.Errorf("instance %q: %w", instance, ErrNotFound)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("describe instance %q: %w", instance, err)
	}
	return d, pendingOf(instance, d), nil
}

// recall asks the instance who had a task before it was offered again, when Temporal has been told nothing since.
func (t *Tasks) recall(ctx context.Context, h *held) error {
	if h.started || h.told {
		return nil
	}
	all, err := t.client.ExternalTasks(ctx, h.instance)
	if err != nil {
		return err
	}
	for _, o := range all {
		if o.Task == h.task && o.Incident == 0 {
			h.lease = carried(o.ExternalTask)
		}
	}
	return nil
}

// troubled tells whether an instance may have incidents: it says so itself.
func troubled(d *workflowservice.DescribeWorkflowExecutionResponse) bool {
	var state string
	p := d.GetWorkflowExecutionInfo().GetSearchAttributes().GetIndexedFields()[contract.StateAttribute]
	_ = converter.GetDefaultDataConverter().FromPayload(p, &state) // "" when it has none
	return state != contract.StateActive
}

// pendingOf are the external tasks that are offered, by number. Instances of versions before 5 do not tell of theirs.
func pendingOf(instance string, d *workflowservice.DescribeWorkflowExecutionResponse) map[int]*held {
	all := map[int]*held{}
	for _, p := range d.GetPendingActivities() {
		if number := contract.ExternalTaskNumber(p.GetActivityId()); number > 0 && p.GetActivityType().GetName() == contract.ExternalTaskActivity {
			all[number] = heldOf(name{instance: instance, task: number}, d.GetWorkflowExecutionInfo(), p)
		}
	}
	return all
}

// held adds what Temporal knows of a task.
func (t *Task) held(h *held) {
	l := h.lease
	if !h.told {
		l = carried(t.ExternalTask)
	}
	if l.Priority != nil {
		t.Priority = *l.Priority
	}
	t.Worker, t.Retries, t.ErrorMessage, t.ErrorDetails, t.Attempt = l.Worker, l.Retries, l.Message, l.Details, h.attempt
	switch {
	case h.started && h.Worker != "":
		t.Until = h.until
	case !h.started && time.Now().Before(h.later):
		t.Until = h.later
	case !h.told && time.Now().Before(t.NotBefore):
		t.Until = t.NotBefore
	case !h.started && h.Worker != "":
		t.Until = h.ended
	}
}
