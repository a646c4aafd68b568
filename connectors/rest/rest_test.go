package rest

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/connectortest"
)

const secret = "hunter2-secret"

// connect makes an instance with these settings.
func connect(t *testing.T, settings map[string]string) *connector {
	t.Helper()
	template := Template()
	c, err := template.Make(connectors.Instance{Definition: template.Definition, Settings: connectortest.Settings(template.Definition, settings)})
	require.NoError(t, err)
	return c.(*connector)
}

// local are settings that let tests call this machine.
func local(more ...string) map[string]string {
	settings := map[string]string{"REST_ALLOWED_NETWORKS": "127.0.0.1"}
	for i := 0; i < len(more); i += 2 {
		settings[more[i]] = more[i+1]
	}
	return settings
}

func call(action, target string, more ...any) connectors.Call {
	inputs := map[string]any{"restUrl": target}
	for i := 0; i < len(more); i += 2 {
		inputs[more[i].(string)] = more[i+1]
	}
	return connectors.Call{Action: action, IdempotencyKey: "instance/7", Inputs: inputs}
}

// seen is a request as a server got it.
type seen struct {
	method, uri, host string
	header            http.Header
	body              string
}

// api answers as its path says, and keeps what it was asked.
type api struct {
	*httptest.Server
	mu   sync.Mutex
	list []seen
}

func newAPI(t *testing.T, handler http.HandlerFunc) *api {
	a := &api{}
	a.Server = httptest.NewServer(a.keep(handler))
	t.Cleanup(a.Close)
	return a
}

func (a *api) keep(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		a.mu.Lock()
		a.list = append(a.list, seen{r.Method, r.RequestURI, r.Host, r.Header.Clone(), string(body)})
		a.mu.Unlock()
		handler(w, r)
	}
}

func (a *api) requests() []seen {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]seen{}, a.list...)
}

func (a *api) last(t *testing.T) seen {
	t.Helper()
	all := a.requests()
	require.NotEmpty(t, all, "nothing was asked")
	return all[len(all)-1]
}

func (a *api) host() string {
	return strings.TrimPrefix(strings.TrimPrefix(a.URL, "http://"), "https://")
}

// byStatus answers /status/<code> with that status, and repeats the credentials that came, as careless servers do.
func byStatus(w http.ResponseWriter, r *http.Request) {
	code, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/status/"))
	if err != nil {
		code = http.StatusOK
	}
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Query().Has("after") {
		w.Header().Set("Retry-After", r.URL.Query().Get("after"))
	}
	w.WriteHeader(code)
	if code != http.StatusNoContent && code != http.StatusNotModified {
		_ = json.NewEncoder(w).Encode(map[string]any{"title": "because", "you": r.Header.Get("Authorization"), "n": 9007199254740993})
	}
}

func TestKit(t *testing.T) {
	server := newAPI(t, byStatus)
	good := connect(t, local("REST_HOST", server.URL, "REST_AUTH", "bearer", "REST_AUTH_TOKEN", secret))
	nobody := httptest.NewServer(nil)
	nobody.Close()
	samples := map[string]map[string]any{}
	for _, action := range good.Definition().Actions {
		samples[action.Name] = map[string]any{"restUrl": server.URL + "/orders", "restUrlParams": map[string]any{"a": []any{1.0, nil}}}
	}
	samples["POST"]["requestPayload"] = map[string]any{"a": 1.0}
	failures := []connectortest.Failure{
		{Name: "nobody listens", Connector: good, Call: call("GET", nobody.URL), Kind: connectors.Retryable, Code: "SERVICE_UNAVAILABLE"},
		{Name: "no URL", Connector: good, Call: call("GET", "nonsense"), Kind: connectors.BPMN, Code: "INVALID_INPUT"},
		{Name: "inner network", Connector: connect(t, nil), Call: call("GET", server.URL), Kind: connectors.BPMN, Code: "INVALID_INPUT"},
		{Name: "certificate", Connector: good, Call: call("GET", newTLS(t, byStatus, nil).URL), Kind: connectors.Permanent, Code: "CERTIFICATE"},
	}
	for status := 300; status < 600; status++ {
		f := connectortest.Failure{Name: strconv.Itoa(status), Connector: good, Call: call("POST", "/status/"+strconv.Itoa(status), "requestPayload", "x"), Kind: connectors.BPMN}
		if temporary(status) {
			f.Kind = connectors.Retryable
		}
		if f.Code = strings.ToUpper(strings.ReplaceAll(http.StatusText(status), " ", "_")); !good.definition.Declares(f.Code) {
			f.Code = connectors.CodeUnknown
		}
		if http.StatusText(status) != "" || status%100 == 99 {
			failures = append(failures, f)
		}
	}
	connectortest.Run(t, connectortest.Kit{
		Connector: good,
		Samples:   samples,
		Stuck: func(t *testing.T) (connectors.Connector, <-chan struct{}) {
			entered := make(chan struct{}, 10)
			release := make(chan struct{})
			stuck := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				entered <- struct{}{}
				<-release
			}))
			t.Cleanup(func() { close(release); stuck.Close() })
			c := connect(t, local("REST_HOST", stuck.URL))
			return moved{c, server.URL, stuck.URL}, entered
		},
		Secrets:  []string{secret},
		Key:      func() string { return server.last(t).header.Get("Idempotency-Key") },
		Failures: failures,
	})
}

// moved calls another server than its samples say.
type moved struct {
	*connector
	from, to string
}

func (m moved) Call(ctx context.Context, call connectors.Call) (map[string]any, error) {
	inputs := maps.Clone(call.Inputs)
	inputs["restUrl"] = strings.Replace(inputs["restUrl"].(string), m.from, m.to, 1)
	call.Inputs = inputs
	return m.connector.Call(ctx, call)
}

func TestStatusesTellTheirNames(t *testing.T) {
	// The codes of the successor's connector, as it documents them.
	documented := map[int]string{
		400: "BAD_REQUEST", 401: "UNAUTHORIZED", 403: "FORBIDDEN", 404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 406: "NOT_ACCEPTABLE",
		407: "PROXY_AUTHENTICATION_REQUIRED", 408: "REQUEST_TIMEOUT", 409: "CONFLICT", 410: "GONE",
		500: "INTERNAL_SERVER_ERROR", 501: "NOT_IMPLEMENTED", 502: "BAD_GATEWAY", 503: "SERVICE_UNAVAILABLE", 504: "GATEWAY_TIMEOUT",
	}
	server := newAPI(t, byStatus)
	c := connect(t, local())
	for status, code := range documented {
		_, err := c.Call(t.Context(), call("GET", server.URL+"/status/"+strconv.Itoa(status)+"?key=in-the-query"))
		failure := connectors.AsError(err)
		require.Equal(t, code, failure.Code)
		require.Contains(t, failure.Public, strconv.Itoa(status))
		require.Contains(t, failure.Public, "because", "what the server wrote helps")
		require.NotContains(t, failure.Public, "in-the-query")
		require.Equal(t, map[bool]connectors.Kind{true: connectors.Retryable, false: connectors.BPMN}[status == 408 || status >= 500 && status != 501], failure.Kind, status)
	}
}

func TestAcceptedStatusesAreResults(t *testing.T) {
	server := newAPI(t, byStatus)
	c := connect(t, local())
	for _, accepted := range []any{"404", int64(404), 404.0, "4xx", "409, 404", []any{"5xx", "404"}} {
		outputs, err := c.Call(t.Context(), call("GET", server.URL+"/status/404", "acceptedStatus", accepted))
		require.NoError(t, err)
		require.Equal(t, int64(404), outputs["restStatus"])
		require.Equal(t, "because", outputs["restResult"].(map[string]any)["title"])
		_, err = c.Call(t.Context(), call("GET", server.URL+"/status/400", "acceptedStatus", "404"))
		require.Error(t, err)
	}
	outputs, err := c.Call(t.Context(), call("GET", server.URL+"/status/304", "acceptedStatus", "304", "requestHeaders", map[string]any{"If-None-Match": `"a"`}))
	require.NoError(t, err)
	require.Equal(t, int64(304), outputs["restStatus"])
	require.Nil(t, outputs["restResult"])
	for _, wrong := range []any{"200", "4x", "all", true, map[string]any{}, []any{nil}} {
		_, err := c.Call(t.Context(), call("GET", server.URL, "acceptedStatus", wrong))
		require.Equal(t, connectors.CodeInvalidInput, connectors.AsError(err).Code)
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	server := newAPI(t, byStatus)
	c := connect(t, local())
	after := func(value string) time.Duration {
		_, err := c.Call(t.Context(), call("POST", server.URL+"/status/429?after="+url.QueryEscape(value)))
		failure := connectors.AsError(err)
		require.Equal(t, "TOO_MANY_REQUESTS", failure.Code)
		require.Equal(t, connectors.Retryable, failure.Kind)
		return failure.After
	}
	require.Equal(t, 120*time.Second, after("120"))
	require.Equal(t, time.Hour, after("86400"), "bounded")
	require.Zero(t, after("-5"))
	require.Zero(t, after("soon"))
	date := after(time.Now().Add(10 * time.Minute).UTC().Format(http.TimeFormat))
	require.Greater(t, date, 8*time.Minute)
	require.LessOrEqual(t, date, 10*time.Minute)
	require.Zero(t, after(time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)), "in the past")
}

func TestAnswersBecomeValues(t *testing.T) {
	var contentType, body string
	server := newAPI(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.Header().Set("X-Page", "2")
		w.Header().Add("Set-Cookie", "session=abc")
		_, _ = io.WriteString(w, body)
	})
	c := connect(t, local())
	for _, test := range []struct {
		contentType, body string
		want              any
	}{
		{"application/json", `{"n":9007199254740993,"f":1.5,"l":[null,true]}`, map[string]any{"n": int64(9007199254740993), "f": 1.5, "l": []any{nil, true}}},
		{"application/problem+json; charset=utf-8", `[1]`, []any{int64(1)}},
		{"", `{"a":1}`, map[string]any{"a": int64(1)}},
		{"", `plain`, "plain"},
		{"application/json", `{"a":`, `{"a":`},
		{"application/json", `{} {}`, `{} {}`},
		{"application/json", "", nil},
		{"text/plain", `{"a":1}`, `{"a":1}`},
		{"text/html; charset=iso-8859-1", "f\xfcr", "für"},
		{"text/plain; charset=nonsense", "für", "für"},
		{"application/pdf", "%PDF\xff\xfe", "JVBERv/+"},
	} {
		contentType, body = test.contentType, test.body
		outputs, err := c.Call(t.Context(), call("GET", server.URL))
		require.NoError(t, err)
		require.Equal(t, test.want, outputs["restResult"], test.contentType+" "+test.body)
		headers := outputs["responseHeaders"].(map[string]any)
		require.Equal(t, "2", headers["x-page"])
		require.NotContains(t, headers, "set-cookie")
	}
	contentType, body = "application/json", `{"a":1}`
	outputs, err := c.Call(t.Context(), call("GET", server.URL, "restResultAs", "text"))
	require.NoError(t, err)
	require.Equal(t, `{"a":1}`, outputs["restResult"])
}
