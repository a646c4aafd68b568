package twilio

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" // Twilio's choice; as HMAC it is not broken
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/waybill-io/waybill/connectors"
)

// path is where Twilio calls, below the instance.
const path = "/sms"

// maxMedia is how many media a message may have. Twilio says ten.
const maxMedia = 10

// Authenticates implements connectors.Receiver.
func (c *Connector) Authenticates() bool { return true }

// Receive implements connectors.Receiver: the webhook for incoming messages.
func (c *Connector) Receive(_ context.Context, r connectors.Request) (connectors.Receipt, error) {
	form, err := c.verify(r) // first of all: others learn nothing
	if err != nil {
		return connectors.Receipt{}, refuse(connectors.CodeUnauthorized, err.Error())
	}
	if r.Path != path {
		return connectors.Receipt{}, refuse(connectors.CodeNotFound, "incoming messages are taken at "+path)
	}
	// An empty answer is a message that is not answered here. A trigger's echo is a message of its own.
	receipt := connectors.Receipt{
		Header: map[string]string{"Content-Type": "text/xml; charset=utf-8"},
		Body:   []byte(`<?xml version="1.0" encoding="UTF-8"?><Response></Response>`),
	}
	if status := form.Get("SmsStatus"); form.Has("MessageStatus") || status != "" && status != "received" {
		return receipt, nil // it tells of what became of a message that was sent
	}
	sid := form.Get("MessageSid")
	if !messageSID.MatchString(sid) {
		return connectors.Receipt{}, refuse(connectors.CodeInvalidInput, "this tells of no message; set this address for incoming messages only")
	}
	media := []any{}
	count, _ := strconv.Atoi(form.Get("NumMedia"))
	for i := range min(max(count, 0), maxMedia) {
		n := strconv.Itoa(i)
		media = append(media, map[string]any{"url": form.Get("MediaUrl" + n), "contentType": form.Get("MediaContentType" + n)})
	}
	receipt.Events = []connectors.Event{{
		Name: smsReceived, ID: sid,
		Outputs: map[string]any{
			"originalMessage": form.Get("Body"), "to": form.Get("To"), "from": form.Get("From"), "messageSid": sid,
			"numMedia": int64(len(media)), "media": media, "optOutType": form.Get("OptOutType"),
		},
	}}
	return receipt, nil
}

var messageSID = regexp.MustCompile(`^[A-Za-z0-9]{2,64}$`)

func refuse(code, public string) error {
	return &connectors.Error{Kind: connectors.Permanent, Code: code, Public: public}
}

// verify checks that the account's token signed the address and the parameters: https://www.twilio.com/docs/usage/security#validating-requests.
// It returns the parameters.
func (c *Connector) verify(r connectors.Request) (url.Values, error) {
	given := r.Header.Get("X-Twilio-Signature")
	if given == "" || c.token == "" { // a token that is not set has signed nothing; New does not allow it
		return nil, errors.New("the request is not signed by Twilio, or TWILIO_TOKEN is not set")
	}
	if r.Method != http.MethodPost {
		return nil, errors.New("incoming messages are posted: choose HTTP POST at Twilio")
	}
	form, err := url.ParseQuery(string(r.Body))
	if err != nil {
		return nil, errors.New("the parameters cannot be read")
	}
	address := c.webhook
	if address == "" {
		address = r.URL
	}
	parameters := sorted(form)
	for _, a := range addresses(address) {
		mac := hmac.New(sha1.New, []byte(c.token))
		_, _ = mac.Write([]byte(a + parameters)) // a hash takes everything
		if hmac.Equal([]byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))), []byte(given)) {
			return form, nil
		}
	}
	if r.Header.Get("X-Twilio-Webhooks-Signature-Settings") != "" {
		return nil, errors.New("the signature is by the key of a webhooks rule, which is not supported; remove the rule at Twilio")
	}
	return nil, errors.New("the signature does not fit; see TWILIO_TOKEN, and TWILIO_WEBHOOK_URL if there is a proxy before the gateway")
}

// sorted are the parameters as they are signed: by name, each name before each of its values, one after another.
func sorted(form url.Values) string {
	var all strings.Builder
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range slices.Compact(slices.Sorted(slices.Values(form[name]))) {
			all.WriteString(name + value)
		}
	}
	return all.String()
}

// addresses are the ways in which Twilio may have written the address that it signs: with or without the port.
func addresses(address string) []string {
	all := []string{address}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return all
	}
	host := u.Host
	with, without := host, strings.TrimSuffix(host, ":"+u.Port())
	if u.Port() == "" {
		with = host + map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
	}
	for _, other := range []string{with, without} {
		if other != host {
			all = append(all, strings.Replace(address, "//"+host, "//"+other, 1)) // the rest stays as it is written
		}
	}
	return all
}

// number is a sender that can be answered: no short code and no name.
var number = regexp.MustCompile(`^([a-z]+:)?\+[1-9][0-9]{6,14}$`)

// keywords are words that Twilio answers itself. Whoever sends one of the first six gets no more messages.
var keywords = []string{"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "START", "UNSTOP", "HELP", "INFO"}

// answer is how a message is answered: back to its sender, unless Twilio has done so.
func answer(e connectors.Event, text string) (action string, inputs map[string]any, ok bool) {
	value := func(name string) string { v, _ := e.Outputs[name].(string); return v }
	if e.Name != smsReceived || !number.MatchString(value("from")) || value("to") == "" || value("optOutType") != "" ||
		slices.Contains(keywords, strings.ToUpper(strings.TrimSpace(value("originalMessage")))) {
		return "", nil, false
	}
	return sendSMS, map[string]any{"smsFrom": value("to"), "smsTo": value("from"), "smsBody": text}, true
}
