package script

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/dop251/goja"

	"github.com/waybill-io/waybill/engine"
	"github.com/waybill-io/waybill/juel"
)

// Task is a script task: what it runs, over what.
type Task struct {
	Source    string
	Variables map[string]any // the script's own: it may change the lists and maps in them
	Execution map[string]any // the data of execution
	AutoStore bool           // the globals that it assigns become variables
}

// Changes are what a script task leaves behind.
type Changes struct {
	Value     any // of the script itself
	Variables map[string]any
	Local     map[string]any // set by setVariableLocal
	Removed   map[string]bool
}

// Run runs a script task until its context ends. The error is an *engine.BPMNError when the script threw one; its changes count then
// too.
func Run(ctx context.Context, t Task) (Changes, error) {
	changes := Changes{Variables: map[string]any{}, Local: map[string]any{}, Removed: map[string]bool{}}
	var given map[string]any
	if t.AutoStore {
		given = own(t.Variables)
	}
	vm, err := New(t.Variables)
	if err != nil {
		return changes, fmt.Errorf("give the variables to the script: %w", err)
	}
	defer context.AfterFunc(ctx, func() { vm.Interrupt(ctx.Err()) })()
	env := engine.ScriptEnv{Variables: t.Variables, Execution: t.Execution, Set: changes.set, Remove: changes.remove}
	if err := surround(vm, env); err != nil {
		return changes, fmt.Errorf("prepare script: %w", err)
	}
	thrown, err := allowErrors(vm, t.Source, t.Variables)
	if err != nil {
		return changes, fmt.Errorf("prepare script: %w", err)
	}
	value, err := vm.RunString(t.Source)
	if bpmnError := thrown(err); bpmnError != nil {
		return changes, bpmnError
	}
	if err != nil {
		return changes, err
	}
	if changes.Value, err = plain(value); err != nil {
		return changes, fmt.Errorf("its results are not plain data: %w", err)
	}
	if t.AutoStore {
		changes.store(vm, given)
	}
	return changes, nil
}

// store takes the globals that the script has made or changed and that are data.
func (c *Changes) store(vm *goja.Runtime, given map[string]any) {
	for _, name := range vm.GlobalObject().Keys() {
		value, err := plain(vm.Get(name))
		if slices.Contains([]string{"execution", "org", "Java"}, name) || err != nil {
			continue
		}
		before, there := given[name]
		if before, err = juel.Normalize(before); !there || err != nil || !reflect.DeepEqual(before, value) {
			c.Variables[name] = value
			delete(c.Removed, name)
		}
	}
}

func (c *Changes) set(name string, value any, reach juel.Reach) error {
	if reach == juel.Local {
		c.Local[name] = value
		return nil
	}
	c.Variables[name] = value
	delete(c.Removed, name)
	return nil
}

func (c *Changes) remove(name string) error {
	delete(c.Variables, name)
	delete(c.Local, name)
	c.Removed[name] = true
	return nil
}
