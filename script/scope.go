package script

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/dop251/goja"

	"github.com/waybill-io/waybill/engine"
	"github.com/waybill-io/waybill/juel"
)

// access is how a script reaches variables: those that it was given, with what it has changed since.
type access struct {
	vm      *goja.Runtime
	env     engine.ScriptEnv
	changed map[string]any
	removed map[string]bool
}

// surround gives a script the objects execution, task, token and identity.
func surround(vm *goja.Runtime, env engine.ScriptEnv) error {
	a := &access{vm: vm, env: env, changed: map[string]any{}, removed: map[string]bool{}}
	execution := a.object(env.Execution, juel.Local)
	if err := vm.Set("execution", execution); err != nil {
		return err
	}
	if env.Task != nil {
		if err := vm.Set("task", a.task(execution)); err != nil {
			return err
		}
	}
	for name, data := range map[string]map[string]any{"token": env.Token, "identity": env.Identity} { // one does not see the other: any order
		if data == nil {
			continue
		}
		if err := vm.Set(name, own(data)); err != nil {
			return err
		}
	}
	return nil
}

// object is execution or task: its data, a getter for each of them, and access to the variables. local is what is local to it.
func (a *access) object(data map[string]any, local juel.Reach) map[string]any {
	object := map[string]any{
		"getVariable":       func(name string) any { value, _ := a.get(name); return value },
		"getVariableLocal":  func(name string) any { value, _ := a.get(name); return value },
		"hasVariable":       func(name string) bool { _, there := a.get(name); return there },
		"getVariables":      a.all,
		"setVariable":       func(name string, value goja.Value) { a.set(name, value, juel.Nearest) },
		"setVariableLocal":  func(name string, value goja.Value) { a.set(name, value, local) },
		"setVariables":      func(values goja.Value) { a.setAll(values, juel.Nearest) },
		"setVariablesLocal": func(values goja.Value) { a.setAll(values, local) },
		"removeVariable":    a.remove,
	}
	show(object, data)
	return object
}

// show puts data into an object, each with a getter.
func show(object, data map[string]any) {
	for name, value := range data { // into a map: any order
		if name == "execution" { // an object of its own
			continue
		}
		value = copied(value)
		object[name] = value
		object["get"+strings.ToUpper(name[:1])+name[1:]] = func() any { return value }
	}
}

func (a *access) get(name string) (any, bool) {
	if value, ok := a.changed[name]; ok {
		return value, true
	}
	if a.removed[name] {
		return nil, false
	}
	value, ok := a.env.Variables[name]
	return copied(value), ok
}

func (a *access) all() map[string]any {
	all := own(a.env.Variables)
	for name := range a.removed {
		delete(all, name)
	}
	maps.Copy(all, a.changed)
	return all
}

func (a *access) set(name string, value goja.Value, reach juel.Reach) {
	if a.env.Set == nil {
		a.fail(errors.New("variables cannot be set here: use a listener or a script task"))
	}
	plain, err := plain(value)
	if err == nil {
		err = a.env.Set(name, plain, reach)
	}
	if err != nil {
		a.fail(err)
	}
	delete(a.removed, name)
	a.changed[name] = plain
	_ = a.vm.Set(name, copied(plain)) // as a global it is seen from now on
}

func (a *access) setAll(values goja.Value, reach juel.Reach) {
	if values == nil {
		a.fail(errors.New("an object with variables is missing"))
	}
	object := values.ToObject(a.vm)
	for _, name := range object.Keys() {
		a.set(name, object.Get(name), reach)
	}
}

func (a *access) remove(name string) {
	if a.env.Remove == nil {
		a.fail(errors.New("variables cannot be removed here: use a listener or a script task"))
	}
	if err := a.env.Remove(name); err != nil {
		a.fail(err)
	}
	delete(a.changed, name)
	a.removed[name] = true
	_ = a.vm.GlobalObject().Delete(name)
}

func (a *access) task(execution map[string]any) map[string]any {
	task := a.object(a.env.Task, juel.LocalToTask)
	task["execution"] = execution
	task["getExecution"] = func() any { return execution }
	for _, method := range juel.TaskChanges {
		task[method] = func(value goja.Value) { a.change(task, method, value) }
	}
	return task
}

func (a *access) change(task map[string]any, method string, value goja.Value) {
	if a.env.Change == nil {
		a.fail(errors.New("the task cannot be changed here: use a listener"))
	}
	plain, err := plain(value)
	if err == nil {
		err = a.env.Change(method, plain)
	}
	if err != nil {
		a.fail(err)
	}
	show(task, a.env.Task)
}

// fail throws an error in the script.
func (a *access) fail(err error) { panic(a.vm.NewGoError(err)) }

// plain is a value of a script in the value model of variables.
func plain(value goja.Value) (any, error) {
	if value == nil {
		return nil, nil
	}
	data, err := dated(value.Export(), 0)
	if err != nil {
		return nil, err
	}
	return juel.Normalize(data)
}

// maxDepth bounds how deep data is nested: an object of a script may hold itself.
const maxDepth = 1000

// dated makes the text that a variable holds of every date in a value.
func dated(value any, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("it holds itself, or is nested more than %d deep", maxDepth)
	}
	var err error
	switch v := value.(type) {
	case time.Time:
		return v.UTC().Format("2006-01-02T15:04:05.000Z07:00"), nil
	case []any:
		list := make([]any, len(v))
		for i := range v {
			if list[i], err = dated(v[i], depth+1); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		object := make(map[string]any, len(v))
		for name, element := range v { // into a map: any order
			if object[name], err = dated(element, depth+1); err != nil {
				return nil, err
			}
		}
		return object, nil
	}
	return value, nil
}
