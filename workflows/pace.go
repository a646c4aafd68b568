package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
)

const (
	// paceWindow bounds the turns that are given at once, so that a worker which dies takes little with it.
	paceWindow = time.Second
	// paceIdle is how long the workflow stays without being asked. The turns that it has given are over by then.
	paceIdle = time.Minute
)

type pace struct {
	contract.PaceState
	asked int
}

// Pace is the workflow that spreads the calls of a connector evenly over time and over all workers. Temporal's own limit of a task
// queue lets a second's worth through at once after a pause, and so twice the rate in that second.
func Pace(ctx workflow.Context, state contract.PaceState) error {
	p := &pace{PaceState: state}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, contract.TurnsUpdate, p.turns, workflow.UpdateHandlerOptions{Validator: validateTurns}); err != nil {
		return err
	}
	for {
		before := p.asked
		full, err := workflow.AwaitWithTimeout(ctx, paceIdle, workflow.GetInfo(ctx).GetContinueAsNewSuggested)
		switch {
		case err != nil:
			return err
		case full:
			return workflow.NewContinueAsNewError(ctx, contract.PaceWorkflow, p.PaceState)
		case p.asked == before:
			return nil
		}
	}
}

func validateTurns(in contract.TakeTurns) error {
	if in.PerSecond <= 0 || in.Count < 1 || in.Ahead < 0 {
		return temporal.NewNonRetryableApplicationError("a count and a rate of more than 0 are expected", "refused", nil)
	}
	return nil
}

func (p *pace) turns(ctx workflow.Context, in contract.TakeTurns) (contract.Turns, error) {
	p.asked++
	now := workflow.Now(ctx)
	interval := time.Duration(float64(time.Second) / in.PerSecond)
	first := now.Add(in.Ahead)
	if p.Next.After(first) {
		first = p.Next
	}
	count := max(1, min(in.Count, int(paceWindow/max(interval, 1))))
	p.Next = first.Add(time.Duration(count) * interval)
	return contract.Turns{Now: now, First: first, Interval: interval, Count: count}, nil
}
