package slack

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	slackapi "github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/connectortest"
)

// stuck is a connector whose other side never answers.
func stuck(t *testing.T) (connectors.Connector, <-chan struct{}) {
	entered, done := make(chan struct{}, 10), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		<-done
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(done) })
	return connect(t, nil, "SLACK_API_URL", server.URL), entered
}

func TestKit(t *testing.T) {
	w := newWorkspace(t)
	good := connect(t, w)
	closed := httptest.NewServer(nil)
	closed.Close()
	nobody := connect(t, nil, "SLACK_API_URL", closed.URL)
	wrongToken := connect(t, w, "SLACK_BOT_TOKEN", token+"-wrong")
	deaf := connect(t, w, "SLACK_SIGNING_SECRET", "")
	off, err := Template().Make(connectors.Instance{Definition: Template().Definition, Settings: connectortest.Settings(Template().Definition, nil)})
	require.NoError(t, err)

	fail := func(name string, c connectors.Connector, kind connectors.Kind, code string, inputs ...any) connectortest.Failure {
		return connectortest.Failure{Name: name, Connector: c, Call: call(sendMessage, append([]any{"text", "x"}, inputs...)...), Kind: kind, Code: code}
	}
	creation := func(name string, kind connectors.Kind, code string, inputs ...any) connectortest.Failure {
		inputs = append([]any{"channelName", "new", "channelType", "public", "members", []any{}}, inputs...)
		return connectortest.Failure{Name: name, Connector: good, Call: call(createChannel, inputs...), Kind: kind, Code: code}
	}
	// Each of these has a workspace of its own that answers so.
	answered := func(name string, kind connectors.Kind, code string, answer func(http.ResponseWriter, url.Values)) connectortest.Failure {
		other := newWorkspace(t)
		other.failing("chat.postMessage", answer)
		return fail(name, connect(t, other), kind, code, "channelId", "C0GENERAL")
	}
	status := func(code int, header ...string) func(http.ResponseWriter, url.Values) {
		return func(rw http.ResponseWriter, _ url.Values) {
			for i := 0; i < len(header); i += 2 {
				rw.Header().Set(header[i], header[i+1])
			}
			rw.WriteHeader(code)
			_, _ = rw.Write([]byte("<html>" + token))
		}
	}
	limited := answered("too many", connectors.Retryable, codeRateLimited, status(429, "Retry-After", "30"))
	limited.After = 30 * time.Second
	failures := []connectortest.Failure{
		limited,
		answered("too many, without a time", connectors.Retryable, codeRateLimited, status(429)),
		answered("too many to the channel", connectors.Retryable, codeRateLimited, answers("rate_limited")),
		answered("unavailable", connectors.Retryable, connectors.CodeUnknown, status(503)),
		answered("gateway time-out", connectors.Retryable, codeTimeout, status(504)),
		answered("refused by a proxy", connectors.BPMN, codeForbidden, status(403)),
		answered("unknown to a proxy", connectors.BPMN, connectors.CodeUnauthorized, status(401)),
		answered("no such address", connectors.BPMN, codeInvalidRequest, status(404)),
		answered("redirect", connectors.Permanent, codeInvalidRequest, status(307, "Location", "https://elsewhere.example/")),
		answered("no JSON", connectors.Retryable, codeResultFormat, status(200)),
		answered("other JSON", connectors.Retryable, codeResultFormat, func(rw http.ResponseWriter, _ url.Values) { _, _ = rw.Write([]byte(`{"ok":true}`)) }),
		answered("endless", connectors.Retryable, codeResultFormat, func(rw http.ResponseWriter, _ url.Values) {
			_, _ = rw.Write([]byte(`{"ok":true,"error":"`))
			for range maxAnswer >> 10 {
				_, _ = rw.Write([]byte(strings.Repeat("x", 1<<10)))
			}
		}),
		fail("wrong token", wrongToken, connectors.BPMN, connectors.CodeUnauthorized, "channelId", "C0GENERAL"),
		fail("nobody listens", nobody, connectors.Retryable, connectors.CodeUnknown, "channelId", "C0GENERAL"),
		fail("not configured", off, connectors.Permanent, connectors.CodeNotConfigured, "channelId", "C0GENERAL"),
		fail("nobody to send to", good, connectors.BPMN, connectors.CodeMissingInput),
		fail("two to send to", good, connectors.BPMN, connectors.CodeInvalidInput, "channelId", "C0GENERAL", "userId", "U0ANN"),
		fail("several people", good, connectors.BPMN, connectors.CodeInvalidInput, "userId", "U0ANN,U0BOB"),
		fail("a name as an id", good, connectors.BPMN, connectors.CodeInvalidInput, "channelId", "#general"),
		fail("blank", good, connectors.BPMN, connectors.CodeMissingInput, "text", " \n", "channelId", "C0GENERAL"),
		fail("too long", good, connectors.BPMN, codeTooLong, "text", strings.Repeat("ä", maxText+1), "channelId", "C0GENERAL"),
		fail("no thread", good, connectors.BPMN, connectors.CodeInvalidInput, "threadTs", "yesterday", "channelId", "C0GENERAL"),
		fail("unknown wait", good, connectors.BPMN, connectors.CodeInvalidInput, "requestResponse", "yes", "channelId", "C0GENERAL"),
		fail("wait without events", deaf, connectors.Permanent, connectors.CodeNotConfigured, "requestResponse", "any", "channelId", "C0GENERAL"),
		fail("metadata no JSON", good, connectors.BPMN, connectors.CodeInvalidInput, "metadata", "{", "channelId", "C0GENERAL"),
		fail("metadata no object", good, connectors.BPMN, connectors.CodeInvalidInput, "metadata", []any{}, "channelId", "C0GENERAL"),
		fail("template syntax", good, connectors.BPMN, connectors.CodeInvalidInput, "text", "<#include 'x'>", "metadata", map[string]any{}, "channelId", "C0GENERAL"),
		fail("template data", good, connectors.BPMN, connectors.CodeInvalidInput, "text", "${who}", "metadata", map[string]any{}, "channelId", "C0GENERAL"),
		fail("no such channel", good, connectors.BPMN, codeChannelNotFound, "channelId", "C0NOBODY"),
		fail("no such name", good, connectors.BPMN, codeChannelNotFound, "channelName", "nowhere"),
		fail("archived", good, connectors.BPMN, codeInvalidChannel, "channelId", "C0OLD"),
		fail("archived, by name", good, connectors.BPMN, codeChannelNotFound, "channelName", "old"),
		fail("not in it", good, connectors.BPMN, codeInvalidChannel, "channelName", "#secret"),
		fail("no such person", good, connectors.BPMN, codeUserNotFound, "userId", "U0NOBODY"),
		fail("no such address", good, connectors.BPMN, codeUserNotFound, "userEmail", "eve@example.com"),
		creation("taken", connectors.BPMN, codeInvalidChannel, "channelName", "#General"),
		creation("taken by an archived one", connectors.BPMN, codeInvalidChannel, "channelName", "old"),
		creation("name not valid", connectors.BPMN, connectors.CodeInvalidInput, "channelName", "a b"),
		creation("no name", connectors.BPMN, connectors.CodeMissingInput, "channelName", "#"),
		creation("no type", connectors.BPMN, connectors.CodeInvalidInput, "channelType", "open"),
		creation("members no list", connectors.BPMN, connectors.CodeInvalidInput, "members", 7.0),
		creation("a member that is no text", connectors.BPMN, connectors.CodeInvalidInput, "members", []any{7.0}),
		creation("no members", connectors.BPMN, connectors.CodeMissingInput, "members", nil),
		creation("too many members", connectors.BPMN, connectors.CodeInvalidInput, "members", strings.Repeat("U0ANN,", 101)),
	}
	for slackError, want := range map[string]string{
		"not_authed": "bpmn UNAUTHORIZED", "token_revoked": "bpmn UNAUTHORIZED", "account_inactive": "bpmn UNAUTHORIZED",
		"missing_scope": "bpmn FORBIDDEN", "restricted_action": "bpmn FORBIDDEN", "ekm_access_denied": "bpmn FORBIDDEN",
		"msg_too_long": "bpmn MSG_TOO_LONG", "invalid_arguments": "bpmn INVALID_REQUEST", "no_text": "bpmn INVALID_REQUEST",
		"fatal_error": "retryable FATAL_ERROR", "internal_error": "retryable FATAL_ERROR", "request_timeout": "retryable REQUEST_TIMEOUT",
		"service_unavailable": "retryable UNKNOWN_ERROR", "team_added_to_org": "retryable UNKNOWN_ERROR", "of_next_year": "retryable UNKNOWN_ERROR",
	} {
		kind, code, _ := strings.Cut(want, " ")
		failures = append(failures, answered(slackError, map[string]connectors.Kind{"bpmn": connectors.BPMN, "retryable": connectors.Retryable}[kind], code, answers(slackError)))
	}
	connectortest.Run(t, connectortest.Kit{
		Connector: good,
		Samples: map[string]map[string]any{
			sendMessage:   {"text": "Hello ${who}", "metadata": map[string]any{"who": "Ann"}, "channelId": "C0GENERAL", "requestResponse": "no"},
			createChannel: {"channelName": "again", "channelType": "private", "members": []any{"ann@example.com", "U0BOB"}},
		},
		Stuck:    stuck,
		Secrets:  []string{token, signingSecret},
		Key:      func() string { return lastKey(w) },
		Failures: failures,
	})
}

func TestPausesAreBounded(t *testing.T) {
	for after, want := range map[time.Duration]time.Duration{-time.Second: 0, time.Minute: time.Minute, 100 * time.Hour: time.Hour} {
		require.Equal(t, want, classify("x", &slackapi.RateLimitedError{RetryAfter: after}).After)
	}
}

// lastKey is how Slack recognises the repetition of the last call: the id of a message, or the purpose of a channel.
func lastKey(w *workspace) string {
	w.mu.Lock()
	method := w.requests[len(w.requests)-1].method
	w.mu.Unlock()
	if method == "chat.postMessage" {
		return w.last(method).Get("client_msg_id")
	}
	return w.last("conversations.setPurpose").Get("purpose")
}

func TestSendsToWhomeverIsNamed(t *testing.T) {
	w := newWorkspace(t)
	c := connect(t, w)
	for _, test := range []struct{ input, value, want string }{
		{"userId", "U0ANN", "DU0ANN"}, {"userEmail", "bob@example.com", "DU0BOB"}, {"channelId", "C0GENERAL", "C0GENERAL"},
		{"channelName", "general", "C0GENERAL"}, {"channelName", "#General", "C0GENERAL"},
	} {
		made := call(sendMessage, "text", "*Hello* <@U0ANN> & all", test.input, test.value)
		made.IdempotencyKey = test.input + test.value
		outputs, err := connectors.Do(t.Context(), c, made)
		require.NoError(t, err, test.input)
		require.Equal(t, test.want, outputs["channelId"])
		require.Regexp(t, timestamp, outputs["ts"])
		require.Equal(t, outputs["ts"], outputs["threadTs"])
		form := w.last("chat.postMessage")
		require.Equal(t, "*Hello* <@U0ANN> & all", form.Get("text"), "Slack's markup is the author's")
		require.Equal(t, test.want, form.Get("channel"))
		require.Empty(t, form.Get("thread_ts"))
	}
	outputs, err := c.Call(t.Context(), call(sendMessage, "text", "x", "channelId", "C0GENERAL", "threadTs", "1355517523.000005"))
	require.NoError(t, err)
	require.Equal(t, "1355517523.000005", w.last("chat.postMessage").Get("thread_ts"))
	require.Equal(t, "1355517523.000005", outputs["threadTs"])
}

func TestTemplatesEscapeValues(t *testing.T) {
	w := newWorkspace(t)
	for _, metadata := range []any{map[string]any{"who": "<!channel> & co", "id": "U0ANN"}, `{"who":"<!channel> & co","id":"U0ANN"}`} {
		_, err := connect(t, w).Call(t.Context(), call(sendMessage, "text", "<@${id}>: *${who}*", "metadata", metadata, "channelId", "C0GENERAL"))
		require.NoError(t, err)
		require.Equal(t, "<@U0ANN>: *&lt;!channel&gt; &amp; co*", w.last("chat.postMessage").Get("text"))
	}
}

func TestARepetitionIsOneMessage(t *testing.T) {
	w := newWorkspace(t)
	c := connect(t, w)
	w.lose["chat.postMessage"] = 1
	made := call(sendMessage, "text", "x", "channelId", "C0GENERAL")
	_, err := c.Call(t.Context(), made)
	require.Equal(t, connectors.Retryable, connectors.AsError(err).Kind)
	outputs, err := c.Call(t.Context(), made)
	require.NoError(t, err)
	require.Len(t, w.messages, 1)
	key, err := uuid.Parse(w.last("chat.postMessage").Get("client_msg_id"))
	require.NoError(t, err)
	require.Equal(t, uuid.Version(5), key.Version())
	require.Equal(t, w.messages[key.String()], outputs["ts"])
}

func TestChannelsAreFoundOnAnyPageAndRemembered(t *testing.T) {
	w := newWorkspace(t)
	for i := range 9 {
		w.channels = append(w.channels, &channel{id: fmt.Sprintf("C0N%d", i), name: fmt.Sprintf("n%d", i)})
	}
	c := connect(t, w)
	for range 3 {
		_, err := c.Call(t.Context(), call(sendMessage, "text", "x", "channelName", "n8"))
		require.NoError(t, err)
	}
	require.Equal(t, 6, w.count("conversations.list"), "the pages were read once")

	// The name moves to another channel.
	w.find("C0N8").archived = true
	w.channels = append(w.channels, &channel{id: "C0N9", name: "n8"})
	_, err := c.Call(t.Context(), call(sendMessage, "text", "x", "channelName", "n8"))
	require.Equal(t, codeInvalidChannel, connectors.AsError(err).Code)
	made := call(sendMessage, "text", "x", "channelName", "n8")
	made.IdempotencyKey = "another"
	outputs, err := c.Call(t.Context(), made)
	require.NoError(t, err)
	require.Equal(t, "C0N9", outputs["channelId"])
}

func TestListsAreBounded(t *testing.T) {
	w := newWorkspace(t)
	w.failing("conversations.list", func(rw http.ResponseWriter, f url.Values) {
		_, _ = rw.Write([]byte(`{"ok":true,"channels":[],"response_metadata":{"next_cursor":"again"}}`))
	})
	_, err := connect(t, w).Call(t.Context(), call(sendMessage, "text", "x", "channelName", "general"))
	require.Equal(t, codeChannelNotFound, connectors.AsError(err).Code)
	require.ErrorContains(t, err, "give channelId")
	require.Equal(t, maxPages, w.count("conversations.list"))
}

func TestMemoryIsBounded(t *testing.T) {
	var m memory
	for i := range memorySize + 1 {
		m.put(fmt.Sprint(i), "x")
	}
	require.LessOrEqual(t, len(m.entries), memorySize)
	_, ok := m.get(fmt.Sprint(memorySize))
	require.True(t, ok)
	m.entries["old"] = remembered{"x", time.Now().Add(-time.Second)}
	_, ok = m.get("old")
	require.False(t, ok)
}

func TestAwait(t *testing.T) {
	c := connect(t, nil)
	outputs := map[string]any{"channelId": "C1", "ts": "1.000002", "threadTs": "1.000002"}
	for _, test := range []struct {
		wait, thread, want string
	}{{"", "", ""}, {"no", "", ""}, {"any", "", "C1"}, {"any", "1.000001", "C1"}, {"thread", "", "C1:1.000002"}, {"thread", "1.000001", "C1:1.000001:open"}} {
		key, ok := c.Await(call(sendMessage, "requestResponse", test.wait, "threadTs", test.thread), outputs)
		require.Equal(t, test.want, key)
		require.Equal(t, test.want != "", ok)
	}
	_, ok := c.Await(call(createChannel, "requestResponse", "any"), outputs)
	require.False(t, ok)
	_, ok = c.Await(call(sendMessage, "requestResponse", "any"), nil)
	require.False(t, ok)
}

func TestSettings(t *testing.T) {
	w := newWorkspace(t)
	make := func(values map[string]string) error {
		template := Template()
		_, err := template.Make(connectors.Instance{Definition: template.Definition, Settings: connectortest.Settings(template.Definition, values)})
		return err
	}
	require.ErrorContains(t, make(map[string]string{"SLACK_SIGNING_SECRET": "x"}), "SLACK_BOT_TOKEN is required")
	require.ErrorContains(t, make(map[string]string{"SLACK_BOT_TOKEN": token, "SLACK_API_URL": "http://slack.com/api"}), "must begin with https")
	require.ErrorContains(t, make(map[string]string{"SLACK_BOT_TOKEN": token, "SLACK_BOT_MESSAGES": "maybe"}), "neither true nor false")
	for _, settings := range [][]string{
		{"SLACK_BOT_TOKEN", "", "SLACK_XOXB", token}, {"SLACK_BOT_TOKEN", token, "SLACK_XOXB", "old"},
	} {
		_, err := connect(t, w, settings...).Call(t.Context(), call(sendMessage, "text", "x", "channelId", "C0GENERAL"))
		require.NoError(t, err)
	}
	require.Equal(t, "https://slack.com/api/", connect(t, nil).endpoint)
	require.Equal(t, "https://slack.com/api/", connect(t, nil, "SLACK_API_URL", "https://slack.com/api/").endpoint)
}
