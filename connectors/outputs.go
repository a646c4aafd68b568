package connectors

import (
	"encoding/json"
	"fmt"
)

// MaxOutputs bounds the outputs of a call, in bytes of JSON: Temporal refuses a result of 2 MB with what it is wrapped in
// (https://docs.temporal.io/cloud/limits#per-message-grpc-limit, limit.blobSize.error of a server), when the call has had its effect. A
// connector that may come near makes sure before it has.
const MaxOutputs = 3 << 19

// CodeTooLarge is the code of a call whose outputs are over MaxOutputs.
const CodeTooLarge = "RESULT_TOO_LARGE"

// Fit reports whether outputs are within MaxOutputs.
func Fit(outputs map[string]any) bool {
	if longest(outputs) <= MaxOutputs {
		return true
	}
	text, err := json.Marshal(outputs)
	return err == nil && len(text) <= MaxOutputs
}

// longest is what a value takes as JSON at most, found without writing it: a byte of text may become six.
func longest(value any) int {
	switch v := value.(type) {
	case nil, bool, int64, float64:
		return 32
	case string:
		return 6*len(v) + 2
	case []any:
		size := 2
		for _, item := range v {
			size += longest(item) + 1
		}
		return size
	case map[string]any:
		size := 2
		for name, item := range v {
			size += 6*len(name) + 4 + longest(item)
		}
		return size
	}
	return MaxOutputs + 1
}

func (d *Definition) checkSize(action *Feature, outputs map[string]any) error {
	if Fit(outputs) {
		return nil
	}
	return &Error{Kind: Permanent, Code: CodeTooLarge,
		Public: fmt.Sprintf("%s.%s: the outputs take more than %d bytes as JSON, or cannot be written as JSON; ask for less at a time", d.Name, action.Name, MaxOutputs)}
}
