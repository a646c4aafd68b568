package slack

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/connectortest"
)

const (
	token         = "xoxb-hunter2-token"
	signingSecret = "8f742231b10e8888abcd99yyyzzz85a5" // of the example in Slack's documentation
	us            = "U0BOT"
)

// posted is a request as Slack got it.
type posted struct {
	method string
	form   url.Values
}

type channel struct {
	id, name, purpose, creator string
	private, archived          bool
	members                    []string
}

// workspace behaves as Slack's documentation of its Web API says: forms in, JSON with ok out, status 200 unless there are too many requests.
type workspace struct {
	*httptest.Server
	mu       sync.Mutex
	requests []posted
	channels []*channel
	users    map[string]string                                // ids by mail address
	messages map[string]string                                // ts by client_msg_id
	fail     map[string]func(http.ResponseWriter, url.Values) // by method; instead of an answer
	lose     map[string]int                                   // by method: that many answers are lost after the effect
	serial   int
}

func newWorkspace(t *testing.T) *workspace {
	w := &workspace{
		users: map[string]string{"ann@example.com": "U0ANN", "bob@example.com": "U0BOB"}, messages: map[string]string{},
		fail: map[string]func(http.ResponseWriter, url.Values){}, lose: map[string]int{},
		channels: []*channel{{id: "C0GENERAL", name: "general", creator: "U0ANN"}, {id: "C0OLD", name: "old", archived: true}, {id: "C0SECRET", name: "secret", private: true, creator: "U0ANN"}},
	}
	w.Server = httptest.NewServer(w)
	t.Cleanup(w.Close)
	return w
}

func (w *workspace) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	method := strings.TrimPrefix(r.URL.Path, "/api/")
	if r.Method != http.MethodPost || method == r.URL.Path || r.ParseForm() != nil || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		http.Error(rw, "what is this?", http.StatusBadRequest)
		return
	}
	w.requests = append(w.requests, posted{method, r.PostForm})
	if fail := w.fail[method]; fail != nil {
		fail(rw, r.PostForm)
		return
	}
	answer := map[string]any{"ok": false, "error": "invalid_auth"}
	if r.PostForm.Get("token") == token {
		answer = w.answer(method, r.PostForm)
	}
	if w.lose[method] > 0 {
		w.lose[method]--
		panic(http.ErrAbortHandler) // the connection breaks
	}
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(rw).Encode(answer)
}

func refusal(code string) map[string]any { return map[string]any{"ok": false, "error": code} }

func (w *workspace) find(id string) *channel {
	at := slices.IndexFunc(w.channels, func(c *channel) bool { return c.id == id })
	if at < 0 {
		return nil
	}
	return w.channels[at]
}

func (w *workspace) user(id string) bool {
	for _, known := range w.users {
		if known == id {
			return true
		}
	}
	return id == us
}

func (c *channel) json() map[string]any {
	return map[string]any{"id": c.id, "name": c.name, "name_normalized": c.name, "is_private": c.private, "is_archived": c.archived, "creator": c.creator, "purpose": map[string]any{"value": c.purpose}}
}

func (w *workspace) answer(method string, f url.Values) map[string]any {
	c := w.find(f.Get("channel"))
	switch method {
	case "auth.test":
		return map[string]any{"ok": true, "user_id": us, "bot_id": "B0BOT"}
	case "users.lookupByEmail":
		if id := w.users[f.Get("email")]; id != "" {
			return map[string]any{"ok": true, "user": map[string]any{"id": id}}
		}
		return refusal("users_not_found")
	case "conversations.open":
		if !w.user(f.Get("users")) {
			return refusal("user_not_found")
		}
		dm := "D" + f.Get("users")
		if w.find(dm) == nil {
			w.channels = append(w.channels, &channel{id: dm})
		}
		return map[string]any{"ok": true, "channel": map[string]any{"id": dm}}
	case "conversations.list":
		return w.list(f)
	case "conversations.create":
		return w.create(f)
	}
	if c == nil {
		return refusal("channel_not_found")
	}
	switch method {
	case "chat.postMessage":
		return w.post(c, f)
	case "conversations.info":
		return map[string]any{"ok": true, "channel": c.json()}
	case "conversations.setPurpose":
		c.purpose = f.Get("purpose")
		return map[string]any{"ok": true, "channel": c.json()}
	case "conversations.members":
		return map[string]any{"ok": true, "members": append([]string{us}, c.members...), "response_metadata": map[string]any{"next_cursor": ""}}
	case "conversations.invite":
		return w.invite(c, f)
	}
	return refusal("unknown_method")
}

func (w *workspace) post(c *channel, f url.Values) map[string]any {
	switch {
	case c.archived:
		return refusal("is_archived")
	case c.private:
		return refusal("not_in_channel")
	case f.Get("text") == "":
		return refusal("no_text")
	}
	ts, again := w.messages[f.Get("client_msg_id")]
	if !again {
		w.serial++
		ts = fmt.Sprintf("1355517523.%06d", w.serial)
		w.messages[f.Get("client_msg_id")] = ts
	}
	return map[string]any{"ok": true, "channel": c.id, "ts": ts, "message": map[string]any{"text": f.Get("text")}}
}

// list gives two channels a page, whatever the limit: fewer than asked for may come.
func (w *workspace) list(f url.Values) map[string]any {
	if limit, err := strconv.Atoi(f.Get("limit")); err != nil || limit >= 1000 {
		return refusal("invalid_limit")
	}
	at, _ := strconv.Atoi(strings.TrimPrefix(f.Get("cursor"), "page="))
	page, next := []any{}, ""
	for i := at; i < len(w.channels); i++ {
		if len(page) == 2 {
			next = "page=" + strconv.Itoa(i)
			break
		}
		if c := w.channels[i]; c.name != "" && !(c.archived && f.Get("exclude_archived") == "true") {
			page = append(page, c.json())
		}
	}
	return map[string]any{"ok": true, "channels": page, "response_metadata": map[string]any{"next_cursor": next}}
}

func (w *workspace) create(f url.Values) map[string]any {
	name := f.Get("name")
	for i, c := range w.channels {
		if c.name != name {
			continue
		}
		if !strings.HasPrefix(name, "again") { // the others are deleted in between
			return refusal("name_taken")
		}
		w.channels = slices.Delete(w.channels, i, i+1)
		break
	}
	if strings.ContainsAny(name, " .") {
		return refusal("invalid_name_specials")
	}
	w.serial++
	c := &channel{id: fmt.Sprintf("C0NEW%d", w.serial), name: name, private: f.Get("is_private") == "true", creator: us}
	w.channels = append(w.channels, c)
	return map[string]any{"ok": true, "channel": c.json()}
}

func (w *workspace) invite(c *channel, f url.Values) map[string]any {
	var errs []any
	for _, user := range strings.Split(f.Get("users"), ",") {
		switch {
		case user == us:
			errs = append(errs, map[string]any{"user": user, "ok": false, "error": "cant_invite_self"})
		case !w.user(user):
			errs = append(errs, map[string]any{"user": user, "ok": false, "error": "user_not_found"})
		case slices.Contains(c.members, user):
			errs = append(errs, map[string]any{"user": user, "ok": false, "error": "already_in_channel"})
		default:
			c.members = append(c.members, user)
		}
	}
	if len(errs) > 0 {
		return map[string]any{"ok": false, "error": errs[0].(map[string]any)["error"], "errors": errs}
	}
	return map[string]any{"ok": true, "channel": c.json()}
}

// last is the newest request of a method.
func (w *workspace) last(method string) url.Values {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range slices.Backward(w.requests) {
		if r.method == method {
			return r.form
		}
	}
	return nil
}

func (w *workspace) count(method string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, r := range w.requests {
		if r.method == method {
			n++
		}
	}
	return n
}

// failing has a method answer with this until it is called with nil.
func (w *workspace) failing(method string, fail func(http.ResponseWriter, url.Values)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail[method] = fail
}

func answers(code string) func(http.ResponseWriter, url.Values) {
	return func(rw http.ResponseWriter, _ url.Values) { _ = json.NewEncoder(rw).Encode(refusal(code)) }
}

// connect makes an instance; settings are pairs that win over those that fit the workspace.
func connect(t *testing.T, w *workspace, settings ...string) *Connector {
	t.Helper()
	values := map[string]string{"SLACK_BOT_TOKEN": token, "SLACK_SIGNING_SECRET": signingSecret}
	if w != nil {
		values["SLACK_API_URL"] = w.URL + "/api/"
	}
	for i := 0; i < len(settings); i += 2 {
		values[settings[i]] = settings[i+1]
	}
	template := Template()
	c, err := template.Make(connectors.Instance{Definition: template.Definition, Settings: connectortest.Settings(template.Definition, values)})
	require.NoError(t, err)
	return c.(*Connector)
}

func call(action string, inputs ...any) connectors.Call {
	values := map[string]any{}
	for i := 0; i < len(inputs); i += 2 {
		values[inputs[i].(string)] = inputs[i+1]
	}
	return connectors.Call{Action: action, IdempotencyKey: "instance/7", Inputs: values}
}
