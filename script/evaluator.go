package script

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/dop251/goja"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/engine"
)

// timeout bounds one evaluation. A workflow task that takes longer than a second is taken for one that hangs.
const timeout = 500 * time.Millisecond

// maxPrograms bounds the compiled scripts that are kept.
const maxPrograms = 1000

// Evaluator evaluates scripts in place. It is safe for concurrent use; the zero value is ready.
type Evaluator struct {
	mu       sync.Mutex
	programs map[string]*goja.Program
}

// Evaluate runs a script and returns its value, in the value model of variables. It has no effect but through env.Set.
func (e *Evaluator) Evaluate(s *bpmn.Script, env engine.ScriptEnv) (any, error) {
	if s.Format != "javascript" {
		return nil, fmt.Errorf("a script in %q cannot be evaluated", s.Format)
	}
	program, err := e.compile(s.Source)
	if err != nil {
		return nil, fmt.Errorf("script: %w", err)
	}
	vm, err := New(own(env.Variables))
	if err != nil {
		return nil, fmt.Errorf("script: %w", err)
	}
	vm.SetTimeSource(func() time.Time {
		panic(vm.NewGoError(errors.New("there is no clock here, so that the instance can be replayed")))
	})
	vm.SetRandSource(func() float64 {
		panic(vm.NewGoError(errors.New("there is no random here, so that the instance can be replayed")))
	})
	if err := surround(vm, env); err != nil {
		return nil, fmt.Errorf("script: %w", err)
	}
	thrown, err := allowErrors(vm, s.Source, env.Variables)
	if err != nil {
		return nil, fmt.Errorf("script: %w", err)
	}
	timer := time.AfterFunc(timeout, func() { vm.Interrupt("it took longer than " + timeout.String()) })
	defer timer.Stop()
	value, err := vm.RunProgram(program)
	if bpmnError := thrown(err); bpmnError != nil {
		return nil, bpmnError
	}
	if err != nil {
		return nil, fmt.Errorf("script: %s", firstLine(err))
	}
	result, err := plain(value)
	if err != nil {
		return nil, fmt.Errorf("script: its result: %w", err)
	}
	return result, nil
}

// Check reports the first syntax error, with its place in the script.
func Check(source string) error {
	if _, err := compile(source); err != nil {
		text, _, _ := strings.Cut(firstLine(err), " (and ")
		return errors.New(strings.Replace(text, "SyntaxError: (anonymous): Line", "JavaScript, line", 1))
	}
	return nil
}

func (e *Evaluator) compile(source string) (*goja.Program, error) {
	e.mu.Lock()
	program := e.programs[source]
	e.mu.Unlock()
	if program != nil {
		return program, nil
	}
	program, err := compile(source)
	if err != nil {
		return nil, errors.New(firstLine(err))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.programs == nil || len(e.programs) >= maxPrograms {
		e.programs = map[string]*goja.Program{}
	}
	e.programs[source] = program
	return program, nil
}

// own copies what a script could change.
func own(variables map[string]any) map[string]any {
	all := make(map[string]any, len(variables))
	for name, value := range variables { // into a map: any order
		all[name] = copied(value)
	}
	return all
}

func copied(value any) any {
	switch v := value.(type) {
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = copied(v[i])
		}
		return list
	case map[string]any:
		return own(v)
	case engine.Variables:
		return own(v)
	}
	return value
}

// firstLine is an error without the stack of the script.
func firstLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	text, _, _ = strings.Cut(text, " at ")
	return text
}

var _ engine.Scripts = (*Evaluator)(nil)
