package rest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/webhook"
)

// Schemes of signatures, all HMAC-SHA256.
const (
	// schemeStandard is https://www.standardwebhooks.com, which Waybill signs its own webhooks with: over id, time and body.
	schemeStandard = "standard"
	// schemeGitHub has the signature of the body in X-Hub-Signature-256.
	schemeGitHub = "github"
	// schemeHMAC has it in a header of one's choice, in hexadecimal or base64, with or without "sha256=" before it.
	schemeHMAC = "hmac-sha256"
)

// tolerance is how far the time of a signature may be from ours, as Standard Webhooks advises.
const tolerance = 5 * time.Minute

type webhookConfig struct {
	secret, previous mail.Secret // "": requests are not signed
	scheme           string
	header           string
}

func readWebhook(s *connectors.Settings) webhookConfig {
	w := webhookConfig{
		secret: s.Secret("WEBHOOK_SECRET"), previous: s.Secret("WEBHOOK_SECRET_PREVIOUS"),
		scheme: s.Text("WEBHOOK_SIGNATURE"), header: s.Text("WEBHOOK_SIGNATURE_HEADER"),
	}
	switch {
	case w.previous != "" && w.secret == "":
		s.Errorf("WEBHOOK_SECRET", "is not set, while WEBHOOK_SECRET_PREVIOUS is")
	case w.scheme == schemeHMAC && !httpguts.ValidHeaderFieldName(w.header):
		s.Errorf("WEBHOOK_SIGNATURE_HEADER", "is needed for %s: the name of the header with the signature", schemeHMAC)
	case w.scheme != schemeHMAC && w.header != "":
		s.Errorf("WEBHOOK_SIGNATURE_HEADER", "is for %s only", schemeHMAC)
	case w.scheme == schemeGitHub:
		w.header = "X-Hub-Signature-256"
	case w.scheme != schemeStandard && w.scheme != schemeHMAC:
		s.Errorf("WEBHOOK_SIGNATURE", "%q is none of %s, %s, %s", w.scheme, schemeStandard, schemeGitHub, schemeHMAC)
	}
	return w
}

var errSignature = errors.New("the signature is missing or not right")

// verify accepts what one of the secrets has signed. Its errors say the same whatever was wrong with a signature.
func (w webhookConfig) verify(r connectors.Request) error {
	matches := w.body
	if w.scheme == schemeStandard {
		seconds, err := strconv.ParseInt(r.Header.Get(webhook.HeaderTimestamp), 10, 64)
		if age := r.At.Sub(time.Unix(seconds, 0)); err != nil || age.Abs() > tolerance {
			return errors.New("webhook-timestamp is missing, or more than 5 minutes from the time here: sign each attempt anew")
		}
		// A dot separates it from the time in what is signed: with one in it, another id, time and body would have the same signature.
		if id := r.Header.Get(webhook.HeaderID); id == "" || strings.Contains(id, ".") {
			return errSignature
		}
		matches = w.standard
	}
	for _, secret := range []mail.Secret{w.secret, w.previous} {
		if secret != "" && matches(r, secret) {
			return nil
		}
	}
	return errSignature
}

// standard compares with each of the signatures, of which a sender that changes its secret sends several.
func (w webhookConfig) standard(r connectors.Request, secret mail.Secret) bool {
	h := r.Header
	want := []byte(webhook.Sign([]mail.Secret{secret}, h.Get(webhook.HeaderID), h.Get(webhook.HeaderTimestamp), r.Body))
	for signature := range strings.FieldsSeq(h.Get(webhook.HeaderSignature)) {
		if hmac.Equal([]byte(signature), want) {
			return true
		}
	}
	return false
}

func (w webhookConfig) body(r connectors.Request, secret mail.Secret) bool {
	signature := parseSignature(r.Header.Get(w.header))
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	_, _ = mac.Write(r.Body)
	return hmac.Equal(signature, mac.Sum(nil))
}

// parseSignature is nil for what is no HMAC-SHA256 in hexadecimal or base64.
func parseSignature(text string) []byte {
	text = strings.TrimPrefix(strings.TrimSpace(text), "sha256=")
	if raw, err := hex.DecodeString(text); err == nil && len(raw) == sha256.Size {
		return raw
	}
	if raw, err := base64.StdEncoding.DecodeString(text); err == nil && len(raw) == sha256.Size {
		return raw
	}
	return nil
}
