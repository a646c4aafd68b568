package external

import (
	"errors"
	"fmt"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
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

// encode makes the payload of an answer. Of one that is too large Temporal would say that it was taken, and fail the task for good.
func encode(answer any) (*common.Payloads, error) {
	p, err := converter.GetDefaultDataConverter().ToPayloads(answer)
	if err != nil {
		return nil, err
	}
	if n := len(p.GetPayloads()[0].GetData()); n > maxAnswer {
		return nil, fmt.Errorf("the answer takes %d bytes, at most %d are possible: %w", n, maxAnswer, ErrTooLarge)
	}
	return p, nil
}
