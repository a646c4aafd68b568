package script

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/dop251/goja"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/engine"
	"github.com/waybill-io/waybill/juel"
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
	timer := time.AfterFunc(timeout, func() { vm.Interrupt("it took longer than " + timeout.String()) })
	defer timer.Stop()
	value, err := vm.RunProgram(program)
	if err != nil {
		return nil, fmt.Errorf("script: %s", firstLine(err))
	}
	result, err := juel.Normalize(value.Export())
	if err != nil {
		return nil, fmt.Errorf("script: its result: %w", err)
	}
	return result, nil
}

func (e *Evaluator) compile(source string) (*goja.Program, error) {
	e.mu.Lock()
	program := e.programs[source]
	e.mu.Unlock()
	if program != nil {
		return program, nil
	}
	program, err := goja.Compile("", source, false)
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

// surround gives a script the objects execution, task and token.
func surround(vm *goja.Runtime, env engine.ScriptEnv) error {
	execution := scope(vm, env, env.Execution, juel.Local)
	if err := vm.Set("execution", execution); err != nil {
		return err
	}
	if env.Task != nil {
		task := scope(vm, env, env.Task, juel.LocalToTask)
		task["execution"] = execution
		task["getExecution"] = func() any { return execution }
		for _, method := range juel.TaskChanges {
			task[method] = changer(vm, env, task, method)
		}
		if err := vm.Set("task", task); err != nil {
			return err
		}
	}
	if env.Token != nil {
		return vm.Set("token", own(env.Token))
	}
	return nil
}

// scope is execution or task: its data, a getter for each of them, and access to the variables. local is what is local to it.
func scope(vm *goja.Runtime, env engine.ScriptEnv, data map[string]any, local juel.Reach) map[string]any {
	set := map[string]any{} // what the script itself has set
	object := map[string]any{
		"getVariable": func(name string) any {
			if value, ok := set[name]; ok {
				return value
			}
			return copied(env.Variables[name])
		},
		"hasVariable": func(name string) bool {
			_, changed := set[name]
			_, there := env.Variables[name]
			return changed || there
		},
		"setVariable":      setter(vm, env, set, juel.Nearest),
		"setVariableLocal": setter(vm, env, set, local),
	}
	show(object, data)
	return object
}

// show puts data into an object, each with a getter.
func show(object, data map[string]any) {
	for name, value := range data { // into a map: any order
		value = copied(value)
		object[name] = value
		object["get"+strings.ToUpper(name[:1])+name[1:]] = func() any { return value }
	}
}

// changer is a method of a task that changes it.
func changer(vm *goja.Runtime, env engine.ScriptEnv, task map[string]any, method string) func(value goja.Value) {
	return func(value goja.Value) {
		if env.Change == nil {
			panic(vm.NewGoError(errors.New("the task cannot be changed here: use a listener")))
		}
		plain, err := plain(value)
		if err == nil {
			err = env.Change(method, plain)
		}
		if err != nil {
			panic(vm.NewGoError(err))
		}
		changed := maps.Clone(env.Task)
		delete(changed, "execution")
		show(task, changed)
	}
}

// plain is a value of a script in the value model of variables; a date is its text.
func plain(value goja.Value) (any, error) {
	exported := value.Export()
	if date, ok := exported.(time.Time); ok {
		return date.UTC().Format("2006-01-02T15:04:05.000Z07:00"), nil
	}
	return juel.Normalize(exported)
}

func setter(vm *goja.Runtime, env engine.ScriptEnv, set map[string]any, reach juel.Reach) func(name string, value goja.Value) {
	return func(name string, value goja.Value) {
		if env.Set == nil {
			panic(vm.NewGoError(errors.New("variables cannot be set here: use a listener or a script task")))
		}
		plain, err := plain(value)
		if err == nil {
			err = env.Set(name, plain, reach)
		}
		if err != nil {
			panic(vm.NewGoError(err))
		}
		set[name] = plain
		_ = vm.Set(name, copied(plain)) // as a global it is seen from now on
	}
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
