package twilio

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/connectortest"
)

func stuck(t *testing.T) (connectors.Connector, <-chan struct{}) {
	entered, done := make(chan struct{}, 10), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		entered <- struct{}{}
		<-done
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(done) })
	return connect(t, nil, "TWILIO_API_URL", server.URL), entered
}

func TestKit(t *testing.T) {
	a := newAPI(t)
	good := connect(t, a)
	closed := httptest.NewServer(nil)
	closed.Close()
	template := Template()
	off, err := template.Make(connectors.Instance{Definition: template.Definition, Settings: connectortest.Settings(template.Definition, nil)})
	require.NoError(t, err)
	fail := func(name string, c connectors.Connector, kind connectors.Kind, code string, inputs ...string) connectortest.Failure {
		return connectortest.Failure{Name: name, Connector: c, Call: call(sendSMS, inputs...), Kind: kind, Code: code}
	}
	answered := func(name string, kind connectors.Kind, code string, answer func(http.ResponseWriter)) connectortest.Failure {
		other := newAPI(t)
		other.fail = answer
		return fail(name, connect(t, other), kind, code)
	}
	status := func(code int, header ...string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			_, _ = w.Write([]byte("<html>" + token))
		}
	}
	told := func(status, code int, header ...string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			refusal(w, status, code, "not "+token+strings.Repeat("é", 1000))
		}
	}
	limited := answered("too many, with a time", connectors.Retryable, codeRateLimited, told(429, 20429, "Retry-After", "7"))
	limited.After = 7 * time.Second
	connectortest.Run(t, connectortest.Kit{
		Connector: good,
		Samples:   map[string]map[string]any{sendSMS: call("").Inputs, sendSMSFirst: call("").Inputs},
		Stuck:     stuck,
		Secrets:   []string{token},
		Key: func() string {
			a.mu.Lock()
			defer a.mu.Unlock()
			return a.keys[len(a.keys)-1]
		},
		Failures: []connectortest.Failure{
			fail("nobody listens", connect(t, nil, "TWILIO_API_URL", closed.URL), connectors.Retryable, connectors.CodeUnknown),
			fail("not configured", off, connectors.Permanent, connectors.CodeNotConfigured),
			fail("wrong token", connect(t, a, "TWILIO_TOKEN", token+"-wrong"), connectors.BPMN, connectors.CodeUnauthorized),
			fail("wrong account", connect(t, a, "TWILIO_ACCOUNT", strings.ReplaceAll(account, "0", "1")), connectors.BPMN, connectors.CodeUnauthorized),
			fail("no recipient", good, connectors.BPMN, connectors.CodeMissingInput, "smsTo", " "),
			fail("no sender", good, connectors.BPMN, connectors.CodeMissingInput, "smsFrom", ""),
			fail("blank", good, connectors.BPMN, connectors.CodeMissingInput, "smsBody", "\n"),
			fail("recipient not valid", good, connectors.BPMN, connectors.CodeInvalidInput, "smsTo", "0800"),
			fail("sender not ours", good, connectors.BPMN, connectors.CodeInvalidInput, "smsFrom", ann),
			fail("no such service", good, connectors.BPMN, connectors.CodeNotFound, "smsFrom", "MG1"),
			fail("unsubscribed", good, connectors.BPMN, codeUnsubscribed, "smsTo", "+14155550199"),
			fail("country not allowed", good, connectors.BPMN, codeForbidden, "smsTo", "+4915155550199"),
			limited,
			answered("too many", connectors.Retryable, codeRateLimited, status(429)),
			answered("queue full", connectors.Retryable, codeRateLimited, told(400, 21611)),
			answered("on trial", connectors.BPMN, codeForbidden, told(400, 21608)),
			answered("suspended", connectors.BPMN, codeForbidden, told(401, 10001)),
			answered("refused otherwise", connectors.BPMN, codeBadRequest, told(400, 30001)),
			answered("refused by a proxy", connectors.BPMN, codeForbidden, status(403)),
			answered("no such address", connectors.BPMN, connectors.CodeNotFound, status(404)),
			answered("unavailable", connectors.Retryable, connectors.CodeUnknown, told(503, 20503)),
			answered("gateway time-out", connectors.Retryable, codeTimeout, status(504)),
			answered("redirect", connectors.Permanent, codeBadRequest, status(307, "Location", "https://elsewhere.example/")),
			answered("connection breaks", connectors.Retryable, connectors.CodeUnknown, breaks),
			answered("no JSON", connectors.Permanent, connectors.CodeUnknown, status(200)),
			answered("endless", connectors.Retryable, connectors.CodeUnknown, func(w http.ResponseWriter) { _, _ = w.Write(make([]byte, maxAnswer+1)) }),
		},
	})
}

func TestSends(t *testing.T) {
	a := newAPI(t)
	c := connect(t, a)
	outputs, err := connectors.Do(t.Context(), c, call(sendSMS, "smsTo", " "+ann+" ", "smsBody", " 1+1=2 & ä\n"))
	require.NoError(t, err)
	result := outputs["twilioResult"].(map[string]any)
	require.Equal(t, "queued", result["status"])
	require.Regexp(t, "^SM", result["sid"])
	require.Equal(t, []string{ours, ann, " 1+1=2 & ä\n"}, []string{a.forms[0].Get("From"), a.forms[0].Get("To"), a.forms[0].Get("Body")})
	require.NotContains(t, outputs, "twilioError")

	_, err = connectors.Do(t.Context(), c, call(sendSMS, "smsFrom", service))
	require.NoError(t, err)
	require.Equal(t, service, a.forms[1].Get("MessagingServiceSid"))
	require.False(t, a.forms[1].Has("From"))
	require.Empty(t, a.lists, "what was answered is not asked for")
}

func TestTheFirstGenerationsAction(t *testing.T) {
	a := newAPI(t)
	c := connect(t, a)
	outputs, err := connectors.Do(t.Context(), c, call(sendSMSFirst))
	require.NoError(t, err)
	require.Nil(t, outputs["twilioError"])
	require.Contains(t, outputs, "twilioError")
	require.NotNil(t, outputs["twilioResult"])
	for _, inputs := range [][]string{{"smsTo", "0800"}, {"smsTo", ""}} {
		outputs, err = connectors.Do(t.Context(), c, call(sendSMSFirst, inputs...))
		require.NoError(t, err)
		require.Nil(t, outputs["twilioResult"])
		require.NotEmpty(t, outputs["twilioError"])
	}
	a.fail = func(w http.ResponseWriter) { refusal(w, 503, 20503, "later") }
	_, err = connectors.Do(t.Context(), c, call(sendSMSFirst, "smsBody", "Another text"))
	require.Equal(t, connectors.Retryable, connectors.AsError(err).Kind, "nothing is given up early")
}

func TestAMessageWhoseAnswerIsLostIsNotSentTwice(t *testing.T) {
	for name, after := range map[string]func(http.ResponseWriter){
		"connection breaks": breaks,
		"failure":           func(w http.ResponseWriter) { refusal(w, 500, 20500, "oh") },
		"proxy":             func(w http.ResponseWriter) { w.WriteHeader(502) },
		"no JSON":           func(w http.ResponseWriter) { _, _ = w.Write([]byte("<html>")) },
	} {
		for _, from := range []string{ours, service} {
			for _, prefix := range []string{"", trialPrefix} {
				a := newAPI(t)
				a.after = after
				a.born = func(m map[string]any) { m["body"] = prefix + m["body"].(string) }
				outputs, err := connect(t, a).Call(t.Context(), call(sendSMS, "smsFrom", from))
				require.NoError(t, err, name)
				require.Equal(t, a.sent[0]["sid"], outputs["twilioResult"].(map[string]any)["sid"])
				require.Len(t, a.sent, 1)
			}
		}
	}
}

func TestPausesAreBounded(t *testing.T) {
	c := connect(t, nil)
	for after, want := range map[string]time.Duration{"-1": 0, "60": time.Minute, "360000": time.Hour, "9999999999999999999": 0, "Mon": 0} {
		require.Equal(t, want, c.refusal(429, http.Header{"Retry-After": {after}}, nil).After, after)
	}
}

// TestNothingIsRepeatedUnseen has a connection that was used before break: net/http takes Idempotency-Key for leave to send once more.
func TestNothingIsRepeatedUnseen(t *testing.T) {
	a := newAPI(t)
	c := connect(t, a)
	_, err := c.Call(t.Context(), call(sendSMS))
	require.NoError(t, err)
	a.after, a.failList = breaks, breaks
	_, err = c.Call(t.Context(), call(sendSMS, "smsBody", "Another text"))
	require.Equal(t, connectors.Retryable, connectors.AsError(err).Kind)
	require.Len(t, a.sent, 2)
}

// TestTwilioHasAnotherClock has the dates of messages be far from ours.
func TestTwilioHasAnotherClock(t *testing.T) {
	for _, apart := range []time.Duration{-time.Hour, time.Hour} {
		for age, found := range map[time.Duration]bool{0: true, time.Minute: false} {
			a := newAPI(t)
			a.after = breaks
			a.born = func(m map[string]any) { m["date_created"] = time.Now().Add(apart - age).UTC().Format(time.RFC1123Z) }
			a.date = func() string { return time.Now().Add(apart).UTC().Format(http.TimeFormat) }
			_, err := connect(t, a).Call(t.Context(), call(sendSMS))
			require.Equal(t, found, err == nil, "%v %v", apart, age)
		}
	}
}

func TestASlowAnswerIsLookedFor(t *testing.T) {
	a := newAPI(t)
	done := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.ServeHTTP(w, r)
		if r.Method == http.MethodPost {
			<-done
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(slow.Close)
	t.Cleanup(func() { close(done) })
	a.after = func(http.ResponseWriter) {} // the answer never comes
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	outputs, err := connect(t, nil, "TWILIO_API_URL", slow.URL).Call(ctx, call(sendSMS))
	require.NoError(t, err)
	require.Equal(t, a.sent[0]["sid"], outputs["twilioResult"].(map[string]any)["sid"])
}

func TestAnotherMessageIsNotTakenForTheLostOne(t *testing.T) {
	for name, born := range map[string]func(map[string]any){
		"another text":      func(m map[string]any) { m["body"] = "Your order 8 is ready" },
		"another recipient": func(m map[string]any) { m["to"] = "+14155550124" },
		"another sender":    func(m map[string]any) { m["from"] = "+14155550101" },
		"incoming":          func(m map[string]any) { m["direction"] = "inbound" },
		"before":            func(m map[string]any) { m["date_created"] = time.Now().Add(-time.Minute).UTC().Format(time.RFC1123Z) },
		"without a date":    func(m map[string]any) { m["date_created"] = nil },
	} {
		a := newAPI(t)
		a.born, a.after = born, breaks
		_, err := connect(t, a).Call(t.Context(), call(sendSMS))
		require.Equal(t, connectors.Retryable, connectors.AsError(err).Kind, name)
		require.Len(t, a.lists, 1)
	}
	other := newAPI(t)
	other.after = breaks
	other.born = func(m map[string]any) { m["messaging_service_sid"] = "MG9" }
	_, err := connect(t, other).Call(t.Context(), call(sendSMS, "smsFrom", service))
	require.Error(t, err, "another service")
	require.False(t, other.lists[0].Has("From"))
}

func TestWhatCannotBeLookedForIsAFailure(t *testing.T) {
	for name, list := range map[string]func(http.ResponseWriter){
		"breaks": breaks, "refused": func(w http.ResponseWriter) { refusal(w, 429, 20429, "too many") }, "no JSON": func(w http.ResponseWriter) { _, _ = w.Write([]byte("{")) },
	} {
		a := newAPI(t)
		a.after, a.failList = breaks, list
		_, err := connect(t, a).Call(t.Context(), call(sendSMS))
		require.Equal(t, connectors.Retryable, connectors.AsError(err).Kind, name)
	}
	refused := newAPI(t)
	_, err := connect(t, refused).Call(t.Context(), call(sendSMS, "smsTo", "0800"))
	require.Error(t, err)
	require.Empty(t, refused.lists, "what was refused was not sent")
}

func TestSettings(t *testing.T) {
	for want, values := range map[string]map[string]string{
		"TWILIO_TOKEN is required":                  {"TWILIO_ACCOUNT": account},
		"TWILIO_ACCOUNT is required":                {"TWILIO_TOKEN": token},
		"TWILIO_ACCOUNT is not an account SID":      {"TWILIO_ACCOUNT": "AC../x", "TWILIO_TOKEN": token},
		"TWILIO_API_URL must begin with https":      {"TWILIO_ACCOUNT": account, "TWILIO_TOKEN": token, "TWILIO_API_URL": "http://api.twilio.com"},
		"TWILIO_WEBHOOK_URL is not an address":      {"TWILIO_ACCOUNT": account, "TWILIO_TOKEN": token, "TWILIO_WEBHOOK_URL": "/sms"},
		"TWILIO_WEBHOOK_URL is not an address such": {"TWILIO_ACCOUNT": account, "TWILIO_TOKEN": token, "TWILIO_WEBHOOK_URL": "%"},
	} {
		template := Template()
		_, err := template.Make(connectors.Instance{Definition: template.Definition, Settings: connectortest.Settings(template.Definition, values)})
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), token)
	}
	require.Equal(t, "https://api.twilio.com/2010-04-01/Accounts/"+account+"/Messages.json", connect(t, nil).endpoint)
}
