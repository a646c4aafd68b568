package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/trigger"
)

const (
	// maxEventBody bounds a request that tells of events.
	maxEventBody = 1 << 20
	// receiveTimeout bounds what such a request asks of Temporal: those who call do not wait long, and call again.
	receiveTimeout = 20 * time.Second
)

// notStored is what callers are told when Temporal is away: strangers are not told why.
const notStored = "the event is not stored yet; call again"

// receivers answers what the outside calls connectors with.
type receivers struct {
	Options
	triggers trigger.Cache
}

func receiverRoutes(o Options) map[string]http.Handler {
	all := map[string]http.Handler{}
	g := &receivers{Options: o}
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		all[method+" /connectors/{instance}"] = g
		all[method+" /connectors/{instance}/{path...}"] = g
	}
	return all
}

// ServeHTTP lets a connector read a request, stores its events, and answers.
func (g *receivers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	instance := r.PathValue("instance")
	receiver, ok := g.Receivers[instance].(connectors.Receiver)
	var next http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.receive(w, r, instance, receiver) })
	switch {
	case !ok:
		problem(w, http.StatusNotFound, fmt.Sprintf("there is no connector %q that is called from outside", instance))
		return
	case !receiver.Authenticates():
		next = g.guard(next)
	}
	next.ServeHTTP(w, r)
}

func (g *receivers) receive(w http.ResponseWriter, r *http.Request, instance string, receiver connectors.Receiver) {
	ctx, cancel := context.WithTimeout(r.Context(), receiveTimeout)
	defer cancel()
	body, ok := readBody(w, r)
	if !ok {
		return
	}
	receipt, err := receiver.Receive(ctx, connectors.Request{
		Method: r.Method, URL: calledURL(r), Path: strings.TrimPrefix(r.URL.Path, "/connectors/"+instance), Query: r.URL.Query(),
		Header: r.Header, Body: body, At: time.Now(),
	})
	if err != nil {
		refuseReceipt(w, err)
		return
	}
	if receipt.Content != nil {
		defer func() { _ = receipt.Content.Close() }() // it was only read
	}
	wanted, answer, err := g.match(ctx, instance, receipt.Events)
	if err != nil {
		problem(w, http.StatusServiceUnavailable, notStored)
		return
	}
	if !wanted && receipt.Unmatched != 0 && len(receipt.Events) > 0 { // without events it is a matter between the connector and the caller
		problem(w, receipt.Unmatched, "no trigger wants this")
		return
	}
	for _, e := range receipt.Events {
		if _, err := g.Client.Emit(ctx, instance, templateOf(receiver), e); err != nil {
			refuseEvent(w, err)
			return
		}
	}
	answerReceipt(w, r, receipt, answer)
}

// readBody answers the request itself when it is too large or breaks off.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxEventBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		problem(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d bytes", maxEventBody))
	case err != nil:
		problem(w, http.StatusBadRequest, "the body broke off")
	}
	return body, err == nil
}

// templateOf is what a connector is made of. One that is called like its template names none.
func templateOf(c connectors.Connector) string {
	return cmp.Or(c.Definition().Template, c.Definition().Name)
}

// calledURL is the address that the caller wrote, over which some sign: behind a proxy, what that says. Whoever forges it gains nothing,
// since the signature does not fit then.
func calledURL(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	first := func(header, otherwise string) string {
		value, _, _ := strings.Cut(r.Header.Get(header), ",")
		return cmp.Or(strings.TrimSpace(value), otherwise)
	}
	return first("X-Forwarded-Proto", scheme) + "://" + first("X-Forwarded-Host", r.Host) + r.RequestURI
}

// match tells whether any trigger wants any of the events, and which answer the first has that gives one.
func (g *receivers) match(ctx context.Context, instance string, events []connectors.Event) (wanted bool, answer trigger.Answer, err error) {
	given := false
	for _, e := range events {
		wanted = wanted || len(e.Replies) > 0 // a call may wait for it
		entries, err := g.Client.Triggers(ctx, contract.EventSource(instance, e.Name))
		if err != nil {
			return false, answer, err
		}
		outputs := e.Outputs
		if outputs == nil {
			outputs = map[string]any{}
		}
		for _, entry := range entries {
			t, err := g.triggers.Read(entry.ID, entry.Value)
			if err != nil {
				wanted = true // what is wrong with it is told of the event
				continue
			}
			groups, matches, err := t.Match(outputs)
			wanted = wanted || matches || err != nil
			if !matches || given {
				continue
			}
			if a, has, err := t.Answer(outputs, groups); has && err == nil {
				answer, given = a, true
			}
		}
	}
	return wanted, answer, nil
}

// answerReceipt answers as a trigger says, else as the connector does.
func answerReceipt(w http.ResponseWriter, r *http.Request, receipt connectors.Receipt, a trigger.Answer) {
	header := w.Header()
	for name, value := range receipt.Header {
		header.Set(name, value)
	}
	body := receipt.Body
	switch content := a.Body.(type) {
	case nil:
	case string:
		body = []byte(content)
		kind := "text/plain; charset=utf-8"
		if strings.HasPrefix(content, "{") && json.Valid(body) {
			kind = "application/json"
		}
		header.Set("Content-Type", kind)
	default:
		text, err := json.Marshal(content)
		if err != nil {
			problem(w, http.StatusInternalServerError, "the answer of the trigger is not plain data")
			return
		}
		body = text
		header.Set("Content-Type", "application/json")
	}
	header.Set("X-Content-Type-Options", "nosniff") // what a caller sent may be in it
	if a.Body == nil && a.Status == 0 && receipt.Content != nil {
		http.ServeContent(w, r, "", receipt.Modified, receipt.Content)
		return
	}
	w.WriteHeader(cmp.Or(a.Status, receipt.Status, http.StatusOK))
	_, _ = w.Write(body) // the client has gone
}

// refuseReceipt answers a request that a connector does not take.
func refuseReceipt(w http.ResponseWriter, err error) {
	failure := connectors.AsError(err)
	code := http.StatusBadRequest
	switch {
	case failure.Code == connectors.CodeUnauthorized:
		code = http.StatusUnauthorized
	case failure.Code == connectors.CodeNotFound:
		code = http.StatusNotFound
	case failure.Kind == connectors.Retryable:
		code = http.StatusServiceUnavailable
		if failure.After > 0 {
			w.Header().Set("Retry-After", fmt.Sprint(int((failure.After+time.Second-1)/time.Second)))
		}
	}
	problem(w, code, failure.Public)
}

// refuseEvent answers a request whose event is not stored.
func refuseEvent(w http.ResponseWriter, err error) {
	refusal, refused := errors.AsType[*client.Error](err)
	switch {
	case refused && refusal.Type == client.TooLarge:
		problem(w, http.StatusRequestEntityTooLarge, err.Error())
	case refused:
		problem(w, http.StatusBadRequest, err.Error())
	default:
		problem(w, http.StatusServiceUnavailable, notStored)
	}
}
