package analytics

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/elastic/elastic-transport-go/v8/elastictransport"
	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/waybill-io/waybill/retryafter"
)

// Store is a cluster of Elasticsearch with our indexes. It is safe for several goroutines.
type Store struct {
	config    Config
	transport esapi.Transport
	idle      func()
	slots     chan struct{} // one for each bulk request under way

	limits limits

	secrets *strings.Replacer // takes them out of what the server answers

	mu    sync.Mutex
	ready map[string]bool // tenants whose indexes have been seen
	made  bool            // templates and the index of dead letters have been
}

// Open makes a store. It asks no server: one that is down is not found out before the first use.
func Open(c Config) (*Store, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	roots, err := c.Trust.pool()
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: c.ConnectTimeout}
	wire := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		// A handshake is an answer.
		TLSHandshakeTimeout: c.SocketTimeout, ResponseHeaderTimeout: c.SocketTimeout, IdleConnTimeout: 90 * time.Second, MaxIdleConnsPerHost: parallel + 2,
	}
	var urls []*url.URL
	for _, text := range c.Addresses {
		u, err := address(text)
		if err != nil {
			return nil, err
		}
		urls = append(urls, u)
	}
	options := []elastictransport.Option{elastictransport.WithURLs(urls...), elastictransport.WithTransport(wire), elastictransport.WithUserAgent("waybill")}
	if len(urls) == 1 {
		options = append(options, elastictransport.WithDisableRetry())
	} else { // the next node, at once
		options = append(options, elastictransport.WithMaxRetries(len(urls)-1), elastictransport.WithRetryOnStatus(http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout))
	}
	if c.APIKey != "" {
		options = append(options, elastictransport.WithAPIKey(c.APIKey.Reveal()))
	} else if c.Username != "" {
		options = append(options, elastictransport.WithBasicAuth(c.Username, c.Password.Reveal()))
	}
	transport, err := elastictransport.NewClient(options...)
	if err != nil {
		return nil, fmt.Errorf("set up the client of Elasticsearch: %w", err)
	}
	return &Store{
		config: c, transport: transport, idle: wire.CloseIdleConnections, slots: make(chan struct{}, parallel), limits: standard, ready: map[string]bool{},
		secrets: redactor(c, urls),
	}, nil
}

// Close closes connections that nothing uses.
func (s *Store) Close() { s.idle() }

// Error is a refusal of the server.
type Error struct {
	Status int    // of HTTP
	Type   string // mapper_parsing_exception, ...; "" when whoever answered was not Elasticsearch
	Reason string
	After  time.Duration // how long it asks to be left alone; 0: it does not say
}

func (e *Error) Error() string {
	text := fmt.Sprintf("Elasticsearch answers %d", e.Status)
	if e.Type != "" {
		text += " " + e.Type
	}
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	switch {
	case e.Type == blocked:
		return text + " (an index takes no writes while the disk of a node is nearly full, or somebody has set it to read only: free or add disk, see cluster.routing.allocation.disk.watermark)"
	case e.Status == http.StatusUnauthorized:
		return text + " (check the account or the API key in elastic-search.rest-client)"
	case e.Status == http.StatusForbidden:
		return text + " (the account or API key needs the privileges that docs/configuration.md lists)"
	}
	return text
}

// blocked is the type of the error for an index that takes no writes.
const blocked = "cluster_block_exception"

// is tells whether an error is a refusal with this status.
func is(err error, status int) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Status == status
}

// away is why there was no answer.
type away struct{ error }

func (a away) Unwrap() error { return a.error }

// Away tells whether an error means that the server did not answer, or has no time: it would answer the same question later.
func Away(err error) bool {
	if _, silent := errors.AsType[away](err); silent {
		return true
	}
	e, ok := errors.AsType[*Error](err)
	return ok && (e.Status == http.StatusTooManyRequests || e.Status == http.StatusBadGateway || e.Status == http.StatusServiceUnavailable || e.Status == http.StatusGatewayTimeout)
}

const (
	maxAnswer = 64 << 20
	maxReason = 1000
	maxType   = 100
)

// call sends a request and reads its answer. into may be nil.
func (s *Store) call(ctx context.Context, r esapi.Request, into any) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.ConnectTimeout+s.config.SocketTimeout+time.Minute) // sending and reading included
	defer cancel()
	answer, err := r.Do(ctx, s.transport)
	if err != nil {
		return fmt.Errorf("ask Elasticsearch: %w", away{s.told(err)})
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("read the answer of Elasticsearch: %w", away{s.told(err)})
	}
	if len(body) > maxAnswer {
		return fmt.Errorf("read the answer of Elasticsearch: it has more than %d bytes", maxAnswer)
	}
	if answer.IsError() {
		return s.refusal(answer, body)
	}
	if into == nil {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("read the answer of Elasticsearch: %w", s.told(err))
	}
	return nil
}

// cause is an error as the server writes it. That of some APIs is a text.
type cause struct {
	Type   string `json:"type"`
	Reason string `json:"reason"`
	Cause  *cause `json:"caused_by"`
}

func (c *cause) UnmarshalJSON(data []byte) error {
	type plain cause
	if err := json.Unmarshal(data, (*plain)(c)); err != nil {
		return json.Unmarshal(data, &c.Reason)
	}
	return nil
}

// text is the reason with what is behind it.
func (c *cause) text() string {
	text := c.Reason
	if c.Cause != nil && c.Cause.Reason != "" {
		text += ": " + c.Cause.Reason
	}
	return text
}

func (s *Store) refusal(answer *esapi.Response, body []byte) error {
	var fields struct {
		Error cause `json:"error"`
	}
	if err := json.Unmarshal(body, &fields); err != nil {
		fields.Error = cause{} // what is half read is no answer
	}
	e := s.failed(answer.StatusCode, &fields.Error)
	e.After = retryafter.Of(answer.Header, time.Now())
	return e
}
