package activities

import (
	"context"
	"encoding/json"
	"fmt"

	"go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/script"
)

// maxScriptOutput bounds what a script leaves behind, as JSON: Temporal refuses payloads of 2 MiB.
const maxScriptOutput = 1 << 20

// RunScript runs a JavaScript over a copy of the variables: each is a global, and execution.setVariable and
// execution.getVariable work as in the engines that models come from. A variable is changed by setVariable or as the script's result, not by
// assignment. The script sees no files and no network, and ends with its context.
func RunScript(ctx context.Context, in contract.ScriptInput) (contract.ScriptResult, error) {
	vm, err := script.New(in.Variables)
	if err != nil {
		return contract.ScriptResult{}, fmt.Errorf("give the variables to the script: %w", err)
	}
	defer context.AfterFunc(ctx, func() { vm.Interrupt(ctx.Err()) })()

	set := map[string]any{}
	lookup := func(name string) any {
		if v, ok := set[name]; ok {
			return v
		}
		return in.Variables[name]
	}
	execution := map[string]any{
		"getVariable": lookup,
		"setVariable": func(name string, v any) { set[name] = v },
		"hasVariable": func(name string) bool {
			_, changed := set[name]
			_, there := in.Variables[name]
			return changed || there
		},
	}
	if err := vm.Set("execution", execution); err != nil {
		return contract.ScriptResult{}, fmt.Errorf("prepare script: %w", err)
	}
	value, err := vm.RunString(in.Source)
	if err != nil {
		return contract.ScriptResult{}, temporal.NewNonRetryableApplicationError("script: "+err.Error(), "script", nil)
	}
	if in.Result != "" {
		set[in.Result] = value.Export()
	}
	text, err := json.Marshal(set)
	if err != nil {
		return contract.ScriptResult{}, temporal.NewNonRetryableApplicationError("script: its results are not plain data: "+err.Error(), "script", nil)
	}
	if len(text) > maxScriptOutput {
		return contract.ScriptResult{}, temporal.NewNonRetryableApplicationError(
			fmt.Sprintf("script: its results take %d bytes, at most %d are kept", len(text), maxScriptOutput), "script", nil)
	}
	return contract.ScriptResult{Variables: set}, nil
}
