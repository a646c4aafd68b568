package scenario

import (
	"maps"
	"slices"

	"github.com/waybill-io/waybill/engine"
)

// answerStep ends a user task, or escalates from it, in another way than by its results.
type answerStep struct {
	taskStep
	code, message string
	variables     map[string]any
	escalates     bool
}

func readEscalate(f *fields) action {
	s := readThrowError(f).(*answerStep)
	s.escalates = true
	return s
}

func readThrowError(f *fields) action {
	return &answerStep{
		taskStep: f.task(), code: f.required("code", "a code"), message: f.optional("message", "a message"), variables: f.variables("variables"),
	}
}

func (s *answerStep) do(w *world) error {
	t, err := w.openTask(s.taskStep)
	if err != nil {
		return err
	}
	if s.escalates {
		return w.apply(t.instance, engine.Escalated{ID: t.id, Code: s.code, Variables: s.variables})
	}
	if err := w.apply(t.instance, engine.Failed{ID: t.id, Failure: engine.Failure{Code: s.code, Message: s.message}, Variables: s.variables}); err != nil {
		return err
	}
	w.tasks = slices.DeleteFunc(w.tasks, func(other *task) bool { return other == t })
	return nil
}

// setOnTask sets variables that are local to a task.
func (w *world) setOnTask(s *setStep) error {
	t, err := w.openTask(*s.task)
	if err != nil {
		return err
	}
	if err := w.apply(t.instance, engine.VariablesSet{Task: t.id, Variables: s.variables}); err != nil {
		return err
	}
	t.Inputs = maps.Clone(t.Inputs)
	if t.Inputs == nil {
		t.Inputs = engine.Variables{}
	}
	maps.Copy(t.Inputs, s.variables)
	return nil
}

type runStep struct{ instance, element string }

func readRun(f *fields) action {
	return &runStep{f.instance(main), f.required("element", "the id of an activity")}
}

type finishScopeStep struct{ instance, element string }

func readFinishScope(f *fields) action {
	return &finishScopeStep{f.instance(main), f.required("element", "the id of an ad-hoc sub-process")}
}

var _ action = (*answerStep)(nil)
