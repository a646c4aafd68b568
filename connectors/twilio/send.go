package twilio

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/waybill-io/waybill/connectors"
)

// maxAnswer bounds an answer, in bytes.
const maxAnswer = 1 << 20

// sms is a message as the API takes it.
type sms struct{ from, to, body string }

func compose(inputs map[string]any) (sms, error) {
	body, _ := inputs["smsBody"].(string)
	m := sms{from: text(inputs, "smsFrom"), to: text(inputs, "smsTo"), body: body}
	var missing []string
	for name, value := range map[string]string{"smsFrom": m.from, "smsTo": m.to, "smsBody": strings.TrimSpace(m.body)} {
		if value == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return sms{}, &connectors.Error{Kind: connectors.BPMN, Code: connectors.CodeMissingInput, Public: "missing: " + strings.Join(missing, ", ")}
	}
	return m, nil
}

// service tells that the sender is a messaging service, which chooses a number.
func (m sms) service() bool { return strings.HasPrefix(m.from, "MG") }

func (m sms) form() url.Values {
	form := url.Values{"To": {m.to}, "Body": {m.body}}
	if m.service() {
		form.Set("MessagingServiceSid", m.from)
	} else {
		form.Set("From", m.from)
	}
	return form
}

// send sends a message, and looks for it when the answer leaves open whether it was sent.
func (c *Connector) send(ctx context.Context, call connectors.Call) (map[string]any, error) {
	m, err := compose(call.Inputs)
	if err != nil {
		return nil, err
	}
	started := time.Now()
	attempt, cancel := ctx, func() {}
	if deadline, ok := ctx.Deadline(); ok {
		attempt, cancel = context.WithDeadline(ctx, deadline.Add(-time.Until(deadline)/3))
	}
	defer cancel()
	result, open, err := c.post(attempt, m, call.IdempotencyKey)
	if err != nil && open {
		if found := c.find(ctx, m, started); found != nil {
			return found, nil
		}
	}
	return result, err
}

// post sends a message. open: it failed, and may have been sent.
func (c *Connector) post(ctx context.Context, m sms, key string) (result map[string]any, open bool, err error) {
	var written atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(info httptrace.WroteRequestInfo) { written.Store(written.Load() || info.Err == nil) },
	})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, strings.NewReader(m.form().Encode()))
	if err != nil {
		return nil, false, classify(err)
	}
	r.GetBody = nil // net/http would take the key for leave to send the message once more when a connection breaks
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Idempotency-Key", uuid.NewSHA1(uuid.NameSpaceURL, []byte("waybill:"+key)).String())
	status, header, body, err := c.do(r)
	switch {
	case err != nil:
		return nil, written.Load(), classify(err)
	case status < 200 || status > 299:
		return nil, status >= 500, c.refusal(status, header, body)
	}
	if err := json.Unmarshal(body, &result); err != nil || text(result, "sid") == "" {
		return nil, true, &connectors.Error{Kind: connectors.Permanent, Code: connectors.CodeUnknown,
			Public: "the message may have been sent, but the answer is none of Twilio's; see TWILIO_API_URL, and the log of messages at Twilio before a retry", Err: err}
	}
	return result, false, nil
}

// slack is for times that are whole seconds. It is short: an equal message that another call has just sent would be taken for this one, which
// would be lost then, while one that is not found is sent twice.
const slack = 2 * time.Second

// trialPrefix is what Twilio puts before the texts of accounts on trial.
const trialPrefix = "Sent from your Twilio trial account - "

// find looks for a message among the latest, which Twilio lists first. nil: it is not there, or the list cannot be had.
func (c *Connector) find(ctx context.Context, m sms, started time.Time) map[string]any {
	query := url.Values{"To": {m.to}, "PageSize": {"50"}}
	if !m.service() {
		query.Set("From", m.from)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.endpoint+"?"+query.Encode(), nil)
	if err != nil {
		return nil
	}
	status, header, body, err := c.do(r)
	var list struct {
		Messages []map[string]any `json:"messages"`
	}
	if err != nil || status != http.StatusOK || json.Unmarshal(body, &list) != nil {
		return nil
	}
	now, err := http.ParseTime(header.Get("Date")) // by Twilio's clock, as the dates of the messages are
	if err != nil {
		now = time.Now()
	}
	since := now.Add(-time.Since(started) - slack)
	for _, found := range list.Messages {
		created, err := time.Parse(time.RFC1123Z, text(found, "date_created"))
		body, _ := found["body"].(string)
		switch {
		case err != nil || created.Before(since):
		case m.service() && text(found, "messaging_service_sid") != m.from, !m.service() && text(found, "from") != m.from, text(found, "to") != m.to:
		case text(found, "direction") != "outbound-api" || strings.TrimPrefix(body, trialPrefix) != m.body:
		default:
			return found
		}
	}
	return nil
}

func (c *Connector) do(r *http.Request) (status int, header http.Header, body []byte, err error) {
	r.SetBasicAuth(c.account, string(c.token))
	r.Header.Set("Accept", "application/json")
	answer, err := c.client.Do(r)
	if err != nil {
		return 0, nil, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err = io.ReadAll(http.MaxBytesReader(nil, answer.Body, maxAnswer))
	return answer.StatusCode, answer.Header, body, err
}
