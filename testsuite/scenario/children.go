package scenario

import (
	"fmt"
	"time"

	"github.com/waybill-io/waybill/engine"
)

// thrownFor is how long a message that a process throws is kept for somebody who waits for it a little later, as by the workers.
const thrownFor = time.Hour

// caller is the call activity on whose behalf an instance runs.
type caller struct {
	instance *instance
	id       int
}

// kept is a message that waits for somebody.
type kept struct {
	name, key string
	variables map[string]any
	until     time.Time
}

// publishFrom is a message that a process throws: it is safe whether or not somebody waits.
func (w *world) publishFrom(i *instance, c engine.Publish) {
	w.later(i, c.ID, func() engine.Event {
		err := w.publish(&messageStep{name: c.Name, key: c.Key, variables: c.Variables})
		if _, nobody := err.(nobodyWaits); nobody {
			w.kept = append(w.kept, kept{c.Name, c.Key, c.Variables, w.now.Add(thrownFor)})
		} else if err != nil {
			return engine.Failed{ID: c.ID, Failure: engine.Failure{Message: err.Error()}}
		}
		return engine.Completed{ID: c.ID}
	})
}

// takeKept hands a message that was kept to a new subscriber.
func (w *world) takeKept(s *subscription) {
	for n, k := range w.kept {
		if k.name == s.name && k.key == s.key && k.until.After(w.now) {
			w.kept = append(w.kept[:n:n], w.kept[n+1:]...)
			w.later(s.instance, s.id, func() engine.Event { return engine.MessageReceived{ID: s.id, Variables: k.variables} })
			w.subscriptions = without(w.subscriptions, s)
			return
		}
	}
}

func without(list []*subscription, s *subscription) (rest []*subscription) {
	for _, other := range list {
		if other != s {
			rest = append(rest, other)
		}
	}
	return rest
}

// callProcess starts a called process.
func (w *world) callProcess(i *instance, c engine.StartChild) {
	w.later(i, c.ID, func() engine.Event {
		d, err := w.version(c.Process, c.Version, c.VersionTag)
		if err == nil {
			_, err = w.beginAs(d, "", startStep{businessKey: c.BusinessKey, variables: c.Variables}, &caller{i, c.ID})
		}
		if err != nil {
			return engine.Failed{ID: c.ID, Failure: engine.Failure{Message: err.Error()}}
		}
		return nil
	})
}

// version is the newest version of a process, the one of this number, or the newest one with a tag.
func (w *world) version(key string, number int, tag string) (deployed, error) {
	versions := w.versions[key]
	switch {
	case len(versions) == 0:
		return deployed{}, fmt.Errorf("process %q is not deployed", key)
	case number > len(versions):
		return deployed{}, fmt.Errorf("process %q has no version %d", key, number)
	case number > 0:
		return versions[number-1], nil
	case tag == "":
		return versions[len(versions)-1], nil
	}
	for n := len(versions) - 1; n >= 0; n-- {
		if versions[n].process.VersionTag == tag {
			return versions[n], nil
		}
	}
	return deployed{}, fmt.Errorf("process %q has no version with the tag %q", key, tag)
}

// ended tells the caller of an instance how it ended.
func (w *world) ended(i *instance, c engine.End) {
	if i.caller == nil {
		return
	}
	to := *i.caller
	w.later(to.instance, to.id, func() engine.Event {
		switch c.Outcome {
		case engine.OutcomeCompleted:
			return engine.Completed{ID: to.id, Outputs: i.state.Variables}
		case engine.OutcomeFailed:
			return engine.Failed{ID: to.id, Failure: c.Failure}
		}
		return engine.Failed{ID: to.id, Failure: engine.Failure{Message: "the called process was cancelled"}}
	})
}

// escalated tells the caller of an instance of an escalation.
func (w *world) escalated(i *instance, c engine.Escalate) {
	if i.caller != nil {
		to := *i.caller
		w.later(to.instance, to.id, func() engine.Event {
			return engine.Escalated{ID: to.id, Code: c.Code, Variables: c.Variables}
		})
	}
}

// stopChild cancels the instance that a stopped command had started.
func (w *world) stopChild(i *instance, id int) {
	for _, child := range w.instances {
		if child.caller != nil && child.caller.instance == i && child.caller.id == id && child.state.Outcome == "" {
			child.caller = nil
			if err := w.apply(child, engine.Cancelled{}); err != nil {
				w.fail(brokenf("the engine refused to cancel %s: %w", child.name, err))
			}
		}
	}
}
