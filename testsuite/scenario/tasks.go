package scenario

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/waybill-io/waybill/engine"
)

// task is an open user task.
type task struct {
	command
	engine.OpenTask
}

// title is what people call a task.
func (t *task) title() string { return title(&t.OpenTask) }

func title(t *engine.OpenTask) string { return cmp.Or(t.Name, t.Element) }

func (t *task) is(name string) bool { return t.Name == name || t.Element == name }

// openTask finds the task that a step means.
func (w *world) openTask(s taskStep) (*task, error) {
	var in *instance
	if s.instance != "" {
		var err error
		if in, err = w.find(s.instance); err != nil {
			return nil, err
		}
	}
	fitting := 0
	open := []string{}
	for _, t := range w.tasks {
		if in != nil && t.instance != in {
			continue
		}
		open = append(open, t.title())
		if t.is(s.task) {
			if fitting++; fitting == s.nth {
				return t, nil
			}
		}
	}
	if fitting > 0 {
		return nil, fmt.Errorf("task %q is open %d times, there is no number %d", s.task, fitting, s.nth)
	}
	return nil, fmt.Errorf("no task %q is open; open: %s", s.task, words(open))
}

// complete ends a task with results, as somebody who names no user: whoever has claimed it.
func (w *world) complete(s *completeStep) error {
	t, err := w.openTask(s.taskStep)
	if err != nil {
		return err
	}
	if err := w.apply(t.instance, engine.Completed{ID: t.id, Outputs: s.variables, Assignee: &t.Assignee}); err != nil {
		return err
	}
	w.tasks = slices.DeleteFunc(w.tasks, func(other *task) bool { return other == t })
	return nil
}

// claim gives a task to a user, or back to its candidates.
func (w *world) claim(s *claimStep) error {
	t, err := w.openTask(s.taskStep)
	if err != nil {
		return err
	}
	if s.assignee != "" && t.Assignee != "" && t.Assignee != s.assignee {
		return fmt.Errorf("the task is claimed by %q", t.Assignee)
	}
	if t.Assignee != s.assignee {
		w.assigned(t)
	}
	t.Assignee = s.assignee
	if t.Listens {
		return w.apply(t.instance, engine.TaskAssigned{ID: t.id, Assignee: t.Assignee})
	}
	return nil
}
