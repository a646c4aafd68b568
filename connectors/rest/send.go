package rest

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/waybill-io/waybill/connectors"
)

const (
	maxRedirects = 5
	// maxAnswerHeader bounds the headers of an answer, which are in the history as well.
	maxAnswerHeader = 32 << 10
	// maxExcerpt is how much of an answer is read that is only told of.
	maxExcerpt = 4 << 10
)

// answer is what a server sent.
type answer struct {
	status   int
	header   http.Header
	body     []byte
	location string // of a redirect that was not followed: the host
}

// httpClient is the client of an instance.
func (c *config) httpClient() *http.Client {
	t := &transport{config: c, plain: c.transport(false)}
	if t.trusted = t.plain; c.certificate != "" {
		t.trusted = c.transport(true)
	}
	// The operator has chosen the token endpoint, so that no guard is in its way, and no redirect leads from it.
	tokens := c.transport(false)
	tokens.DialContext = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	c.client.http = &http.Client{Transport: tokens, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &http.Client{Transport: t} // once says which redirects are followed
}

// transport has connections of its own, with the certificate of the instance or without.
func (c *config) transport(withCertificate bool) *http.Transport {
	settings := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.authorities}
	if withCertificate { // read for every handshake: certificates are renewed while a worker runs
		settings.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(c.certificate, c.key)
			return &pair, err
		}
	}
	return &http.Transport{
		Proxy: nil, DialContext: c.guard.DialContext, TLSClientConfig: settings, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: 10 * time.Second, IdleConnTimeout: 90 * time.Second, MaxIdleConns: 100, MaxIdleConnsPerHost: 16,
		MaxResponseHeaderBytes: maxAnswerHeader,
	}
}

// mayFollow follows redirects to the same host. It never turns a request with an effect into another, but where the server says so with 303.
func mayFollow(next *http.Request, via []*http.Request) error {
	first := via[0]
	scheme, host, port := originOf(next.URL)
	firstScheme, firstHost, firstPort := originOf(first.URL)
	same := scheme == firstScheme && port == firstPort || firstScheme == "http" && firstPort == 80 && scheme == "https" && port == 443
	changed := next.Method != first.Method && next.Response != nil && next.Response.StatusCode != http.StatusSeeOther
	if !same || host != firstHost || changed || next.URL.User != nil || len(via) > maxRedirects {
		return http.ErrUseLastResponse
	}
	return nil
}

// send makes one attempt. Its errors are *connectors.Error; any status is an answer.
func (c *connector) send(ctx context.Context, r *request) (*answer, error) {
	limited := ctx
	if r.timeout > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, r.timeout)
		defer cancel()
	}
	a, err := c.once(limited, r)
	if err == nil && a.status == http.StatusUnauthorized && c.config.client.forget(r.url, c.config) {
		a, err = c.once(limited, r) // the token has been withdrawn before its time
	}
	switch {
	case err == nil:
		return a, nil
	case ctx.Err() == nil && limited.Err() != nil:
		return nil, &connectors.Error{Kind: connectors.Retryable, Code: codeTimeout, Err: err,
			Public: fmt.Sprintf("%s %s did not answer within %s, the task's timeout", r.method, r.url.Host, r.timeout)}
	}
	return nil, c.networkError(r, err)
}

func (c *connector) once(ctx context.Context, r *request) (*answer, error) {
	request, err := http.NewRequestWithContext(ctx, r.method, r.url.String(), bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	if r.body == nil {
		request.Body, request.GetBody = http.NoBody, nil
	}
	request.Header = r.header.Clone()
	client := *c.client
	client.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		if r.accepts(next.Response.StatusCode) { // the task wants to see it
			return http.ErrUseLastResponse
		}
		return mayFollow(next, via)
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	a := &answer{status: response.StatusCode, header: response.Header}
	if to, err := response.Location(); err == nil && a.status/100 == 3 {
		a.location = to.Host
	}
	limit := int64(c.config.maxResponse)
	if !r.accepts(a.status) {
		a.body, err = io.ReadAll(io.LimitReader(response.Body, maxExcerpt))
		if ctx.Err() == nil {
			err = nil // the status says enough
		}
		return a, err
	}
	if a.body, err = io.ReadAll(io.LimitReader(response.Body, limit+1)); err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if int64(len(a.body)) > limit {
		return nil, tooLarge(limit, fmt.Sprintf("which REST_MAX_RESPONSE_BYTES allows; it may be up to %d, since answers are in every history of the process", maxResponse))
	}
	return a, nil
}

func tooLarge(limit int64, rest string) error {
	return &connectors.Error{Kind: connectors.Permanent, Code: "RESPONSE_TOO_LARGE", Err: errors.New("the answer is too large"),
		Public: fmt.Sprintf("the answer has more than %d bytes, %s", limit, rest)}
}
