package twilio

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/connectortest"
)

const (
	account = "AC0123456789abcdef0123456789abcdef"
	token   = "hunter2-auth-token"
	ours    = "+14155550100"
	ann     = "+14155550123"
	service = "MG0123456789abcdef0123456789abcdef"
)

// api behaves as the documentation of Twilio's Messages API says: basic authentication, forms in, JSON out, errors with code and more_info.
type api struct {
	*httptest.Server
	mu       sync.Mutex
	sent     []map[string]any // the latest first
	keys     []string         // Idempotency-Key of each request
	forms    []url.Values
	lists    []url.Values
	fail     func(http.ResponseWriter)    // instead of sending
	after    func(http.ResponseWriter)    // instead of the answer, once sent
	failList func(http.ResponseWriter)    // instead of the list
	date     func() string                // nil, or what time it is there
	born     func(message map[string]any) // what is different about a message
}

func newAPI(t *testing.T) *api {
	a := &api{}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

func refusal(w http.ResponseWriter, status, code int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"code": code, "message": message, "more_info": fmt.Sprintf("https://www.twilio.com/docs/errors/%d", code), "status": status})
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	user, password, _ := r.BasicAuth()
	switch {
	case user != account || password != token:
		refusal(w, 401, 20003, "Authenticate")
	case r.URL.Path != "/2010-04-01/Accounts/"+account+"/Messages.json":
		refusal(w, 404, 20404, "The requested resource was not found")
	case r.Method == http.MethodGet:
		a.list(w, r.URL.Query())
	case r.Method == http.MethodPost && r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" && r.ParseForm() == nil:
		a.keys = append(a.keys, r.Header.Get("Idempotency-Key"))
		a.forms = append(a.forms, r.PostForm)
		a.post(w, r.PostForm)
	default:
		refusal(w, 400, 20001, "what is this?")
	}
}

func (a *api) post(w http.ResponseWriter, f url.Values) {
	if a.fail != nil {
		a.fail(w)
		return
	}
	from := f.Get("From")
	switch {
	case f.Get("MessagingServiceSid") == service:
		from = ours
	case f.Has("MessagingServiceSid"):
		refusal(w, 404, 21705, "The Messaging Service Sid is invalid")
		return
	case from != ours:
		refusal(w, 400, 21606, "The From phone number "+from+" is not a valid, SMS-capable inbound phone number or short code for your account.")
		return
	}
	switch to := f.Get("To"); {
	case !strings.HasPrefix(to, "+"):
		refusal(w, 400, 21211, "The 'To' number "+to+" is not a valid phone number.")
		return
	case to == "+14155550199":
		refusal(w, 400, 21610, "Attempt to send to unsubscribed recipient")
		return
	case to == "+4915155550199":
		refusal(w, 403, 21408, "Permission to send an SMS has not been enabled for the region indicated by the 'To' number")
		return
	}
	m := map[string]any{
		"sid": fmt.Sprintf("SM%032d", len(a.sent)+1), "account_sid": account, "from": from, "to": f.Get("To"), "body": f.Get("Body"), "status": "queued",
		"direction": "outbound-api", "date_created": time.Now().UTC().Format(time.RFC1123Z), "date_sent": nil, "num_segments": "1", "error_code": nil,
		"messaging_service_sid": nil,
	}
	if sid := f.Get("MessagingServiceSid"); sid != "" {
		m["messaging_service_sid"] = sid
		m["from"] = nil // until one is chosen
	}
	if a.born != nil {
		a.born(m)
	}
	a.sent = append([]map[string]any{m}, a.sent...)
	if a.after != nil {
		a.after(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(m)
}

func (a *api) list(w http.ResponseWriter, query url.Values) {
	a.lists = append(a.lists, query)
	if a.failList != nil {
		a.failList(w)
		return
	}
	found := []any{}
	for _, m := range a.sent {
		if (!query.Has("To") || m["to"] == query.Get("To")) && (!query.Has("From") || m["from"] == query.Get("From")) {
			found = append(found, m)
		}
	}
	if a.date != nil {
		w.Header().Set("Date", a.date())
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"messages": found, "page": 0, "page_size": 50, "next_page_uri": nil})
}

// breaks ends the connection without an answer.
func breaks(http.ResponseWriter) { panic(http.ErrAbortHandler) }

func connect(t *testing.T, a *api, settings ...string) *Connector {
	t.Helper()
	values := map[string]string{"TWILIO_ACCOUNT": account, "TWILIO_TOKEN": token}
	if a != nil {
		values["TWILIO_API_URL"] = a.URL
	}
	for i := 0; i < len(settings); i += 2 {
		values[settings[i]] = settings[i+1]
	}
	template := Template()
	c, err := template.Make(connectors.Instance{Definition: template.Definition, Settings: connectortest.Settings(template.Definition, values)})
	require.NoError(t, err)
	return c.(*Connector)
}

func call(action string, inputs ...string) connectors.Call {
	values := map[string]any{"smsFrom": ours, "smsTo": ann, "smsBody": "Your order 7 is ready"}
	for i := 0; i < len(inputs); i += 2 {
		values[inputs[i]] = inputs[i+1]
	}
	return connectors.Call{Action: action, IdempotencyKey: "instance/7", Inputs: values}
}
