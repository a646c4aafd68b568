package rest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"mime"
	"regexp"
	"strings"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/mail/webhook"
)

// prefix is where webhooks are, below the instance.
const prefix = "/events/"

// Authenticates implements connectors.Receiver.
func (c *connector) Authenticates() bool { return c.config.webhook.secret != "" }

// Receive implements connectors.Receiver: one INCOMING_WEBHOOK of each request below /events/.
func (c *connector) Receive(_ context.Context, r connectors.Request) (connectors.Receipt, error) {
	if c.Authenticates() { // first of all: others learn nothing, not even what exists
		if err := c.config.webhook.verify(r); err != nil {
			return connectors.Receipt{}, &connectors.Error{Kind: connectors.Permanent, Code: connectors.CodeUnauthorized, Public: err.Error()}
		}
	}
	path, ok := strings.CutPrefix(r.Path, prefix)
	if !ok || path == "" {
		return connectors.Receipt{}, &connectors.Error{Kind: connectors.Permanent, Code: connectors.CodeNotFound, Public: "webhooks are at " + prefix + "<path>"}
	}
	params := flat(r.Query)
	body, err := readPosted(r, params)
	if err != nil {
		return connectors.Receipt{}, &connectors.Error{Kind: connectors.Permanent, Code: connectors.CodeInvalidInput, Public: err.Error()}
	}
	maps.DeleteFunc(params, func(name string, _ any) bool { return credential(name) })
	headers := plainHeaders(r.Header)
	maps.DeleteFunc(headers, func(name string, _ any) bool {
		return credential(name) || strings.EqualFold(name, c.config.webhook.header)
	})
	return connectors.Receipt{
		Events: []connectors.Event{{
			Name: "INCOMING_WEBHOOK", ID: c.eventID(r),
			Outputs: map[string]any{"method": r.Method, "path": path, "params": params, "headers": headers, "body": body},
		}},
		Unmatched: c.config.unmatched,
	}, nil
}

// usuallySecret are names of headers and parameters beside those of connectors.SecretName that systems have their keys and signatures under.
var usuallySecret = regexp.MustCompile(`(?i)((access|subscription|functions)[_-]?key|signature|(^|[_-])(auth|pass|pwd|sig)$)`)

// credential tells whether a header or parameter of a webhook is kept out of its event, since that is kept in histories.
func credential(name string) bool {
	return connectors.SecretName(name) || usuallySecret.MatchString(name)
}

// readPosted is readBody, and a form as an object, whose fields are parameters like those of the query. The query's win.
func readPosted(r connectors.Request, params map[string]any) (any, error) {
	contentType := r.Header.Get("Content-Type")
	if mediaType, _, _ := mime.ParseMediaType(contentType); mediaType != form || len(r.Body) == 0 {
		return readBody(r.Body, contentType, false), nil
	}
	fields, err := readForm(r.Body)
	for name, value := range fields {
		if _, there := params[name]; !there {
			params[name] = value
		}
	}
	return fields, err
}

// idHeaders tell a repetition from a new event where nothing is signed, the best of them first. The id of a trace, such as X-Request-Id, is none:
// all that one request has caused upstream shares it.
var idHeaders = []string{webhook.HeaderID, "Idempotency-Key", "X-Github-Delivery", "Ce-Id"}

// eventID is the same for a request that comes again. Of a signed request it is made of what is signed, and of nothing else: whoever has overheard
// one could change the rest, and send it as ever new events. That is webhook-id in the scheme "standard", and the body in the others, where two
// requests with equal bodies are one event.
//
// An unsigned request comes with a token of the gateway, and is believed what its headers say. Two equal ones without such a header are two events:
// the same order can be placed twice.
func (c *connector) eventID(r connectors.Request) string {
	if c.Authenticates() {
		if c.config.webhook.scheme == schemeStandard {
			return digest(webhook.HeaderID, r.Header.Get(webhook.HeaderID))
		}
		return digest("body", string(r.Body))
	}
	for _, name := range idHeaders {
		if value := r.Header.Get(name); value != "" {
			return digest(name, value, r.Method, r.Path) // two systems that call with one token may count alike
		}
	}
	return rand.Text()
}

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}
