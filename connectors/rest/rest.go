package rest

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/http"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/mail"
)

//go:embed rest.json
var definition []byte

// Template is the connector as it is built in.
func Template() connectors.Template {
	return connectors.Template{
		Definition: connectors.MustParseDefinition("rest.json", definition),
		New:        func(i connectors.Instance) (connectors.Connector, error) { return open(i), nil },
	}
}

// connector calls HTTP services and takes webhooks.
type connector struct {
	definition *connectors.Definition
	config     *config
	client     *http.Client
	breakers   breakers
}

func open(i connectors.Instance) *connector {
	c := &connector{definition: i.Definition, config: read(i.Settings)}
	c.client = c.config.httpClient()
	c.breakers.config = c.config.breaker
	return c
}

// Definition implements connectors.Connector.
func (c *connector) Definition() *connectors.Definition { return c.definition }

// Warnings implements connectors.Warner.
func (c *connector) Warnings() []string {
	var all []string
	for _, o := range c.config.trusted {
		if c.config.auth != "" && c.config.auth != "mtls" && o.scheme == "http" && !mail.Loopback(o.host) {
			all = append(all, fmt.Sprintf("the credentials of connector %s go to %s in the clear; have it take https", c.definition.Name, o.written()))
		}
	}
	return all
}

// Call implements connectors.Connector: an action for each method.
func (c *connector) Call(ctx context.Context, call connectors.Call) (map[string]any, error) {
	if _, err := c.definition.Action(call.Action); err != nil {
		return nil, &connectors.Error{Kind: connectors.Permanent, Code: connectors.CodeUnknownAction, Public: err.Error()}
	}
	r, err := c.config.compose(call)
	if err != nil {
		return nil, &connectors.Error{Kind: connectors.BPMN, Code: connectors.CodeInvalidInput, Public: err.Error()}
	}
	a, err := c.exchange(ctx, r)
	if err != nil {
		return nil, err
	}
	if !r.accepts(a.status) {
		return nil, c.refusal(r, a)
	}
	outputs := map[string]any{
		"restStatus":      int64(a.status),
		"restResult":      readBody(a.body, a.header.Get("Content-Type"), r.textOnly),
		"responseHeaders": plainHeaders(a.header),
	}
	if err := bounded(outputs); err != nil {
		return nil, err
	}
	return outputs, nil
}

// exchange sends a request, through the circuit breaker of its host if it asks for that.
func (c *connector) exchange(ctx context.Context, r *request) (*answer, error) {
	if !r.breaker {
		return c.send(ctx, r)
	}
	a, err := c.breakers.of(r.url.Host).do(func() (*answer, error) { return c.send(ctx, r) })
	if open := (*openError)(nil); errors.As(err, &open) {
		return nil, &connectors.Error{Kind: connectors.Retryable, Code: codeUnavailable, After: open.left,
			Public: fmt.Sprintf("%s was not called: the circuit breaker is open, since too many calls of it failed", r.url.Host)}
	}
	return a, err
}

// bounded refuses outputs that are small as text and too large as JSON, which writes six bytes for some characters.
func bounded(outputs map[string]any) error {
	if !connectors.Fit(outputs) {
		return tooLarge(connectors.MaxOutputs, "as a value of the process; set REST_MAX_RESPONSE_BYTES so that it is refused before")
	}
	return nil
}

var (
	_ connectors.Receiver = (*connector)(nil)
	_ connectors.Warner   = (*connector)(nil)
)
