package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"go.temporal.io/sdk/activity"
	temporalclient "go.temporal.io/sdk/client"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

// Steering is what workflows ask of Temporal that they may not do themselves. Every method may be repeated.
type Steering struct {
	client *client.Client
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
			BusinessKey: m.BusinessKey, Variables: m.Variables,
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
