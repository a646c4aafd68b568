package scenario

import (
	"errors"
	"fmt"

	"github.com/waybill-io/waybill/activities/contract"
)

// act does a step on the server.
func (s *liveCase) act(a action) error {
	switch a := a.(type) {
	case *startStep:
		return s.startInstance(a)
	case *completeStep:
		return s.onTask(a.taskStep, func(t contract.Task) error {
			_, err := s.client.CompleteTask(s.ctx, t.ID, contract.CompleteTask{Variables: a.variables})
			return err
		})
	case *claimStep:
		return s.onTask(a.taskStep, func(t contract.Task) error {
			_, err := s.client.ClaimTask(s.ctx, t.ID, a.assignee)
			return err
		})
	case *answerStep:
		return s.onTask(a.taskStep, func(t contract.Task) error {
			if a.escalates {
				return s.client.EscalateTask(s.ctx, t.ID, a.code, a.variables)
			}
			return s.client.FailTask(s.ctx, t.ID, a.code, a.message, a.variables)
		})
	case *setStep:
		if a.task != nil {
			return s.onTask(*a.task, func(t contract.Task) error {
				_, err := s.client.SetTaskVariables(s.ctx, t.ID, a.variables)
				return err
			})
		}
		return s.on(a.instance, func(id string) error { return s.client.SetVariables(s.ctx, id, a.variables) })
	case *messageStep:
		return s.message(a)
	case *triggerStep:
		return s.on(a.instance, func(id string) error {
			err := s.client.Catch(s.ctx, id, contract.CatchMessage{Element: a.element, Variables: a.variables})
			if err != nil {
				err = fmt.Errorf("element %q of %s is no receive task that waits to be woken: %w", a.element, a.instance, err)
			}
			return err
		})
	case *signalStep:
		_, err := s.client.Signal(s.ctx, contract.SignalBroadcast{Name: a.name, Variables: a.variables})
		return err
	case *incidentStep:
		return s.on(a.instance, func(id string) error { return s.answerIncident(id, a) })
	case *cancelStep:
		return s.on(a.instance, func(id string) error { return s.client.Cancel(s.ctx, id) })
	case *runStep:
		return s.on(a.instance, func(id string) error { return s.client.Activate(s.ctx, id, a.element) })
	case *finishScopeStep:
		return s.on(a.instance, func(id string) error { return s.client.FinishScope(s.ctx, id, a.element) })
	case advanceStep:
		return s.advance(a.by)
	case *fetchStep:
		return s.fetch(a)
	case *jobStep:
		s.world.now = s.clock()
		return a.do(s.world)
	case *deployStep:
		return s.deploy(a.deployment)
	case *expectStep:
		there, err := s.snapshot()
		if err != nil {
			return err
		}
		return a.check(there, func(name string) (*instance, error) { return s.named(there, name) })
	}
	return brokenf("the step %T cannot be done on a server", a)
}

// on does something to a named instance.
func (s *liveCase) on(name string, do func(id string) error) error {
	id, err := s.id(name)
	if err != nil {
		return err
	}
	return do(id)
}

// named finds an instance in a snapshot by its name in the case.
func (s *liveCase) named(there *snapshot, name string) (*instance, error) {
	id, err := s.id(name)
	if err != nil {
		return nil, err
	}
	for n, known := range s.known {
		if known == id {
			return &instance{name: there.instances[n].name}, nil
		}
	}
	return nil, brokenf("no instance is named %q", name)
}

func (s *liveCase) startInstance(a *startStep) error {
	start := contract.MessageStart{Key: a.process}
	if a.process == "" {
		place, what := contract.MessageStartsID(a.message), fmt.Sprintf("message %q", a.message)
		if a.signal != "" {
			place, what = contract.SignalStartsID(a.signal), fmt.Sprintf("signal %q", a.signal)
		}
		starts, err := s.startsOf(place)
		if err != nil {
			return err
		}
		if len(starts) == 0 {
			return fmt.Errorf("no process starts with %s", what)
		}
		for _, other := range starts[1:] {
			defer func() { _, _ = s.begin(other.Key, other.Element, *a) }()
		}
		start = starts[0]
	}
	id, err := s.begin(start.Key, start.Element, *a)
	if err == nil {
		s.names[a.as] = id
	}
	return err
}

// onTask does something to the task that a step means.
func (s *liveCase) onTask(st taskStep, do func(contract.Task) error) error {
	in := ""
	if st.instance != "" {
		var err error
		if in, err = s.id(st.instance); err != nil {
			return err
		}
	}
	tasks, err := s.tasks()
	if err != nil {
		return err
	}
	fitting := 0
	open := []string{}
	for _, t := range tasks {
		if in != "" && t.Instance != in {
			continue
		}
		name := t.Name
		if name == "" {
			name = t.Element
		}
		open = append(open, name)
		if t.Name == st.task || t.Element == st.task {
			if fitting++; fitting == st.nth {
				return do(t)
			}
		}
	}
	if fitting > 0 {
		return fmt.Errorf("task %q is open %d times, there is no number %d", st.task, fitting, st.nth)
	}
	return fmt.Errorf("no task %q is open; open: %s", st.task, words(open))
}

func (s *liveCase) message(a *messageStep) error {
	if a.instance == "" {
		_, err := s.client.Publish(s.ctx, contract.Message{Name: a.name, Key: a.key, Variables: a.variables})
		return err
	}
	return s.on(a.instance, func(id string) error {
		err := s.client.Catch(s.ctx, id, contract.CatchMessage{Name: a.name, Element: a.element, Variables: a.variables})
		if err != nil {
			err = errors.Join(err, errors.New("nobody waits for it"))
		}
		return err
	})
}

// answerIncident answers the oldest open incident of the element, as in memory.
func (s *liveCase) answerIncident(id string, a *incidentStep) error {
	r, err := s.client.Get(s.ctx, id)
	if err != nil {
		return broken{err}
	}
	answer := contract.IncidentAnswer{Action: string(a.action), Element: a.element, Variables: a.variables}
	for _, i := range r.Incidents {
		if a.element != "" && i.Element == a.element {
			answer.ID = i.ID
			break
		}
	}
	_, err = s.client.AnswerIncident(s.ctx, id, answer)
	return err
}
