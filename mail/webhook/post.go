package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/retryafter"
)

// Headers of a delivery, as Standard Webhooks names them.
const (
	HeaderID        = "Webhook-Id"        // the same at every try
	HeaderTimestamp = "Webhook-Timestamp" // of this try, Unix seconds
	HeaderSignature = "Webhook-Signature" // "v1," and base64, one for each secret, separated by spaces
)

// Delivery is one call of a webhook.
type Delivery struct {
	ID          string
	URL         string // that of the subscription, or of another method of the same application
	ContentType string
	Body        []byte
}

// Poster posts deliveries.
type Poster struct {
	client http.Client
}

// NewPoster returns a Poster that waits so long for an answer. It follows no redirects: a signature is for one address.
func NewPoster(timeout time.Duration) *Poster {
	return &Poster{http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 16, IdleConnTimeout: 90 * time.Second,
			TLSHandshakeTimeout: 10 * time.Second,
		},
	}}
}

// Refusal is an answer other than 2xx.
type Refusal struct {
	Status int
	After  time.Duration // what Retry-After asks for, at most an hour; 0: nothing
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("answered %d %s", r.Status, http.StatusText(r.Status))
}

// Post calls the webhook. The error is a *Refusal when it answered, and holds neither the body nor a secret.
func (p *Poster) Post(ctx context.Context, secrets []mail.Secret, d Delivery, now time.Time) error {
	r, err := newRequest(ctx, http.MethodPost, secrets, d, now)
	if err != nil {
		return fmt.Errorf("post to webhook: %w", err)
	}
	answer, err := p.client.Do(r)
	if err != nil {
		return err // names the method and the address
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection can be used again
	if answer.StatusCode/100 == 2 {
		return nil
	}
	return &Refusal{Status: answer.StatusCode, After: retryafter.Of(answer.Header, now)}
}

// newRequest makes a signed request.
func newRequest(ctx context.Context, method string, secrets []mail.Secret, d Delivery, now time.Time) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, d.URL, bytes.NewReader(d.Body))
	if err != nil {
		return nil, err
	}
	stamp := strconv.FormatInt(now.Unix(), 10)
	if d.ContentType != "" {
		r.Header.Set("Content-Type", d.ContentType)
	}
	r.Header.Set("User-Agent", "Waybill")
	r.Header.Set(HeaderID, d.ID)
	r.Header.Set(HeaderTimestamp, stamp)
	if len(secrets) > 0 {
		r.Header.Set(HeaderSignature, Sign(secrets, d.ID, stamp, d.Body))
	}
	return r, nil
}

// Sign returns the value of HeaderSignature: HMAC-SHA256 of "ID.TIMESTAMP.BODY" for each secret. A secret that begins with
// "whsec_" is base64, any other is taken as it is.
func Sign(secrets []mail.Secret, id, stamp string, body []byte) string {
	var all []string
	for _, s := range secrets {
		mac := hmac.New(sha256.New, key(s))
		_, _ = fmt.Fprintf(mac, "%s.%s.", id, stamp)
		_, _ = mac.Write(body)
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(all, " ")
}

func key(s mail.Secret) []byte {
	if encoded, ok := strings.CutPrefix(s.Reveal(), "whsec_"); ok {
		if raw, err := base64.StdEncoding.DecodeString(encoded); err == nil {
			return raw
		}
	}
	return []byte(s.Reveal())
}
