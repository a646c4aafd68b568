package workflows

import (
	"errors"
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
)

// setAlso has the indexer told which generations of rebuilds it writes to beside the current ones.
func (x *indexer) setAlso(ctx workflow.Context) error {
	return errors.Join(
		workflow.SetUpdateHandlerWithOptions(ctx, contract.AlsoUpdate, x.also, workflow.UpdateHandlerOptions{Description: "write to a generation, too"}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.AlsoNotUpdate, x.alsoNot, workflow.UpdateHandlerOptions{Description: "no longer write to a generation"}),
	)
}

// also has blocks written to a generation as well, from the next that begins on. It answers with the pass that may have begun others; 0: none.
func (x *indexer) also(_ workflow.Context, t contract.IndexTarget) (int64, error) {
	if !slices.Contains(x.Also, t) {
		// Blocks that are under way have the old slice.
		x.Also = append(slices.Clone(x.Also), t)
	}
	return x.underWay(), nil
}

func (x *indexer) alsoNot(_ workflow.Context, t contract.IndexTarget) (int64, error) {
	x.Also = slices.DeleteFunc(slices.Clone(x.Also), func(o contract.IndexTarget) bool { return o == t })
	return x.underWay(), nil
}

func (x *indexer) underWay() int64 {
	if x.Pass == nil {
		return 0
	}
	return x.Pass.Number
}
