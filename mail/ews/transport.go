package ews

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/retryafter"
)

// idempotencyKey with an empty value permits the transport to repeat a request when a kept connection turns out to be
// closed; the header is not sent. All our requests may be repeated.
const idempotencyKey = "Idempotency-Key"

// longestBackOff bounds what a server may ask for.
const longestBackOff = 15 * time.Minute

// lane is one connection, for one request at a time: with NTLM a second connection would have to log in again, and a
// request that gets between the steps of a log-in breaks it. An account has one lane for requests and one for events.
type lane struct {
	client    *http.Client
	transport *http.Transport
	free      chan struct{}
}

func newLane(cfg Config, jar http.CookieJar) *lane {
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: cfg.RequestTimeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:     cfg.tlsConfig(),
		TLSHandshakeTimeout: cfg.RequestTimeout,
		// HTTP/2 knows no NTLM.
		TLSNextProto:        map[string]func(string, *tls.Conn) http.RoundTripper{},
		MaxConnsPerHost:     1,
		MaxIdleConnsPerHost: 1,
		IdleConnTimeout:     90 * time.Second,
		// A compressed stream of events may keep them in its window.
		DisableCompression: true,
	}
	l := &lane{transport: transport, free: make(chan struct{}, 1)}
	l.client = &http.Client{
		Transport: transport,
		Jar:       jar,
		// The log-in would go wherever the server points.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if cfg.Auth == AuthNTLM {
		l.client.Transport = &ntlm{transport, cfg.Username, cfg.Password}
	}
	l.free <- struct{}{}
	return l
}

// answer is a response that is being read. It ends when its context does or when the server is silent for too long.
type answer struct {
	http   *http.Response
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	limit  time.Duration
	lane   *lane
	stop   func() bool
	failed error // of the connection, not of what came over it
}

func (a *answer) Read(p []byte) (int, error) {
	// Only the time that the server takes counts, not that of the reader.
	a.timer.Reset(a.limit)
	n, err := a.http.Body.Read(p)
	a.timer.Stop()
	if err != nil && err != io.EOF {
		if cause := context.Cause(a.ctx); cause != nil {
			err = cause
		}
		a.failed = err
	}
	return n, err
}

// Close keeps the connection when the answer was read to its end.
func (a *answer) Close() {
	if a.http != nil {
		_ = a.http.Body.Close()
	}
	a.timer.Stop()
	a.stop()
	a.cancel(nil)
	a.lane.free <- struct{}{}
}

// broken makes the Error of an answer that could not be read.
func (a *answer) broken(op string, err error) *Error {
	if a.failed != nil {
		return &Error{Kind: kindOf(a.failed), Op: op, Err: a.failed}
	}
	return &Error{Kind: mail.KindProtocol, Op: op, Err: err}
}

// post sends a request and returns the answer, whose status is 200. The caller closes it.
func (a *Account) post(ctx context.Context, l *lane, op string, request any, silence time.Duration) (*answer, error) {
	if err := a.obey(ctx, op); err != nil {
		return nil, err
	}
	content, err := a.envelope(request)
	if err != nil {
		return nil, fmt.Errorf("ews: %s: write the request: %w", op, err)
	}
	select {
	case <-l.free:
	case <-ctx.Done():
		return nil, ended(ctx, op)
	case <-a.life.Done():
		return nil, ended(a.life, op)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	r := &answer{ctx: ctx, cancel: cancel, limit: silence, lane: l}
	r.stop = context.AfterFunc(a.life, func() { cancel(errClosed) })
	r.timer = time.AfterFunc(silence, func() { cancel(fmt.Errorf("the server was silent for %s", silence)) })
	if err := a.roundTrip(r, op, content); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (a *Account) roundTrip(r *answer, op string, content []byte) error {
	request, err := http.NewRequestWithContext(r.ctx, http.MethodPost, a.cfg.URL, bytes.NewReader(content))
	if err != nil {
		return fmt.Errorf("ews: %s: make the request: %w", op, err)
	}
	request.Header.Set("Content-Type", "text/xml; charset=utf-8")
	request.Header.Set("Accept", "text/xml")
	request.Header.Set("User-Agent", "waybill")
	request.Header[idempotencyKey] = nil
	if anchor := a.cfg.anchor(); anchor != "" {
		request.Header.Set("X-AnchorMailbox", anchor)
	}
	// Together with the cookie X-BackEndOverrideCookie, which the jar sends back, this keeps a proxy from handing the
	// requests for one subscription to different servers.
	request.Header.Set("X-PreferServerAffinity", "true")
	switch a.cfg.Auth {
	case AuthBasic:
		request.SetBasicAuth(a.cfg.Username, a.cfg.Password.Reveal())
	case AuthOAuth:
		token, err := a.cfg.Token(r.ctx)
		if err != nil {
			return &Error{Kind: mail.KindAuth, Op: op, Err: fmt.Errorf("get a token: %w", err)}
		}
		a.secret.Store(&token)
		request.Header.Set("Authorization", "Bearer "+token.Reveal())
	}
	r.http, err = r.lane.client.Do(request)
	r.timer.Stop()
	if err != nil {
		if cause := context.Cause(r.ctx); cause != nil {
			err = cause
		}
		if outer := new(url.Error); errors.As(err, &outer) {
			err = outer.Err // without the address, which the operator knows
		}
		return &Error{Kind: kindOf(err), Op: op, Err: err}
	}
	a.alive.Store(time.Now().UnixNano())
	if r.http.StatusCode == http.StatusOK {
		return nil
	}
	return a.refusedHTTP(r, op)
}

// refusedHTTP makes the Error of a status other than 200. Exchange sends a SOAP fault with 500.
func (a *Account) refusedHTTP(r *answer, op string) error {
	failure := &Error{Op: op, Err: fmt.Errorf("HTTP status %s", r.http.Status)}
	switch status := r.http.StatusCode; status {
	case http.StatusUnauthorized:
		failure.Kind = mail.KindAuth
		failure.Err = fmt.Errorf("%w, offering %s", failure.Err, cut(strings.Join(r.http.Header.Values("WWW-Authenticate"), ", ")))
	case http.StatusForbidden, 440: // 440 is IIS's "log-in timeout"
		failure.Kind = mail.KindAuth
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		failure.Kind = mail.KindUnavailable
		failure.RetryAfter = retryafter.Of(r.http.Header, time.Now())
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		failure.Kind = mail.KindUnavailable
	case http.StatusInternalServerError:
		var body struct {
			Fault *fault `xml:"Body>Fault"`
		}
		if err := newSource(r, maxAnswerBytes).decoder().Decode(&body); err == nil && body.Fault != nil {
			failure = body.Fault.failure(op)
		} else if r.failed != nil {
			return r.broken(op, err)
		} else {
			failure.Kind = mail.KindUnavailable
		}
	default:
		failure.Kind = mail.KindProtocol
		if location := r.http.Header.Get("Location"); location != "" {
			failure.Err = fmt.Errorf("%w, a redirection, which is not followed", failure.Err)
		}
	}
	_, _ = io.CopyN(io.Discard, r, 64<<10)
	return a.refusal(failure)
}

// refusal has the next requests wait as long as the server asks, and keeps a server that repeats a secret from getting
// it into a log.
func (a *Account) refusal(failure *Error) *Error {
	if failure.RetryAfter > 0 {
		a.notBefore.Store(time.Now().Add(min(failure.RetryAfter, longestBackOff)).UnixNano())
	}
	if secret := a.secret.Load(); secret != nil && *secret != "" && strings.Contains(failure.Err.Error(), secret.Reveal()) {
		failure.Err = errors.New(strings.ReplaceAll(failure.Err.Error(), secret.Reveal(), "********"))
	}
	return failure
}

// obey waits as long as the server asked for.
func (a *Account) obey(ctx context.Context, op string) error {
	timer := time.NewTimer(time.Until(time.Unix(0, a.notBefore.Load())))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ended(ctx, op)
	case <-a.life.Done():
		return ended(a.life, op)
	}
}

// newAffinity forgets which server was the right one.
func (a *Account) newAffinity() {
	jar, _ := cookiejar.New(nil) // never fails
	a.jar.Store(jar)
}
