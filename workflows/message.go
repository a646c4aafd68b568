package workflows

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
)

const (
	// keptMessages and keptMessageBytes bound the messages that wait for a subscriber under one name and key: they must fit into
	// the input of the next run.
	keptMessages     = 1000
	keptMessageBytes = 1 << 20
	// seenMessages and seenFor bound the memory of duplicates.
	seenMessages = 1000
	seenFor      = 10 * time.Minute
	// returnedFor is how long a message without a time to live is kept when its subscriber ended while it was on its way.
	returnedFor = 24 * time.Hour
	// settleFor is how long a process that a message started has to come to where it waits for the next one.
	settleFor = 10 * time.Second
	// refusedFor is the pause before a process is started again by a message whose publisher has its answer.
	refusedFor = 5 * time.Minute
)

// messages is where the messages of one name and key meet those who wait for them. One loop does all matching, so that
// each message goes to one subscriber and each subscriber gets one message.
type messages struct {
	contract.MessageState
	ctx      workflow.Context
	requests workflow.Channel // of *publication
	over     workflow.Channel // wakes the loop when this run must end
	handling int
	stop     workflow.CancelFunc // of the timer that runs
}

// publication is a message with the update that waits for its fate.
type publication struct {
	message contract.Message
	reply   workflow.Settable
}

// Message is the workflow of a message name and correlation key. It ends when nobody waits, nothing is kept, and the
// memory of duplicates has run out.
func Message(ctx workflow.Context, state contract.MessageState) error {
	m := &messages{MessageState: state, ctx: ctx, requests: workflow.NewBufferedChannel(ctx, 100), over: workflow.NewBufferedChannel(ctx, 1)}
	err := workflow.SetUpdateHandlerWithOptions(ctx, contract.PublishUpdate, m.publish,
		workflow.UpdateHandlerOptions{Validator: m.validate, Description: "publish a message"})
	if err != nil {
		return err
	}
	workflow.Go(ctx, m.watchLength)
	subscribe := workflow.GetSignalChannel(ctx, contract.SubscribeSignal)
	unsubscribe := workflow.GetSignalChannel(ctx, contract.UnsubscribeSignal)
	returned := workflow.GetSignalChannel(ctx, contract.ReturnSignal)
	for {
		selector := workflow.NewSelector(ctx)
		selector.AddReceive(m.requests, m.requested)
		selector.AddReceive(subscribe, m.subscribed)
		selector.AddReceive(unsubscribe, m.unsubscribed)
		selector.AddReceive(returned, m.returned)
		selector.AddReceive(m.over, ignore) // still full in the next round: then every round ends at once
		selector.AddReceive(ctx.Done(), ignore)
		m.startTimer(selector)
		selector.Select(ctx)
		m.stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		m.expire()
		m.settle()
		// A handler whose answer is there returns now; one that came meanwhile needs the loop.
		if err := workflow.Await(ctx, func() bool { return m.handling == 0 || m.requests.Len() > 0 }); err != nil {
			return err
		}
		if m.requests.Len()+subscribe.Len()+unsubscribe.Len()+returned.Len() > 0 {
			continue
		}
		if m.empty() {
			return nil
		}
		if m.leaving() {
			return workflow.NewContinueAsNewError(ctx, contract.MessageWorkflow, m.MessageState)
		}
	}
}

// leaving tells whether this run must end.
func (m *messages) leaving() bool { return workflow.GetInfo(m.ctx).GetContinueAsNewSuggested() }

// watchLength wakes the loop when the run must end. A publisher may be the first to come then and is refused, which leaves
// no trace; with nothing else under way it would be refused for ever. The loop wakes after that refusal is out, since
// a run that ends with it would break it off.
func (m *messages) watchLength(ctx workflow.Context) {
	if workflow.Await(ctx, m.leaving) != nil || workflow.GetVersion(ctx, "watch-length", workflow.DefaultVersion, 1) < 1 {
		return
	}
	if workflow.Sleep(ctx, time.Millisecond) == nil {
		m.over.Send(ctx, nil)
	}
}

func ignore(workflow.ReceiveChannel, bool) {}

func fired(workflow.Future) {}

// startTimer wakes the loop when the next message expires, or when duplicates may be forgotten.
func (m *messages) startTimer(selector workflow.Selector) {
	ctx, cancel := workflow.WithCancel(m.ctx)
	m.stop = cancel
	var due time.Time
	for _, k := range m.Messages {
		if due.IsZero() || k.Expires.Before(due) {
			due = k.Expires
		}
	}
	if due.IsZero() && len(m.Seen) > 0 && len(m.Subscriptions) == 0 {
		due = m.SeenAt.Add(seenFor)
	}
	if !due.IsZero() {
		selector.AddFuture(workflow.NewTimer(ctx, max(due.Sub(workflow.Now(ctx)), 0)), fired)
	}
}

func (m *messages) expire() {
	now := workflow.Now(m.ctx)
	m.Messages = slices.DeleteFunc(m.Messages, func(k contract.Message) bool { return !k.Expires.After(now) && k.Otherwise == nil })
	if !m.SeenAt.Add(seenFor).After(now) {
		m.Seen = nil
	}
}

func (m *messages) empty() bool {
	return len(m.Subscriptions) == 0 && len(m.Messages) == 0 && len(m.Seen) == 0
}

func (m *messages) validate(p contract.Message) error {
	if p.Name != m.Name || p.Key != m.Key {
		return fmt.Errorf("message %q with key %q came to the place of %q with key %q", p.Name, p.Key, m.Name, m.Key)
	}
	if m.leaving() {
		// Under a steady stream the loop would never be idle enough for its next run.
		return temporal.NewApplicationError("the place where these messages meet begins a new run: try again", contract.Busy)
	}
	return nil
}

func (m *messages) publish(ctx workflow.Context, p contract.Message) (contract.PublishResult, error) {
	m.handling++
	future, reply := workflow.NewFuture(ctx)
	m.requests.Send(ctx, &publication{message: p, reply: reply})
	var result contract.PublishResult
	err := future.Get(ctx, &result)
	m.handling--
	return result, err
}

func (m *messages) requested(c workflow.ReceiveChannel, _ bool) {
	var p *publication
	c.Receive(m.ctx, &p)
	p.reply.Set(m.place(p.message))
}

// place finds somebody for a message that was published.
func (m *messages) place(message contract.Message) (contract.PublishResult, error) {
	if message.ID != "" {
		if slices.Contains(m.Seen, message.ID) || m.keeps(message.ID) {
			return contract.PublishResult{Duplicate: true}, nil
		}
		m.Seen = append(m.Seen, message.ID)
		m.Seen = m.Seen[max(len(m.Seen)-seenMessages, 0):]
		m.SeenAt = workflow.Now(m.ctx)
	}
	if instance := m.deliver(message); instance != "" {
		err := m.take(message, instance)
		return contract.PublishResult{Delivered: instance}, err
	}
	start := contract.StartByMessageActivity
	if message.Otherwise != nil {
		start = contract.StartOtherwiseActivity
		// Mails of one key that come together belong to one process, which the first of them starts.
		if message.Expires = m.StartedAt.Add(settleFor); message.Expires.After(workflow.Now(m.ctx)) && !m.full(message) {
			m.Messages = append(m.Messages, message)
			return contract.PublishResult{Kept: true}, nil
		}
	}
	var started string
	if err := workflow.ExecuteActivity(steering(m.ctx), start, message).Get(m.ctx, &started); err != nil {
		m.forget(message.ID)
		return contract.PublishResult{}, err
	}
	if message.Otherwise != nil {
		m.StartedAt = workflow.Now(m.ctx)
	}
	if started != "" {
		return contract.PublishResult{Started: started}, nil
	}
	if message.TTL > 0 && m.full(message) {
		m.forget(message.ID)
		return contract.PublishResult{}, temporal.NewNonRetryableApplicationError(
			fmt.Sprintf("%d messages wait already for a subscriber; no more are kept", len(m.Messages)), "refused", nil)
	}
	if message.TTL > 0 {
		message.Expires = workflow.Now(m.ctx).Add(message.TTL)
		m.Messages = append(m.Messages, message)
		return contract.PublishResult{Kept: true}, nil
	}
	m.forget(message.ID)
	return contract.PublishResult{}, temporal.NewNonRetryableApplicationError("nobody waits for it", contract.NobodyWaits, nil)
}

// keeps tells whether a message that will start a process is kept.
func (m *messages) keeps(id string) bool {
	return slices.ContainsFunc(m.Messages, func(k contract.Message) bool { return k.Otherwise != nil && k.ID == id })
}

// take takes the id under which a message that was delivered would have started a process. The loop waits for it, so that nobody is told of
// the delivery before, and the memory of duplicates lasts from then on.
func (m *messages) take(message contract.Message, instance string) error {
	if message.Otherwise == nil {
		return nil
	}
	ctx := workflow.WithChildOptions(m.ctx, workflow.ChildWorkflowOptions{
		WorkflowID: message.Otherwise.ID, WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		ParentClosePolicy: enums.PARENT_CLOSE_POLICY_ABANDON,
	})
	err := workflow.ExecuteChildWorkflow(ctx, contract.TakenWorkflow, instance).GetChildWorkflowExecution().Get(ctx, nil)
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		err = nil // it was taken before the memory of duplicates ran out
	}
	m.SeenAt = workflow.Now(m.ctx)
	return err
}

// Taken holds an id, and its result tells for whom: where a process would stand, had nobody waited for a message, the instance that took the
// message; of an echo, its key.
func Taken(_ workflow.Context, holder string) (string, error) { return holder, nil }

// full tells whether a message is too much to keep beside those that wait.
func (m *messages) full(message contract.Message) bool {
	size := 0
	for _, k := range append([]contract.Message{message}, m.Messages...) {
		text, err := json.Marshal(k)
		if err != nil {
			panic(fmt.Sprintf("serialise message: %v", err)) // it came as JSON
		}
		size += len(text)
	}
	return size > keptMessageBytes || len(m.Messages) >= keptMessages
}

// forget lets a message be published again that found nobody.
func (m *messages) forget(id string) {
	m.Seen = slices.DeleteFunc(m.Seen, func(seen string) bool { return seen == id })
}

// deliver hands a message to the first subscriber that still runs, and tells which; "" when there is none.
func (m *messages) deliver(message contract.Message) string {
	for len(m.Subscriptions) > 0 {
		s := m.Subscriptions[0]
		m.Subscriptions = m.Subscriptions[1:]
		if m.send(s, message) {
			return s.Instance
		}
	}
	return ""
}

func (m *messages) send(s contract.Subscription, message contract.Message) bool {
	delivery := contract.MessageDelivery{Command: s.Command, Message: message}
	err := workflow.SignalExternalWorkflow(m.ctx, s.Instance, "", contract.MessageSignal, delivery).Get(m.ctx, nil)
	if err != nil {
		workflow.GetLogger(m.ctx).Info("subscriber has ended", "process", s.Instance, "error", err)
	}
	return err == nil
}

func (m *messages) subscribed(c workflow.ReceiveChannel, _ bool) {
	var s contract.Subscription
	c.Receive(m.ctx, &s)
	if slices.Contains(m.Subscriptions, s) {
		return // the signal of an attempt that seemed to have failed
	}
	m.expire()
	if len(m.Messages) > 0 {
		message := m.Messages[0]
		if m.send(s, message) {
			m.Messages = m.Messages[1:]
			if err := m.take(message, s.Instance); err != nil {
				workflow.GetLogger(m.ctx).Error("a message that was delivered does not take its id", "error", err)
			}
		}
		return
	}
	// Those of one instance stand in its order, which the network need not keep.
	i := slices.IndexFunc(m.Subscriptions, func(other contract.Subscription) bool {
		return other.Instance == s.Instance && other.Command > s.Command
	})
	if i < 0 {
		i = len(m.Subscriptions)
	}
	m.Subscriptions = slices.Insert(m.Subscriptions, i, s)
}

func (m *messages) unsubscribed(c workflow.ReceiveChannel, _ bool) {
	var s contract.Subscription
	c.Receive(m.ctx, &s)
	m.Subscriptions = slices.DeleteFunc(m.Subscriptions, func(other contract.Subscription) bool { return other == s })
}

// returned takes a message back whose subscriber stopped waiting while it was on its way.
func (m *messages) returned(c workflow.ReceiveChannel, _ bool) {
	var message contract.Message
	c.Receive(m.ctx, &message)
	if m.deliver(message) != "" {
		return
	}
	if message.Otherwise != nil {
		start := *message.Otherwise
		start.ID += "-returned" // the subscriber that stopped waiting has taken the other one
		message.Otherwise = &start
		m.startLate(message)
		return
	}
	m.keep(message)
}

// keep has a message wait for another subscriber.
func (m *messages) keep(message contract.Message) {
	message.Expires = workflow.Now(m.ctx).Add(max(message.TTL, returnedFor))
	m.Messages = append(m.Messages, message)
}

// settle starts the process of the first message whose time to wait for an earlier one is over. The others wait for that.
func (m *messages) settle() {
	late := func(k contract.Message) bool { return k.Otherwise != nil && !k.Expires.After(workflow.Now(m.ctx)) }
	i := slices.IndexFunc(m.Messages, late)
	if i < 0 {
		return
	}
	message := m.Messages[i]
	m.Messages = slices.Delete(m.Messages, i, i+1)
	m.startLate(message)
	for i := range m.Messages {
		if late(m.Messages[i]) {
			m.Messages[i].Expires = m.StartedAt.Add(settleFor)
		}
	}
}

// startLate starts the process of a message that its publisher does not wait for any more. While that is refused, as for a process that is
// not deployed any more, the message waits for a subscriber, and it is tried again now and then.
func (m *messages) startLate(message contract.Message) {
	if err := workflow.ExecuteActivity(steering(m.ctx), contract.StartOtherwiseActivity, message).Get(m.ctx, nil); err != nil {
		workflow.GetLogger(m.ctx).Error("a message starts nothing yet; it waits for a subscriber", "process", message.Otherwise.Key, "error", err)
		message.Expires = workflow.Now(m.ctx).Add(refusedFor)
		m.Messages = append(m.Messages, message)
		return
	}
	m.StartedAt = workflow.Now(m.ctx)
}
