package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.temporal.io/api/enums/v1"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/engine"
)

// liveCase is one case on a live server.
type liveCase struct {
	*live
	ctx   context.Context
	start int // instances of earlier cases
	names map[string]string
	known []string // ids of the instances of this case, in the order of their names
	world *world   // what is the runner's own here, too: versions and timer start events

	mu      sync.Mutex
	calls   []call
	answers *answers
	batch   []*waiting
	flush   *time.Timer
	wrong   error
}

// runLive runs one case; nil when it passed.
func (f *File) runLive(ctx context.Context, l *live, c *Case) *stepError {
	s := &liveCase{live: l, ctx: ctx, names: map[string]string{}, world: newWorld(ctx, f), answers: newAnswers(f.stubs)}
	s.world.outside = s.answerJob
	instances, _ := l.seen()
	s.start = len(instances)
	l.mu.Lock()
	l.now, l.stub = f.clock, s.stubbed
	l.mu.Unlock()
	failed := s.run(f, c)
	if err := s.clear(); err != nil && failed == nil {
		failed = &stepError{line: c.Line, err: fmt.Errorf("after the case: %w", err)}
	}
	return failed
}

func (s *liveCase) run(f *File, c *Case) *stepError {
	if err := s.deploy(f.deploy); err != nil {
		return &stepError{line: c.Line, err: fmt.Errorf("deploy: %w", err)}
	}
	for n, st := range c.steps {
		err := s.act(st.action)
		if err == nil {
			err = s.settle()
		}
		s.mu.Lock()
		wrong := s.wrong
		s.mu.Unlock()
		if wrong != nil {
			return &stepError{step: n + 1, line: st.line, err: wrong}
		}
		if err = st.judge(err); err != nil {
			return &stepError{step: n + 1, line: st.line, err: err}
		}
	}
	return nil
}

// deploy deploys what a case names, and takes the timer start events over.
func (s *liveCase) deploy(d *deployment) error {
	if d.err != nil {
		return d.err
	}
	for _, p := range d.processes {
		if err := s.serve(p.definition); err != nil {
			return err
		}
		if _, err := s.client.Deploy(s.ctx, p.definition); err != nil {
			return err
		}
	}
	s.world.now = s.clock()
	return s.world.deploy(d)
}

// settle waits until nothing is under way: no workflow task, no activity, and no history that grows.
func (s *liveCase) settle() error {
	deadline := time.Now().Add(time.Minute) // a hundred called processes take half of it on a busy machine
	last := ""
	for {
		now, busy, err := s.state()
		if err != nil {
			return err
		}
		if !busy && now == last {
			return s.number()
		}
		last = now
		if time.Now().After(deadline) {
			return brokenf("no rest after a minute: %s", now)
		}
		select {
		case <-s.ctx.Done():
			return broken{s.ctx.Err()}
		case <-time.After(15 * time.Millisecond):
		}
	}
}

// state says in a text how far everything is, and whether something is under way.
func (s *liveCase) state() (text string, busy bool, err error) {
	instances, others := s.seen()
	var b strings.Builder
	for _, e := range slices.Concat(instances[s.start:], others) {
		d, err := s.temporal.DescribeWorkflowExecution(s.ctx, e.id, "")
		if err != nil {
			return "", false, brokenf("look at %s: %w", e.id, err)
		}
		info := d.GetWorkflowExecutionInfo()
		fmt.Fprintf(&b, "%s %d %s;", e.id, info.GetHistoryLength(), info.GetExecution().GetRunId())
		if info.GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
			continue
		}
		for _, a := range d.GetPendingActivities() {
			if a.GetActivityType().GetName() != contract.ExternalTaskActivity {
				busy = true
			}
		}
		busy = busy || d.GetPendingWorkflowTask() != nil
	}
	return b.String(), busy, nil
}

// number gives the instances that are new their places: those that were called stand in the order of the calls.
func (s *liveCase) number() error {
	instances, _ := s.seen()
	type found struct {
		id     string
		caller int // place of the caller; -1: nobody
		order  int
	}
	var fresh []found
	for n, e := range instances[s.start:] {
		if slices.Contains(s.known, e.id) {
			continue
		}
		r, err := s.client.Get(s.ctx, e.id)
		if err != nil {
			return broken{err}
		}
		f := found{e.id, -1, n}
		if r.Caller != nil {
			f.caller, f.order = slices.Index(s.known, r.Caller.Instance), r.Caller.Command
		}
		fresh = append(fresh, f)
	}
	slices.SortStableFunc(fresh, func(a, b found) int {
		if a.caller != b.caller {
			return a.caller - b.caller
		}
		return a.order - b.order
	})
	for _, f := range fresh {
		s.known = append(s.known, f.id)
	}
	return nil
}

// id is the instance that a name means: one that "as" gave, or KEY#N.
func (s *liveCase) id(name string) (string, error) {
	if id := s.names[name]; id != "" {
		return id, nil
	}
	key, number, _ := strings.Cut(name, "#")
	n, err := strconv.Atoi(number)
	for _, id := range s.known {
		if own, _, _ := strings.Cut(id, "/"); own == key {
			if n--; n == 0 && err == nil {
				return id, nil
			}
		}
	}
	return "", brokenf("no instance is named %q; there are: %s", name, strings.Join(slices.Sorted(maps.Keys(s.names)), ", "))
}

// snapshot asks everything there is.
func (s *liveCase) snapshot() (*snapshot, error) {
	there := &snapshot{now: s.clock(), path: []string{}, fetches: s.world.fetches}
	names := map[string]string{}
	count := map[string]int{}
	for _, id := range s.known {
		r, err := s.client.Get(s.ctx, id)
		if err != nil {
			return nil, broken{err}
		}
		count[r.Definition.Key]++
		i := &seen{
			name: r.Definition.Key + "#" + strconv.Itoa(count[r.Definition.Key]), key: r.Definition.Key, state: r.State, active: r.Active, enabled: r.Enabled,
			path: r.Path, subscriptions: r.Subscriptions, variables: r.Variables, log: func() ([]string, error) { return s.log(id) },
		}
		for _, incident := range r.Incidents {
			i.incidents = append(i.incidents, expectedIncident{incident.Element, incident.Message})
		}
		if i.state == contract.StateCancelled || i.state == contract.StateCompleted || i.state == contract.StateFailed {
			i.active = nil
		}
		names[id] = i.name
		there.path = append(there.path, i.path...)
		there.instances = append(there.instances, i)
	}
	tasks, err := s.tasks()
	if err != nil {
		return nil, err
	}
	for _, t := range tasks {
		there.tasks = append(there.tasks, seenTask{names[t.Instance], engine.OpenTask{
			ID: t.Command, Element: t.Element, Name: t.Name, Assignee: t.Assignee, CandidateUsers: t.CandidateUsers,
			CandidateGroups: t.CandidateGroups, Inputs: engine.Variables(t.Variables),
		}})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		c.instance = names[c.instance]
		there.calls = append(there.calls, c)
	}
	return there, nil
}

// tasks are the open user tasks of the case, in the order of their instances and then of creation.
func (s *liveCase) tasks() (open []contract.Task, err error) {
	_, others := s.seen()
	for _, e := range others {
		if e.kind != contract.TaskWorkflow {
			continue
		}
		t, err := s.client.Task(s.ctx, e.id)
		if err != nil {
			return nil, broken{err}
		}
		if t.State == contract.TaskOpen && slices.Contains(s.known, t.Instance) {
			open = append(open, t)
		}
	}
	slices.SortStableFunc(open, func(a, b contract.Task) int {
		if a.Instance != b.Instance {
			return slices.Index(s.known, a.Instance) - slices.Index(s.known, b.Instance)
		}
		return a.Command - b.Command
	})
	return open, nil
}

// clear ends all that a case has left behind, so that the next one begins with nothing.
func (s *liveCase) clear() error {
	s.live.mu.Lock()
	s.stub = nil
	all := slices.Concat(s.live.instances, s.live.others)
	s.live.instances, s.live.others = nil, nil
	s.live.mu.Unlock()
	for key := range s.world.definitions { // each for itself: any order
		if err := s.client.Undeploy(s.ctx, key); err != nil && !errors.Is(err, client.ErrNotFound) {
			return err
		}
	}
	for _, e := range all {
		// What has ended already is no error, and nothing else can be done about the rest.
		_ = s.temporal.TerminateWorkflow(s.ctx, e.id, "", "the case has ended")
	}
	return nil
}

// startsOf are the elements of deployed processes that a registry names, by process.
func (s *liveCase) startsOf(place string) ([]contract.MessageStart, error) {
	entries, err := s.client.Entries(s.ctx, place)
	if err != nil {
		return nil, broken{err}
	}
	var list []contract.MessageStart
	for _, e := range entries {
		var start contract.MessageStart
		if err := json.Unmarshal(e.Value, &start); err != nil {
			return nil, broken{err}
		}
		list = append(list, start)
	}
	return list, nil
}

// begin starts an instance and waits until it is seen.
func (s *liveCase) begin(key, element string, o startStep) (string, error) {
	now := s.clock()
	id, _, err := s.client.Start(s.ctx, client.StartOptions{
		Key: key, Element: element, BusinessKey: o.businessKey, Initiator: o.user, Variables: o.variables, Clock: &now,
	})
	if err != nil {
		return "", err
	}
	s.saw(execution{id, key})
	return id, s.settle()
}

// advance moves the clock, and with it everything that is due on the way.
func (s *liveCase) advance(d bpmn.Duration) error {
	target := d.AddTo(s.clock())
	for range maxAnswers {
		next := s.world.nextDue(target)
		at, due := time.Time{}, ""
		for _, id := range s.known {
			r, err := s.client.Get(s.ctx, id)
			if err != nil {
				return broken{err}
			}
			if r.Due != nil && !r.Due.After(target) && (due == "" || r.Due.Before(at)) && r.State != contract.StateCompleted && r.State != contract.StateCancelled {
				at, due = *r.Due, id
			}
		}
		switch {
		case next != nil && (due == "" || !next.at.After(at)):
			if err := s.fire(next); err != nil {
				return err
			}
		case due != "":
			if err := s.tick(due, at); err != nil {
				return err
			}
		default:
			return s.move(target)
		}
	}
	return brokenf("no rest after %d timers: look for a loop", maxAnswers)
}

// move sets the clock, of the runner and of all instances.
func (s *liveCase) move(to time.Time) error {
	s.live.mu.Lock()
	s.now = to
	s.live.mu.Unlock()
	s.world.now = to
	for _, id := range s.known {
		if err := s.client.Advance(s.ctx, id, to); err != nil && !errors.Is(err, client.ErrNotRunning) {
			return broken{err}
		}
	}
	return s.settle()
}

// tick fires what is due in one instance.
func (s *liveCase) tick(id string, at time.Time) error {
	if at.Before(s.clock()) {
		at = s.clock()
	}
	s.live.mu.Lock()
	s.now = at
	s.live.mu.Unlock()
	s.world.now = at
	if err := s.client.Advance(s.ctx, id, at); err != nil {
		return broken{err}
	}
	return s.settle()
}

// fire begins an instance at a timer start event.
func (s *liveCase) fire(t *timer) error {
	if t.at.After(s.clock()) {
		s.live.mu.Lock()
		s.now = t.at
		s.live.mu.Unlock()
		s.world.now = t.at
	}
	s.world.timers = slices.DeleteFunc(s.world.timers, func(other *timer) bool { return other == t })
	s.world.again(t)
	_, err := s.begin(t.start.key, t.start.element, startStep{})
	return err
}
