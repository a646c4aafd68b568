package slack

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
)

func TestCreatesAChannel(t *testing.T) {
	w := newWorkspace(t)
	outputs, err := connectors.Do(t.Context(), connect(t, w), call(createChannel,
		"channelName", "#Order-7", "channelType", "private", "members", []any{"ann@example.com", "U0BOB", "eve@example.com", "U0NOBODY", "bob", us, "U0BOB"}))
	require.NoError(t, err)
	result := outputs["slackResult"].(map[string]any)
	created := w.find(result["channelId"].(string))
	require.Equal(t, "order-7", created.name)
	require.True(t, created.private)
	require.Equal(t, []string{"U0ANN", "U0BOB"}, created.members)
	require.Equal(t, "order-7", result["channelName"])
	require.Equal(t, "private", result["channelType"])
	require.Equal(t, []any{"ann@example.com", "U0BOB", us, "U0BOB"}, result["invited"], "the app is in its channel")
	failed := result["notInvited"].([]any)
	require.Len(t, failed, 3)
	for i, want := range []struct{ member, reason string }{{"eve@example.com", "users_not_found"}, {"U0NOBODY", "user_not_found"}, {"bob", "neither a user id nor a mail address"}} {
		require.Equal(t, want.member, failed[i].(map[string]any)["member"])
		require.Contains(t, failed[i].(map[string]any)["error"], want.reason)
	}
}

func TestCreatesAChannelForNobodyElse(t *testing.T) {
	w := newWorkspace(t)
	for _, members := range []any{[]any{}, ",", []any{" "}} {
		outputs, err := connectors.Do(t.Context(), connect(t, w), call(createChannel, "channelName", "again", "channelType", "public", "members", members))
		require.NoError(t, err)
		require.Equal(t, []any{}, outputs["slackResult"].(map[string]any)["notInvited"])
	}
	require.Zero(t, w.count("conversations.invite"))
}

func TestAChannelIsCreatedOnce(t *testing.T) {
	for _, lost := range []string{"conversations.create", "conversations.setPurpose", "conversations.invite", "conversations.members"} {
		t.Run(lost, func(t *testing.T) {
			w := newWorkspace(t)
			w.lose[lost] = 1
			made := call(createChannel, "channelName", "order-7", "channelType", "public", "members", "ann@example.com, U0BOB")
			_, err := connect(t, w).Call(t.Context(), made)
			require.Equal(t, connectors.Retryable, connectors.AsError(err).Kind)
			outputs, err := connect(t, w).Call(t.Context(), made)
			require.NoError(t, err)
			require.Len(t, w.channels, 4)
			require.Equal(t, []any{"ann@example.com", "U0BOB"}, outputs["slackResult"].(map[string]any)["invited"])

			other := made
			other.IdempotencyKey = "another"
			_, err = connect(t, w).Call(t.Context(), other)
			require.Equal(t, codeInvalidChannel, connectors.AsError(err).Code, "it belongs to the other call")
			require.ErrorContains(t, err, "name_taken")
		})
	}
}

func TestAChannelOfOthersIsNotTaken(t *testing.T) {
	w := newWorkspace(t)
	w.channels = append(w.channels, &channel{id: "C0ANN", name: "anns", creator: "U0ANN"}, &channel{id: "C0OURS", name: "ours", creator: us, private: true})
	for _, name := range []string{"anns", "ours"} {
		_, err := connect(t, w).Call(t.Context(), call(createChannel, "channelName", name, "channelType", "public", "members", "U0BOB"))
		require.Equal(t, codeInvalidChannel, connectors.AsError(err).Code, name)
	}
	require.Zero(t, w.count("conversations.invite"))
	require.Zero(t, w.count("conversations.setPurpose"))
}

func TestInvitationsThatSlackRefusesAltogether(t *testing.T) {
	w := newWorkspace(t)
	w.failing("conversations.invite", answers("missing_scope"))
	made := call(createChannel, "channelName", "order-7", "channelType", "public", "members", "U0BOB")
	outputs, err := connect(t, w).Call(t.Context(), made)
	require.NoError(t, err)
	failed := outputs["slackResult"].(map[string]any)["notInvited"].([]any)
	require.Contains(t, failed[0].(map[string]any)["error"], "missing_scope")

	w.failing("conversations.invite", answers("fatal_error"))
	_, err = connect(t, w).Call(t.Context(), made)
	require.Equal(t, connectors.Retryable, connectors.AsError(err).Kind)
	w.failing("conversations.invite", nil)
	_, err = connect(t, w).Call(t.Context(), made)
	require.NoError(t, err)
	require.Equal(t, []string{"U0BOB"}, w.channels[3].members)
}
