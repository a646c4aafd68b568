package external

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"

	"github.com/waybill-io/waybill/activities/contract"
)

const (
	// maxMessage and maxDetails bound, in bytes, what a failure tells people; the rest is cut off. All of it is told with each sign of life.
	maxMessage = 4_000
	maxDetails = 64 << 10
	// maxAnswer bounds what an answer carries, in bytes of JSON: no instance keeps more, and Temporal takes 2 MB.
	maxAnswer = 750_000
)

// ErrTooLarge is wrapped where the variables of an answer are too large. The worker has its task still.
var ErrTooLarge = errors.New("fewer or smaller variables are expected, or a reference to where they are kept")

// maxDepth bounds how deep lists and objects are in each other. encoding/json reads 10,000 levels and no more, and a process keeps its variables some
// levels deep in what it is told.
const maxDepth = 1000

// CheckDepth is an error that wraps ErrTooLarge when a variable has more levels than a process can read: such a one would bring its instance to a stand.
func CheckDepth(variable any) error {
	if deeper(variable, maxDepth) {
		return fmt.Errorf("lists and objects are more than %d levels deep in each other: %w", maxDepth, ErrTooLarge)
	}
	return nil
}

// deeper tells whether a value has more levels than that.
func deeper(v any, levels int) bool {
	switch v := v.(type) {
	case []any:
		return levels == 0 || slices.ContainsFunc(v, func(element any) bool { return deeper(element, levels-1) })
	case map[string]any:
		return levels == 0 || slices.ContainsFunc(slices.Collect(maps.Values(v)), func(element any) bool { return deeper(element, levels-1) })
	}
	return false
}

// checkDepth looks at all that an answer brings.
func checkDepth(r contract.ExternalResult) error {
	var token any
	if len(r.Token) > 0 {
		if err := json.Unmarshal(r.Token, &token); err != nil {
			return fmt.Errorf("read the result: %w", err)
		}
	}
	for _, all := range []map[string]any{r.Outputs, r.Local, {"": token}} {
		for _, v := range all {
			if err := CheckDepth(v); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxCode bounds the code of an error, in bytes: a model has it too, to catch it.
const maxCode = 1000

// checkCode is an error that wraps ErrTooLarge when the code of an error is none that a model may have.
func checkCode(code string) error {
	if len(code) > maxCode {
		return fmt.Errorf("the code of an error has at most %d bytes, and this one has %d: %w", maxCode, len(code), ErrTooLarge)
	}
	return nil
}

// encode makes the payload of an answer. Of one that is too large Temporal would say that it was taken, and fail the task for good.
func encode(answer contract.ExternalResult) (*common.Payloads, error) {
	if err := checkDepth(answer); err != nil {
		return nil, err
	}
	p, err := converter.GetDefaultDataConverter().ToPayloads(answer)
	if err != nil {
		return nil, err
	}
	if n := len(p.GetPayloads()[0].GetData()); n > maxAnswer {
		return nil, fmt.Errorf("the answer takes %d bytes, at most %d are possible: %w", n, maxAnswer, ErrTooLarge)
	}
	return p, nil
}
