package slack

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/connectortest"
)

// only is the one event of a request.
func only(t *testing.T, c *Connector, r connectors.Request) connectors.Event {
	t.Helper()
	receipt, err := c.Receive(t.Context(), r)
	require.NoError(t, err)
	require.Len(t, receipt.Events, 1)
	return receipt.Events[0]
}

func TestAMessage(t *testing.T) {
	c := connect(t, nil)
	e := only(t, c, told(t, nil))
	require.Equal(t, "MESSAGE_RECEIVED", e.Name)
	require.Equal(t, "C0GENERAL:1355517523.000005", e.ID)
	require.Equal(t, time.Date(2012, 12, 14, 20, 38, 43, 5000, time.UTC), e.Time)
	require.Equal(t, map[string]any{
		"originalMessage": "Order 7", "message": "Order 7", "slackChannelId": "C0GENERAL", "slackUserId": "U0ANN", "slackBotId": "",
		"channelTypes": []any{"public-channel"}, "ts": "1355517523.000005", "threadTs": "1355517523.000005",
	}, e.Outputs)
	require.Equal(t, []connectors.Reply{{Key: "C0GENERAL"}}, e.Replies)

	feature, err := c.Definition().Event(messageReceived)
	require.NoError(t, err)
	require.Len(t, feature.Outputs, len(e.Outputs)+1, "all but matchGroups")
	for _, o := range feature.Outputs {
		if o.Name != "matchGroups" {
			require.Contains(t, e.Outputs, o.Name)
			require.NoError(t, o.Type.Check(e.Outputs[o.Name]))
		}
	}
	// The outputs of a reply are those of the call that waited for it.
	action, err := c.Definition().Action(sendMessage)
	require.NoError(t, err)
	for _, o := range action.Outputs {
		if o.Name != "channelId" {
			require.Contains(t, e.Outputs, o.Name)
			require.NoError(t, o.Type.Check(e.Outputs[o.Name]))
		}
	}
}

func TestALongMessageIsCut(t *testing.T) {
	e := only(t, connect(t, nil), told(t, map[string]any{"text": "x" + strings.Repeat("é", maxReceived)}))
	require.Equal(t, "x"+strings.Repeat("é", maxReceived/2-1), e.Outputs["originalMessage"])
	require.Equal(t, e.Outputs["originalMessage"], e.Outputs["message"])
	content, err := json.Marshal(only(t, connect(t, nil), told(t, map[string]any{"text": strings.Repeat("&amp;", maxReceived)})))
	require.NoError(t, err)
	require.Less(t, len(content), 256<<10, "what an event may have")
}

func TestAMessageInAThread(t *testing.T) {
	e := only(t, connect(t, nil), told(t, map[string]any{"thread_ts": "1355517500.000001", "channel_type": "im", "channel": "DU0ANN"}))
	require.Equal(t, "1355517500.000001", e.Outputs["threadTs"])
	require.Equal(t, "1355517523.000005", e.Outputs["ts"])
	require.Equal(t, []connectors.Reply{{Key: "DU0ANN"}, {Key: "DU0ANN:1355517500.000001", Early: true}, {Key: "DU0ANN:1355517500.000001:open"}}, e.Replies)
	// The first message of a thread names itself once the thread has begun.
	e = only(t, connect(t, nil), told(t, map[string]any{"thread_ts": "1355517523.000005"}))
	require.Equal(t, []connectors.Reply{{Key: "C0GENERAL"}}, e.Replies)
}

func TestRepliesFindTheCallThatWaits(t *testing.T) {
	w := newWorkspace(t)
	c := connect(t, w)
	for _, test := range []struct{ wait, thread string }{{"any", ""}, {"thread", ""}, {"thread", "1355517400.000001"}, {"any", "1355517400.000001"}} {
		made := call(sendMessage, "text", "Shall we?", "channelId", "C0GENERAL", "requestResponse", test.wait, "threadTs", test.thread)
		outputs, err := connectors.Do(t.Context(), c, made)
		require.NoError(t, err)
		key, ok := c.Await(made, outputs)
		require.True(t, ok)
		answers := func(fields map[string]any) bool {
			for _, r := range only(t, c, told(t, fields)).Replies {
				if r.Key == key {
					return true
				}
			}
			return false
		}
		require.True(t, answers(map[string]any{"text": "Yes", "thread_ts": outputs["threadTs"], "ts": "1355517600.000001"}))
		require.Equal(t, test.wait == "any", answers(map[string]any{"text": "Yes", "ts": "1355517600.000001"}))
		require.Equal(t, test.wait == "any", answers(map[string]any{"text": "Yes", "thread_ts": "1355517300.000001", "ts": "1355517600.000001"}))
		require.False(t, answers(map[string]any{"text": "Yes", "channel": "C0OTHER", "thread_ts": outputs["threadTs"], "ts": "1355517600.000001"}))
	}
}

func TestOneMessageIsOneEvent(t *testing.T) {
	w := newWorkspace(t)
	c := connect(t, w)
	first := only(t, c, told(t, map[string]any{"text": "<@U0BOT> Order 7"}))
	again := with(with(told(t, map[string]any{"text": "<@U0BOT> Order 7"}), "X-Slack-Retry-Num", "1"), "X-Slack-Retry-Reason", "http_timeout")
	mention := told(t, map[string]any{"type": "app_mention", "channel_type": nil, "text": "<@U0BOT> Order 7"})
	require.Equal(t, first, only(t, c, again))
	require.Equal(t, first, only(t, c, mention), "Slack tells of it as a mention, too")
	require.Equal(t, []any{"public-channel", "mention"}, first.Outputs["channelTypes"])
	for _, other := range []map[string]any{{"channel": "C0OTHER"}, {"ts": "1355517523.000006"}} {
		require.NotEqual(t, first.ID, only(t, c, told(t, other)).ID)
	}
	require.Equal(t, first.Outputs["channelTypes"], only(t, c, mention).Outputs["channelTypes"])
	require.Equal(t, 1, w.count("conversations.info"), "the kind of a channel is remembered")
}

func TestChannelTypes(t *testing.T) {
	w := newWorkspace(t)
	c := connect(t, w)
	for _, test := range []struct {
		fields map[string]any
		want   []any
	}{
		{map[string]any{"channel_type": "im"}, []any{"direct-message"}},
		{map[string]any{"channel_type": "app_home"}, []any{"direct-message"}},
		{map[string]any{"channel_type": "mpim"}, []any{"group"}},
		{map[string]any{"channel_type": "group"}, []any{"private-channel"}},
		{map[string]any{"channel_type": "channel", "text": "Hello <@U0BOT|waybill>"}, []any{"public-channel", "mention"}},
		{map[string]any{"channel_type": "channel", "text": "Hello <@U0BOT2> &lt;@U0BOT&gt;"}, []any{"public-channel"}},
		{map[string]any{"type": "app_mention", "channel_type": nil, "channel": "C0SECRET"}, []any{"private-channel", "mention"}},
		{map[string]any{"type": "app_mention", "channel_type": nil, "channel": "C0NOBODY"}, []any{"mention"}},
	} {
		require.Equal(t, test.want, only(t, c, told(t, test.fields)).Outputs["channelTypes"])
	}
	for channel, info := range map[string]string{"G0MPIM": `"is_mpim":true,"is_private":true`, "D0IM": `"is_im":true`} {
		w.failing("conversations.info", func(rw http.ResponseWriter, _ url.Values) {
			_, _ = rw.Write([]byte(`{"ok":true,"channel":{` + info + `}}`))
		})
		want := map[string]string{"G0MPIM": "group", "D0IM": "direct-message"}[channel]
		require.Equal(t, []any{want, "mention"}, only(t, c, told(t, map[string]any{"type": "app_mention", "channel_type": nil, "channel": channel})).Outputs["channelTypes"])
	}
}

func TestWhatIsNoMessageOfSomebodyElse(t *testing.T) {
	accepting := connect(t, nil, "SLACK_BOT_MESSAGES", "true")
	for name, fields := range map[string]map[string]any{
		"changed":                      {"subtype": "message_changed", "hidden": true, "message": map[string]any{"text": "x"}},
		"deleted":                      {"subtype": "message_deleted", "hidden": true, "deleted_ts": "1355517523.000001"},
		"somebody joined":              {"subtype": "channel_join"},
		"replied":                      {"subtype": "message_replied"},
		"hidden":                       {"hidden": true},
		"ours, by the user":            {"user": us},
		"ours, by the app":             {"bot_id": "B0BOT", "app_id": "A0APP", "user": "U0OTHER"},
		"ours, by the app's profile":   {"bot_id": "B0BOT", "bot_profile": map[string]any{"app_id": "A0APP"}, "user": nil},
		"a reaction":                   {"type": "reaction_added"},
		"a channel that is none":       {"channel": "x/../y"},
		"a time that is none":          {"ts": "1"},
		"a message without a channel":  {"channel": nil},
		"a mention that we wrote":      {"type": "app_mention", "user": us},
		"a message that is not timed":  {"ts": nil},
		"a channel with a colon in it": {"channel": "C0:1"},
	} {
		for _, c := range []*Connector{connect(t, nil), accepting} {
			receipt, err := c.Receive(t.Context(), told(t, fields))
			require.NoError(t, err, name)
			require.Equal(t, connectors.Receipt{}, receipt, name)
		}
	}
	for _, subtype := range []any{nil, "file_share", "thread_broadcast", "me_message"} {
		only(t, connect(t, nil), told(t, map[string]any{"subtype": subtype}))
	}
}

func TestOtherBots(t *testing.T) {
	for _, fields := range []map[string]any{
		{"bot_id": "B0OTHER", "app_id": "A0OTHER", "user": "U0OTHER"}, {"subtype": "bot_message", "bot_id": "B0OTHER", "user": nil}, {"subtype": "bot_message", "user": nil},
	} {
		receipt, err := connect(t, nil).Receive(t.Context(), told(t, fields))
		require.NoError(t, err)
		require.Empty(t, receipt.Events)
		e := only(t, connect(t, nil, "SLACK_BOT_MESSAGES", "true"), told(t, fields))
		require.NotEmpty(t, e.Outputs["slackBotId"])
		require.Empty(t, e.Replies, "only people reply")
		_, _, ok := Template().Answer(e, "x")
		require.False(t, ok, "two bots that answer each other do not stop")
	}
}

func TestAnswer(t *testing.T) {
	w := newWorkspace(t)
	c := connect(t, w)
	e := only(t, c, told(t, map[string]any{"thread_ts": "1355517500.000001"}))
	content, err := json.Marshal(e) // events are stored before they are answered
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(content, &e))
	action, inputs, ok := Template().Answer(e, "Got it")
	require.True(t, ok)
	_, err = connectors.Do(t.Context(), c, connectors.Call{Action: action, IdempotencyKey: "k", Inputs: inputs})
	require.NoError(t, err)
	form := w.last("chat.postMessage")
	require.Equal(t, "C0GENERAL 1355517500.000001 Got it", form.Get("channel")+" "+form.Get("thread_ts")+" "+form.Get("text"))
	for _, other := range []connectors.Event{{}, {Name: messageReceived}, {Name: "OTHER", Outputs: e.Outputs}} {
		_, _, ok = Template().Answer(other, "x")
		require.False(t, ok)
	}
}

func FuzzReceive(f *testing.F) {
	for _, seed := range []string{"{}", `{"type":"event_callback","event":{"type":"message","channel":"C1","ts":"1.000001","text":"x","channel_type":"im"}}`, `{"type":"event_callback","event":[]}`, "null"} {
		f.Add(seed)
	}
	template := Template()
	made, err := template.Make(connectors.Instance{Definition: template.Definition, Settings: connectortest.Settings(template.Definition, map[string]string{
		"SLACK_BOT_TOKEN": token, "SLACK_SIGNING_SECRET": signingSecret, "SLACK_API_URL": "http://127.0.0.1:1"})})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body string) {
		receipt, err := made.(*Connector).Receive(t.Context(), signed(body, now))
		if err != nil {
			require.NotEmpty(t, connectors.AsError(err).Public)
		}
		for _, e := range receipt.Events {
			require.Regexp(t, `^[A-Z0-9]+:[0-9]+\.[0-9]{6}$`, e.ID)
			require.GreaterOrEqual(t, e.Time.Unix(), int64(0))
		}
	})
}
