package gateway

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/trigger"
)

func TestReadCloudEvent(t *testing.T) {
	want := connectors.Event{
		Name: "SOLD", ID: "7", Time: time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC),
		Outputs: contract.Variables{"total": int64(9007199254740993), "text": "${1+1}"},
	}
	binary := http.Header{"Content-Type": {"application/json; charset=utf-8"}}
	for name, value := range map[string]string{"ce-specversion": "1.0", "ce-id": "%37", "ce-source": "connector.till", "ce-type": "SOLD", "ce-time": "2026-01-31T08:00:00Z"} {
		binary.Set(name, value)
	}
	data := `{"total":9007199254740993,"text":"${1+1}"}`
	for name, tc := range map[string]struct {
		header http.Header
		body   string
	}{
		"structured": {http.Header{"Content-Type": {"application/cloudevents+json"}}, `{"specversion":"1.0","id":"7","source":"connector.till","type":"SOLD","time":"2026-01-31T08:00:00Z","other":1,"data":` + data + `}`},
		"binary":     {binary, data},
	} {
		t.Run(name, func(t *testing.T) {
			c, _, err := readCloudEvent(tc.header, []byte(tc.body))
			require.NoError(t, err)
			instance, e, err := c.event()
			require.NoError(t, err)
			require.Equal(t, "till", instance)
			want.Outputs = map[string]any(contract.Variables{"total": int64(9007199254740993), "text": "${1+1}"})
			require.Equal(t, want, e)
		})
	}
}

func TestReadCloudEventRefuses(t *testing.T) {
	structured := func(body string) (http.Header, string) {
		return http.Header{"Content-Type": {"application/cloudevents+json"}}, body
	}
	for body, want := range map[string]string{
		`{"specversion":"0.3","id":"7","source":"connector.till","type":"SOLD"}`:                      `specversion is "0.3"`,
		`{"specversion":"1.0","id":"7","source":"/till","type":"SOLD"}`:                               "connector.<instance> is expected",
		`{"specversion":"1.0","id":"7","source":"connector.till","type":"SOLD","data":[1]}`:           "whose data is an object",
		`{"specversion":"1.0","id":"7","source":"connector.till","type":"SOLD","data_base64":"AA=="}`: "data_base64",
		`{"specversion":"1.0","id":"7","source":"connector.till","type":"SOLD","time":"today"}`:       "RFC 3339",
		`{`: "the body is no CloudEvent",
	} {
		header, body := structured(body)
		c, _, err := readCloudEvent(header, []byte(body))
		if err == nil {
			_, _, err = c.event()
		}
		require.ErrorContains(t, err, want, body)
	}
	for kind, want := range map[string]string{"application/json": "a CloudEvent is expected", "application/cloudevents-batch+json": "one event a request", "": "a CloudEvent is expected"} {
		_, code, err := readCloudEvent(http.Header{"Content-Type": {kind}}, []byte(`{}`))
		require.ErrorContains(t, err, want)
		require.Equal(t, http.StatusUnsupportedMediaType, code)
	}
	_, code, err := readCloudEvent(http.Header{"Content-Type": {"text/plain"}, "Ce-Specversion": {"1.0"}}, []byte(`hello`))
	require.ErrorContains(t, err, "data must be a JSON object")
	require.Equal(t, http.StatusUnsupportedMediaType, code)
}

func TestCalledURL(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/connectors/sms/in?a=1%20b", nil)
	r.Host = "gateway:8080"
	require.Equal(t, "http://gateway:8080/connectors/sms/in?a=1%20b", calledURL(r))
	r.Header.Set("X-Forwarded-Proto", "https, http")
	r.Header.Set("X-Forwarded-Host", "example.com")
	require.Equal(t, "https://example.com/connectors/sms/in?a=1%20b", calledURL(r))
}

func TestAnswerReceipt(t *testing.T) {
	for name, tc := range map[string]struct {
		receipt connectors.Receipt
		answer  trigger.Answer
		code    int
		kind    string
		body    string
	}{
		"of nobody":           {connectors.Receipt{}, trigger.Answer{}, 200, "", ""},
		"of the connector":    {connectors.Receipt{Status: 202, Header: map[string]string{"Content-Type": "text/xml"}, Body: []byte("<a/>")}, trigger.Answer{}, 202, "text/xml", "<a/>"},
		"status of a trigger": {connectors.Receipt{Status: 202, Body: []byte("x")}, trigger.Answer{Status: 201}, 201, "", "x"},
		"text of a trigger":   {connectors.Receipt{Body: []byte("x")}, trigger.Answer{Body: "<b>hello</b>"}, 200, "text/plain; charset=utf-8", "<b>hello</b>"},
		"JSON as text":        {connectors.Receipt{}, trigger.Answer{Body: `{"a":1}`}, 200, "application/json", `{"a":1}`},
		"JSON":                {connectors.Receipt{}, trigger.Answer{Body: []any{int64(1)}}, 200, "application/json", `[1]`},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			answerReceipt(w, httptest.NewRequest(http.MethodGet, "/", nil), tc.receipt, tc.answer)
			require.Equal(t, tc.code, w.Code)
			require.Equal(t, tc.body, w.Body.String())
			if tc.kind != "" {
				require.Equal(t, tc.kind, w.Header().Get("Content-Type"))
			}
			require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
		})
	}
}

func TestRefuseReceipt(t *testing.T) {
	for want, err := range map[int]error{
		401: &connectors.Error{Kind: connectors.Permanent, Code: connectors.CodeUnauthorized, Public: "the signature does not fit"},
		404: &connectors.Error{Kind: connectors.Permanent, Code: connectors.CodeNotFound},
		400: &connectors.Error{Kind: connectors.BPMN, Code: "INVALID_INPUT"},
		503: &connectors.Error{Kind: connectors.Retryable, Code: "AWAY", After: 1500 * time.Millisecond},
	} {
		w := httptest.NewRecorder()
		refuseReceipt(w, err)
		require.Equal(t, want, w.Code)
		if want == 503 {
			require.Equal(t, "2", w.Header().Get("Retry-After"))
		}
	}
}
