package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/engine"
)

// job is an external task, with the rules of Camunda 7: whoever fetches it holds it until the lock runs out, and may answer after that
// as long as nobody else has fetched it.
type job struct {
	command
	engine.OfferTask
	worker  string
	locked  time.Time // until; zero: never locked
	retries *int      // nil: nobody has said
	failed  bool      // its retries are used up: there is an incident
	judged  bool      // the model may make a BPMN error of a failure, which is then the process's
	again   bool      // the process has offered it again
	leases  []engine.Lease

	// On a live server.
	token   []byte
	offered time.Time
	owner   string // instance id
}

func (j *job) fetchable(now time.Time) bool {
	return !j.locked.After(now) && (j.retries == nil || *j.retries > 0) && !j.failed
}

// lease is a new lock.
func (j *job) lease(worker string, from, until time.Time) {
	j.worker, j.locked = worker, until
	j.leases = append(j.leases, engine.Lease{Number: j.Leases + len(j.leases) + 1, Worker: worker, At: from, Until: until})
}

// by is who answers.
func (j *job) by(worker string) engine.By { return engine.By{Worker: worker, Leases: j.leases} }

// offered is a job that the process offers, perhaps again: the same one. On a live server the runner itself knows when it was to come again.
func (w *world) offered(j *job) {
	for _, known := range w.jobs {
		if !known.of(j.instance, j.id) || known.owner != j.owner {
			continue
		}
		if w.outside == nil || known.failed {
			known.locked = j.Report.NotBefore
		}
		known.OfferTask, known.token, known.retries = j.OfferTask, j.token, j.Report.Retries
		known.again, known.failed, known.leases = true, false, nil
		return
	}
	j.retries, j.locked, j.worker = j.Report.Retries, j.Report.NotBefore, j.Report.Worker
	w.jobs = append(w.jobs, j)
}

// fetched is a job as it was handed out.
type fetched struct {
	job       *job
	variables map[string]any
}

type topic struct {
	name      string
	lock      time.Duration
	variables []string // nil: all
}

type fetchStep struct {
	topics      []topic
	worker, as  string
	max         int
	usePriority bool
}

func (s *fetchStep) do(w *world) error {
	var found []*job
	for _, j := range w.jobs {
		if j.fetchable(w.now) && slices.ContainsFunc(s.topics, func(t topic) bool { return t.name == j.Topic }) {
			found = append(found, j)
		}
	}
	if s.usePriority {
		slices.SortStableFunc(found, func(a, b *job) int { return cmp.Compare(b.Priority, a.Priority) })
	}
	list := []fetched{}
	for _, j := range found[:min(len(found), s.max)] {
		t := s.topics[slices.IndexFunc(s.topics, func(t topic) bool { return t.name == j.Topic })]
		j.lease(s.worker, w.now, w.now.Add(t.lock))
		given := map[string]any{}
		for name, value := range j.Inputs { // into a map: any order
			if t.variables == nil || slices.Contains(t.variables, name) {
				given[name] = value
			}
		}
		list = append(list, fetched{j, given})
	}
	w.fetches[s.as] = list
	return nil
}

// jobStep answers an external task.
type jobStep struct {
	kind             string
	list             string
	index            int
	worker           string
	code, message    string
	details          string
	variables        map[string]any
	token            any
	retries          *int
	timeout, newLock time.Duration
}

func (s *jobStep) do(w *world) error {
	list, ok := w.fetches[s.list]
	if !ok || s.index >= len(list) {
		return brokenf("there is no job %s[%d]; the list has %d", s.list, s.index, len(list))
	}
	j := list[s.index].job
	if !slices.Contains(w.jobs, j) {
		return fmt.Errorf("external task of %q does not exist any more", j.Element)
	}
	switch s.kind {
	case "unlock":
		j.worker, j.locked = "", time.Time{}
		return nil
	case "retries":
		return w.setRetries(j, *s.retries)
	}
	worker := cmp.Or(s.worker, j.worker)
	if worker != j.worker || worker == "" {
		return fmt.Errorf("external task of %q cannot be answered by worker %q: it is locked by worker %q", j.Element, worker, j.worker)
	}
	switch s.kind {
	case "extend":
		if !j.locked.After(w.now) {
			return fmt.Errorf("external task of %q: the lock has expired", j.Element)
		}
		j.locked = w.now.Add(s.newLock)
		if n := len(j.leases); n > 0 {
			j.leases[n-1].Until = j.locked
		}
		return nil
	case "fail":
		return w.failJob(j, s, worker)
	}
	var event engine.Event
	switch s.kind {
	case "finish":
		by := j.by(worker)
		by.Token = s.token
		event = engine.Completed{ID: j.id, Outputs: s.variables, By: &by}
	case "bpmnError":
		event = engine.Failed{ID: j.id, Failure: engine.Failure{Code: s.code, Message: s.message}, Variables: s.variables, By: j.by(worker)}
	case "serviceError":
		failure := engine.Failure{Code: s.code, Message: s.message, Details: s.details, Type: contract.FailedExternalTask}
		event = engine.Failed{ID: j.id, Failure: failure, Catchable: true, By: j.by(worker)}
	}
	if err := w.answerJob(j, event); err != nil {
		return err
	}
	w.close(j)
	return nil
}

// answerJob gives the process of a job an event.
func (w *world) answerJob(j *job, event engine.Event) error {
	if w.outside != nil {
		return w.outside(j, event)
	}
	return w.apply(j.instance, event)
}

// failJob lets a job be fetched again after a while, or makes an incident of it. The process hears of a failure that it may make a BPMN error of,
// of variables, and of one for good.
func (w *world) failJob(j *job, s *jobStep, worker string) error {
	retries := 0
	if s.retries != nil {
		retries = *s.retries
	}
	later := w.now.Add(s.timeout)
	if retries > 0 && !j.judged && len(s.variables) == 0 {
		j.retries, j.locked = &retries, later
		return nil
	}
	failed := engine.Failed{
		ID: j.id, Failure: engine.Failure{Message: s.message, Details: s.details, Type: contract.FailedExternalTask}, Variables: s.variables, By: j.by(worker),
	}
	if retries > 0 {
		failed.Again = &engine.Again{Retries: &retries, NotBefore: later}
	}
	j.again, j.failed = false, retries == 0
	if err := w.answerJob(j, failed); err != nil {
		return err
	}
	j.retries, j.locked = &retries, later
	if retries > 0 && !j.again && w.outside == nil {
		w.close(j)
	}
	return nil
}

// setRetries lets a job be fetched again; its incident, if it has one, is over.
func (w *world) setRetries(j *job, retries int) error {
	j.retries = &retries
	if !j.failed || retries == 0 {
		return nil
	}
	answer := engine.IncidentAnswered{Action: engine.IncidentRetry, Retries: retries}
	if j.instance != nil {
		for _, incident := range j.instance.state.Incidents {
			if incident.Element == j.Element {
				answer.ID = incident.ID
			}
		}
	}
	w.close(j)
	return w.answerJob(j, answer)
}

func (w *world) close(j *job) {
	w.jobs = slices.DeleteFunc(w.jobs, func(other *job) bool { return other == j })
}

var (
	_ action = (*fetchStep)(nil)
	_ action = (*jobStep)(nil)
)
