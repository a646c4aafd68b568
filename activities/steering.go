package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"
	temporalclient "go.temporal.io/sdk/client"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

// Steering is what workflows ask of Temporal that they may not do themselves. Every method may be repeated.
type Steering struct {
	client *client.Client
	clock  func() time.Time // of a test; nil: none
}

// ForTests has the processes that messages and signals start begin at the time of a test, which stands still, and leaves timer
// start events to the test.
func (s *Steering) ForTests(clock func() time.Time) *Steering {
	return &Steering{client: s.client, clock: clock}
}

// testTime is the time at which instances of a test begin, nil when there is none.
func (s *Steering) testTime() *time.Time {
	if s.clock == nil {
		return nil
	}
	now := s.clock()
	return &now
}

// NewSteering returns the activities over a client.
func NewSteering(c *client.Client) *Steering { return &Steering{client: c} }

// Subscribe has an instance wait for a message.
func (s *Steering) Subscribe(ctx context.Context, sub contract.Subscription) error {
	return s.signalMessage(ctx, sub.Name, sub.Key, contract.SubscribeSignal, sub)
}

// ReturnMessage gives a message back whose subscriber had stopped waiting.
func (s *Steering) ReturnMessage(ctx context.Context, in contract.ReturnMessageInput) error {
	return s.signalMessage(ctx, in.Message.Name, in.Message.Key, contract.ReturnSignal, in.Message)
}

func (s *Steering) signalMessage(ctx context.Context, name, key, signal string, payload any) error {
	id := contract.MessageID(name, key)
	_, err := s.client.Temporal.SignalWithStartWorkflow(ctx, id, signal, payload,
		temporalclient.StartWorkflowOptions{TaskQueue: contract.ProcessQueue},
		contract.MessageWorkflow, contract.MessageState{Name: name, Key: key})
	if err != nil {
		return fmt.Errorf("%s at %s: %w", signal, id, err)
	}
	return nil
}

// SubscribeSignal has an instance wait for a signal.
func (s *Steering) SubscribeSignal(ctx context.Context, sub contract.Subscription) error {
	id := contract.SignalID(sub.Name)
	_, err := s.client.Temporal.SignalWithStartWorkflow(ctx, id, contract.SubscribeSignal, sub,
		temporalclient.StartWorkflowOptions{TaskQueue: contract.ProcessQueue}, contract.SignalWorkflow, contract.SignalState{Name: sub.Name})
	if err != nil {
		return fmt.Errorf("subscribe at %s: %w", id, err)
	}
	return nil
}

// Broadcast sends a signal on behalf of an instance.
func (s *Steering) Broadcast(ctx context.Context, b contract.SignalBroadcast) error {
	_, err := s.client.Signal(ctx, b)
	return startError(err)
}

// Publish publishes a message on behalf of an instance.
func (s *Steering) Publish(ctx context.Context, m contract.Message) error {
	_, err := s.client.Publish(ctx, m)
	return startError(err)
}

// LoadDefinition reads the definition of a process that is called.
func (s *Steering) LoadDefinition(ctx context.Context, in contract.LoadDefinition) (contract.Definition, error) {
	d, err := s.client.DefinitionFor(ctx, in.Key, in.Version, in.VersionTag)
	return d, startError(err)
}

// Assign has a mailbox watched together with others, or watched no more.
func (s *Steering) Assign(ctx context.Context, a contract.Assignment) error {
	return s.client.Assign(ctx, a)
}

// StartBySignal starts the processes that begin with a signal and returns the ids of their instances.
func (s *Steering) StartBySignal(ctx context.Context, b contract.SignalBroadcast) (ids []string, err error) {
	entries, err := s.client.Entries(ctx, contract.SignalStartsID(b.Name))
	if err != nil {
		return nil, fmt.Errorf("read the processes that signal %q starts: %w", b.Name, err)
	}
	m := contract.Message{ID: b.ID, Name: b.Name}
	for _, e := range entries {
		var start contract.MessageStart
		if err := json.Unmarshal(e.Value, &start); err != nil {
			return nil, fmt.Errorf("read the process that signal %q starts: %w", b.Name, err)
		}
		id, _, err := s.client.Start(ctx, client.StartOptions{
			Key: start.Key, Element: start.Element, ID: start.Key + "/signal-" + startKey(ctx, m), Variables: b.Variables,
			Clock: s.testTime(),
		})
		if err != nil {
			return nil, startError(err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// StartByMessage starts the processes that begin with a message and returns the id of the first, "" when there are none.
func (s *Steering) StartByMessage(ctx context.Context, m contract.Message) (string, error) {
	entries, err := s.client.Entries(ctx, contract.MessageStartsID(m.Name))
	if err != nil {
		return "", fmt.Errorf("read the processes that message %q starts: %w", m.Name, err)
	}
	first := ""
	for _, e := range entries {
		var start contract.MessageStart
		if err := json.Unmarshal(e.Value, &start); err != nil {
			return "", fmt.Errorf("read the process that message %q starts: %w", m.Name, err)
		}
		id, _, err := s.client.Start(ctx, client.StartOptions{
			Key: start.Key, Element: start.Element, ID: start.Key + "/message-" + startKey(ctx, m),
			BusinessKey: m.BusinessKey, Variables: m.Variables, Clock: s.testTime(),
		})
		if err != nil {
			return "", startError(err)
		}
		if first == "" {
			first = id
		}
	}
	return first, nil
}

// StartOtherwise starts the process that a message starts when nobody waits for it, and returns the id of its instance. An instance that
// was started by this id before is the same one.
func (s *Steering) StartOtherwise(ctx context.Context, m contract.Message) (string, error) {
	id, _, err := s.client.Start(ctx, client.StartOptions{
		Key: m.Otherwise.Key, ID: m.Otherwise.ID, BusinessKey: m.BusinessKey, Variables: m.Variables, Clock: s.testTime(),
	})
	return id, startError(err)
}

// startKey is the same in every attempt to start by this message, so that it starts one instance.
func startKey(ctx context.Context, m contract.Message) string {
	if m.ID != "" {
		return hash(m.Name, m.Key, m.ID)
	}
	info := activity.GetInfo(ctx)
	return hash(info.WorkflowExecution.ID, info.WorkflowExecution.RunID, info.ActivityID)
}

func hash(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// startError makes an error final that no retry mends: the process refuses its start.
func startError(err error) error {
	if client.Refused(err) {
		return final(err)
	}
	return err
}
