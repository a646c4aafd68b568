package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/engine"
	"github.com/waybill-io/waybill/script"
)

// maxScriptOutput bounds what a script leaves behind, as JSON: Temporal refuses payloads of 2 MiB.
const maxScriptOutput = 1 << 20

// RunScript runs a JavaScript over a copy of the variables: each is a global, and execution works as in the engines that models come
// from. A variable is changed by setVariable or as the script's result, not by assignment. The script sees no files and no network, and
// ends with its context.
func RunScript(ctx context.Context, in contract.ScriptInput) (contract.ScriptResult, error) {
	changes, err := script.Run(ctx, script.Task{Source: in.Source, Variables: in.Variables, Execution: in.Execution, AutoStore: in.AutoStore})
	if thrown, ok := errors.AsType[*engine.BPMNError](err); ok {
		return contract.ScriptResult{}, temporal.NewNonRetryableApplicationError(
			thrown.Message, contract.BPMNErrorPrefix+thrown.Code, nil, contract.ConnectorResult{Outputs: changes.Variables})
	}
	if err != nil {
		return contract.ScriptResult{}, refused("%s", err.Error())
	}
	if in.Result != "" {
		changes.Variables[in.Result] = changes.Value
	}
	result := contract.ScriptResult{Variables: changes.Variables, Removed: slices.Sorted(maps.Keys(changes.Removed))}
	if len(changes.Local) > 0 {
		result.Local = changes.Local
	}
	text, err := json.Marshal(result)
	if err != nil {
		return contract.ScriptResult{}, refused("its results are not plain data: %v", err)
	}
	if len(text) > maxScriptOutput {
		return contract.ScriptResult{}, refused("its results take %d bytes, at most %d are kept", len(text), maxScriptOutput)
	}
	return result, nil
}

func refused(format string, args ...any) error {
	return temporal.NewNonRetryableApplicationError("script: "+fmt.Sprintf(format, args...), "script", nil)
}
