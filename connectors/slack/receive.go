package slack

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/mail"
)

// path is where Slack calls, below the instance.
const path = "/slack/events"

// maxAge is how far the time of a request may be from ours.
const maxAge = 5 * time.Minute

// Authenticates implements connectors.Receiver.
func (c *Connector) Authenticates() bool { return true }

// Receive implements connectors.Receiver: the Events API.
func (c *Connector) Receive(ctx context.Context, r connectors.Request) (connectors.Receipt, error) {
	if err := verify(c.secret, r); err != nil { // first of all: others learn nothing
		return connectors.Receipt{}, refuse(connectors.CodeUnauthorized, err.Error())
	}
	if r.Path != path {
		return connectors.Receipt{}, refuse(connectors.CodeNotFound, "events are taken at "+path)
	}
	if r.Method != http.MethodPost {
		return connectors.Receipt{}, refuse(connectors.CodeInvalidInput, "events are posted")
	}
	var e envelope
	if err := json.Unmarshal(r.Body, &e); err != nil {
		return connectors.Receipt{}, refuse(connectors.CodeInvalidInput, "this is no request of the Events API; give this address under Event Subscriptions only")
	}
	switch e.Type {
	case "url_verification":
		return connectors.Receipt{Header: map[string]string{"Content-Type": "text/plain; charset=utf-8"}, Body: []byte(e.Challenge)}, nil
	case "event_callback":
		if event, ok := c.event(ctx, e); ok {
			return connectors.Receipt{Events: []connectors.Event{event}}, nil
		}
	}
	// Whatever else Slack tells is taken and passed over: it turns events off when many are refused.
	return connectors.Receipt{}, nil
}

func refuse(code, public string) error {
	return &connectors.Error{Kind: connectors.Permanent, Code: code, Public: public}
}

// verify checks that the app's signing secret signed the body, lately: the scheme v0 of https://docs.slack.dev/authentication/verifying-requests-from-slack.
func verify(secret mail.Secret, r connectors.Request) error {
	if secret == "" {
		return errors.New("messages of Slack are not taken: SLACK_SIGNING_SECRET is not set")
	}
	stamp := r.Header.Get("X-Slack-Request-Timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return errors.New("the request is not signed by Slack")
	}
	if age := r.At.Unix() - seconds; age > int64(maxAge/time.Second) || age < -int64(maxAge/time.Second) {
		return fmt.Errorf("the request was signed more than %v ago, or the clocks differ", maxAge)
	}
	given, ok := strings.CutPrefix(r.Header.Get("X-Slack-Signature"), "v0=")
	signature, err := hex.DecodeString(given)
	if !ok || err != nil {
		return errors.New("the request is not signed by Slack")
	}
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = fmt.Fprintf(mac, "v0:%s:%s", stamp, r.Body) // a hash takes everything
	if !hmac.Equal(mac.Sum(nil), signature) {
		return errors.New("the signature does not fit; see SLACK_SIGNING_SECRET")
	}
	return nil
}
