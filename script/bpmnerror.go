package script

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dop251/goja"

	"github.com/waybill-io/waybill/engine"
)

// errorClasses are the classes of BPMN errors in the engines that models come from.
var errorClasses = []string{
	"org.camunda.bpm.engine.delegate.BpmnError", "org.activiti.engine.delegate.BpmnError", "org.flowable.engine.delegate.BpmnError",
}

var errorClass = goja.MustCompile("", `(function () {
	function BpmnError(code, message) {
		this.name = "BpmnError";
		this.errorCode = String(code);
		this.message = message === undefined || message === null ? "" : String(message);
	}
	BpmnError.prototype = Object.create(Error.prototype);
	BpmnError.prototype.constructor = BpmnError;
	BpmnError.prototype.getErrorCode = function () { return this.errorCode };
	BpmnError.prototype.getMessage = function () { return this.message };
	return BpmnError;
})()`, true)

// allowErrors lets a script throw BPMN errors: by the full name of the class, or by what Java.type gives for it. thrown is the BPMN error
// that ended the script, or nil. A variable that is named org or Java stays what it is.
func allowErrors(vm *goja.Runtime, source string, variables map[string]any) (thrown func(error) *engine.BPMNError, err error) {
	if !strings.Contains(source, "BpmnError") {
		return func(error) *engine.BPMNError { return nil }, nil
	}
	class, err := vm.RunProgram(errorClass)
	if err != nil {
		return nil, err
	}
	globals := map[string]any{}
	for _, name := range errorClasses {
		within := globals
		parts := strings.Split(name, ".")
		for _, part := range parts[:len(parts)-1] {
			inner, ok := within[part].(map[string]any)
			if !ok {
				inner = map[string]any{}
				within[part] = inner
			}
			within = inner
		}
		within["BpmnError"] = class
	}
	globals["Java"] = map[string]any{"type": func(name string) any {
		if !slices.Contains(errorClasses, name) {
			panic(vm.NewGoError(fmt.Errorf("the Java class %s is not there: of Java, only BpmnError is", name)))
		}
		return class
	}}
	for name, value := range globals {
		if _, taken := variables[name]; !taken {
			if err := vm.Set(name, value); err != nil {
				return nil, err
			}
		}
	}
	return func(err error) *engine.BPMNError {
		exception, ok := errors.AsType[*goja.Exception](err)
		if !ok {
			return nil
		}
		object, ok := exception.Value().(*goja.Object)
		if !ok || !vm.InstanceOf(object, class.(*goja.Object)) {
			return nil
		}
		return &engine.BPMNError{Code: object.Get("errorCode").String(), Message: object.Get("message").String()}
	}, nil
}
