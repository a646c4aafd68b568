package workflows

import (
	"fmt"
	"slices"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
)

// broadcastAtOnce is how many instances are told of a signal at a time: Temporal takes 2,000 unanswered ones.
const broadcastAtOnce = 500

// signals is where the signals of one name meet those who wait for them. One loop does everything, so that a subscription comes
// either before a signal or after it.
type signals struct {
	contract.SignalState
	ctx      workflow.Context
	requests workflow.Channel // of *broadcast
	handling int
}

// broadcast is a signal with the update that waits until all are told.
type broadcast struct {
	signal contract.SignalBroadcast
	reply  workflow.Settable
}

// Signal is the workflow of a signal name. It ends when nobody waits and the memory of duplicates has run out.
func Signal(ctx workflow.Context, state contract.SignalState) error {
	s := &signals{SignalState: state, ctx: ctx, requests: workflow.NewBufferedChannel(ctx, 100)}
	err := workflow.SetUpdateHandlerWithOptions(ctx, contract.BroadcastUpdate, s.broadcast,
		workflow.UpdateHandlerOptions{Validator: s.validate, Description: "broadcast a signal"})
	if err != nil {
		return err
	}
	subscribe := workflow.GetSignalChannel(ctx, contract.SubscribeSignal)
	unsubscribe := workflow.GetSignalChannel(ctx, contract.UnsubscribeSignal)
	for {
		timer, stop := workflow.WithCancel(ctx)
		selector := workflow.NewSelector(ctx)
		selector.AddReceive(subscribe, s.subscribed)
		selector.AddReceive(unsubscribe, s.unsubscribed)
		selector.AddReceive(s.requests, s.requested)
		selector.AddReceive(ctx.Done(), ignore)
		if len(s.Seen) > 0 {
			due := s.SeenAt.Add(seenFor)
			selector.AddFuture(workflow.NewTimer(timer, max(due.Sub(workflow.Now(ctx)), 0)), fired)
		}
		selector.Select(ctx)
		stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !s.SeenAt.Add(seenFor).After(workflow.Now(ctx)) {
			s.Seen = nil
		}
		// A handler whose answer is there returns now; one that came meanwhile needs the loop.
		if err := workflow.Await(ctx, func() bool { return s.handling == 0 || s.requests.Len() > 0 }); err != nil {
			return err
		}
		if s.requests.Len()+subscribe.Len()+unsubscribe.Len() > 0 {
			continue
		}
		if len(s.Subscriptions)+len(s.Seen) == 0 {
			return nil
		}
		if s.leaving() {
			return workflow.NewContinueAsNewError(ctx, contract.SignalWorkflow, s.SignalState)
		}
	}
}

func (s *signals) leaving() bool { return workflow.GetInfo(s.ctx).GetContinueAsNewSuggested() }

func (s *signals) validate(b contract.SignalBroadcast) error {
	if b.Name != s.Name {
		return fmt.Errorf("signal %q came to the place of %q", b.Name, s.Name)
	}
	return nil
}

func (s *signals) broadcast(ctx workflow.Context, b contract.SignalBroadcast) (contract.BroadcastResult, error) {
	s.handling++
	future, reply := workflow.NewFuture(ctx)
	s.requests.Send(ctx, &broadcast{signal: b, reply: reply})
	var result contract.BroadcastResult
	err := future.Get(ctx, &result)
	s.handling--
	return result, err
}

func (s *signals) requested(c workflow.ReceiveChannel, _ bool) {
	var b *broadcast
	c.Receive(s.ctx, &b)
	b.reply.Set(s.tell(b.signal))
}

// tell hands a signal to everybody who waits and starts the processes that begin with it.
func (s *signals) tell(b contract.SignalBroadcast) (contract.BroadcastResult, error) {
	if b.ID != "" {
		if slices.Contains(s.Seen, b.ID) {
			return contract.BroadcastResult{Duplicate: true}, nil
		}
		s.Seen = append(s.Seen, b.ID)
		s.Seen = s.Seen[max(len(s.Seen)-seenMessages, 0):]
		s.SeenAt = workflow.Now(s.ctx)
	}
	result := contract.BroadcastResult{}
	var kept []contract.Subscription
	for part := range slices.Chunk(s.Subscriptions, broadcastAtOnce) {
		told := make([]workflow.Future, len(part))
		for i, sub := range part {
			if sub.Instance != b.Sender {
				told[i] = workflow.SignalExternalWorkflow(s.ctx, sub.Instance, "", contract.SignalSignal,
					contract.SignalDelivery{Command: sub.Command, Variables: b.Variables})
			}
		}
		for i, sub := range part {
			if told[i] != nil {
				if told[i].Get(s.ctx, nil) != nil {
					continue // it has ended
				}
				result.Delivered++
			}
			kept = append(kept, sub)
		}
	}
	s.Subscriptions = kept
	if err := workflow.ExecuteActivity(steering(s.ctx), contract.StartBySignalActivity, b).Get(s.ctx, &result.Started); err != nil {
		return result, temporal.NewNonRetryableApplicationError("start the processes that begin with the signal: "+err.Error(), "refused", err)
	}
	return result, nil
}

func (s *signals) subscribed(c workflow.ReceiveChannel, _ bool) {
	var sub contract.Subscription
	c.Receive(s.ctx, &sub)
	if !slices.Contains(s.Subscriptions, sub) {
		s.Subscriptions = append(s.Subscriptions, sub)
	}
}

func (s *signals) unsubscribed(c workflow.ReceiveChannel, _ bool) {
	var sub contract.Subscription
	c.Receive(s.ctx, &sub)
	s.Subscriptions = slices.DeleteFunc(s.Subscriptions, func(other contract.Subscription) bool { return other == sub })
}
