package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/waybill-io/waybill/juel"
)

// taskData are the properties of Activiti's and Camunda's delegate task that are data.
func (m *machine) taskData(c *OpenTask) map[string]any {
	return map[string]any{
		"name": c.Name, "assignee": c.Assignee, "owner": c.Owner, "priority": int64(c.Priority), "description": c.Description,
		"formKey": c.FormKey, "dueDate": dateText(c.Due), "followUpDate": dateText(c.FollowUp), "processInstanceId": m.s.ID,
	}
}

// dateText is how expressions see a date; null is none.
func dateText(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.Format(time.RFC3339Nano)
}

// nullable is a text, or null for none.
func nullable(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// ChangeTask is task.setAssignee and its like, in a listener: the task opens as it is then.
func (m *machine) ChangeTask(method string, value any) error {
	switch {
	case m.view.task == nil:
		return errors.New("there is no task here: a task is changed in its own listeners")
	case m.view.open == nil:
		return errors.New("the task is complete: change it in a listener for create")
	}
	if err := m.changeTask(m.view.open, method, value); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	maps.Copy(m.view.task, m.taskData(m.view.open))
	return nil
}

func (m *machine) changeTask(c *OpenTask, method string, value any) (err error) {
	switch method {
	case "addCandidateUser", "addCandidateUsers":
		return add(&c.CandidateUsers, value)
	case "addCandidateGroup", "addCandidateGroups":
		return add(&c.CandidateGroups, value)
	case "setPriority":
		c.Priority, err = priority(value)
		return err
	}
	text, err := asText(value)
	if err != nil {
		return err
	}
	switch method {
	case "setAssignee":
		c.Assignee = text
	case "setOwner":
		c.Owner = text
	case "setName":
		c.Name = text
	case "setDescription":
		c.Description = text
	case "setFormKey":
		c.FormKey = text
	case "deleteCandidateUser":
		c.CandidateUsers = without(c.CandidateUsers, text)
	case "deleteCandidateGroup":
		c.CandidateGroups = without(c.CandidateGroups, text)
	case "setDueDate":
		c.Due, err = m.date(text)
	case "setFollowUpDate":
		c.FollowUp, err = m.date(text)
	default:
		err = errors.New("it is not known")
	}
	return err
}

// add adds one candidate, or a list of them, that is not there yet.
func add(candidates *[]string, value any) error {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	for _, element := range list {
		text, err := asText(element)
		if err != nil {
			return err
		}
		if text != "" && !slices.Contains(*candidates, text) {
			*candidates = append(slices.Clip(*candidates), text)
		}
	}
	return nil
}

func without(candidates []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(candidates), func(c string) bool { return c == name })
}

var _ juel.TaskChanger = (*machine)(nil)
