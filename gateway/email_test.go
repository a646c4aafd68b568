package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	temporal "go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

// mailWorker is a worker that answers what is asked of the email service.
type mailWorker struct {
	temporal.Client
	answer any // an error is returned as such
	asked  []any
}

func (m *mailWorker) ExecuteActivity(_ context.Context, o temporal.StartActivityOptions, activity any, args ...any) (temporal.ActivityHandle, error) {
	m.asked = append([]any{o.TaskQueue, activity}, args...)
	return mailAnswer{answer: m.answer}, nil
}

type mailAnswer struct {
	temporal.ActivityHandle
	answer any
}

func (a mailAnswer) Get(_ context.Context, to any) error {
	if err, ok := a.answer.(error); ok {
		return err
	}
	text, err := json.Marshal(a.answer)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, to)
}

// ask calls the gateway from this machine.
func ask(t *testing.T, w *mailWorker, method, path string) (int, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://127.0.0.1"+path, nil)
	r.RemoteAddr = "127.0.0.1:1"
	recorder := httptest.NewRecorder()
	mux := http.NewServeMux()
	for pattern, handler := range routes(Options{Client: client.New(w)}) {
		mux.Handle(pattern, handler)
	}
	mux.ServeHTTP(recorder, r)
	return recorder.Code, recorder.Body.String()
}

func TestEmailTest(t *testing.T) {
	w := &mailWorker{answer: contract.EmailReport{Server: "h:25", Stages: []contract.EmailStage{{Stage: "dns", State: "failed", Setting: "email.host"}}}}
	code, body := ask(t, w, "POST", "/api/email/test?to=ann@example.com&tenant=acme")
	require.Equal(t, http.StatusOK, code, body)
	require.JSONEq(t, `{"ok":false,"server":"h:25","stages":[{"stage":"dns","state":"failed","setting":"email.host","ms":0}]}`, body)
	require.Equal(t, []any{contract.EmailQueue, contract.TestEmailActivity, contract.TestEmail{To: "ann@example.com", Tenant: "acme"}}, w.asked)
	for path, want := range map[string]string{"?to=ann": "the parameter to: an address such as ann@example.com is expected", "?tenant=a.b": "the parameter tenant: 1 to 63 letters"} {
		code, body := ask(t, w, "POST", "/api/email/test"+path)
		require.Equal(t, http.StatusBadRequest, code)
		require.Contains(t, body, want)
	}
	w.answer = sdk.NewTimeoutError(enums.TIMEOUT_TYPE_SCHEDULE_TO_START, nil)
	code, body = ask(t, w, "POST", "/api/email/test")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Contains(t, body, "is a worker with the role connectors running?")
}

func TestEmailHealth(t *testing.T) {
	for status, want := range map[string]int{
		contract.EmailOK: 200, contract.EmailUntried: 200, contract.EmailAbsent: 200, contract.EmailSuppressed: 200, contract.EmailFailing: 503,
	} {
		code, body := ask(t, &mailWorker{answer: contract.EmailHealth{Status: status}}, "GET", "/api/health/mail")
		require.Equal(t, want, code, status)
		require.Contains(t, body, `"status":"`+status+`"`)
	}
	code, body := ask(t, &mailWorker{answer: sdk.NewTimeoutError(enums.TIMEOUT_TYPE_SCHEDULE_TO_START, nil)}, "GET", "/api/health/mail")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Contains(t, body, "no worker that sends mail answers")
}
