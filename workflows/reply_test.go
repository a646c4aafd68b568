package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors"
)

// asking is a desk of which every call waits for the reply to what it has said.
type asking struct{ desk }

func (*asking) Await(call connectors.Call, _ map[string]any) (string, bool) {
	text, _ := call.Inputs["text"].(string)
	return text, text != ""
}

func TestCallWaitsForItsReply(t *testing.T) {
	d := &asking{desk{answer: answers(map[string]any{"said": "asked"})}}
	c := startWorkerWith(t, server.Client(t), d)
	_, err := c.Deploy(t.Context(), define(t, "asking", oneCall, declared))
	require.NoError(t, err)
	reply := func(key, id, text string, early bool) error {
		return c.Reply(t.Context(), contract.Message{
			ID: id, Name: contract.ReplyName("desk"), Key: key, Variables: map[string]any{"said": text},
		}, early)
	}

	require.NoError(t, reply("thread-1", "1", "nobody has asked", false))
	id, _, err := c.Start(t.Context(), client.StartOptions{Key: "asking", Variables: map[string]any{"text": "thread-1"}})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		require.NoError(t, reply("thread-1", "2", "yes", false))
		list, err := c.List(t.Context(), client.Filter{Key: "asking", State: contract.StateCompleted})
		return err == nil && len(list) == 1
	}, 10*time.Second, 50*time.Millisecond)
	result, err := c.Wait(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "yes", result.Variables["said"])
	require.Len(t, d.calls, 1)

	require.NoError(t, reply("thread-2", "3", "at once", true))
	id, _, err = c.Start(t.Context(), client.StartOptions{Key: "asking", Variables: map[string]any{"text": "thread-2"}})
	require.NoError(t, err)
	result, err = c.Wait(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "at once", result.Variables["said"])
}
