package report

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/elastic/go-elasticsearch/v8/esapi"
)

// maxAnswer bounds what is read of a search's answer, in bytes: a page of groups is some 500 KB.
const maxAnswer = 32 << 20

// Elastic is an Index of Elasticsearch.
type Elastic struct {
	transport esapi.Transport
	prefix    func(tenant string) string
}

// Over searches Elasticsearch. prefix is what the names of a tenant's indexes begin with.
func Over(transport esapi.Transport, prefix func(tenant string) string) *Elastic {
	return &Elastic{transport, prefix}
}

// Search implements Index.
func (e *Elastic) Search(ctx context.Context, tenant, index string, body []byte) ([]byte, error) {
	name := e.prefix(tenant) + "-" + index
	// Nothing in part: numbers that are too small would look like any others.
	in := false
	answer, err := esapi.SearchRequest{Index: []string{name}, Body: bytes.NewReader(body), AllowPartialSearchResults: &in}.Do(ctx, e.transport)
	if err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("search %s: %w: %w", name, ErrSlow, err)
		}
		return nil, fmt.Errorf("search %s: %w: %w", name, ErrUnavailable, err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, fmt.Errorf("search %s: %w: %w", name, ErrSlow, err)
	case err != nil:
		return nil, fmt.Errorf("search %s: %w: %w", name, ErrUnavailable, err)
	case len(text) > maxAnswer:
		return nil, fmt.Errorf("search %s: the answer has more than %d bytes", name, maxAnswer)
	case answer.StatusCode == http.StatusOK:
		return text, nil
	}
	var refusal struct {
		Error struct {
			Type   string `json:"type"`
			Reason string `json:"reason"`
		} `json:"error"`
	}
	_ = json.Unmarshal(text, &refusal) // a proxy answers otherwise: the status is said in any case
	kind := ErrUnavailable
	switch {
	case refusal.Error.Type == "index_not_found_exception":
		return nil, fmt.Errorf("%w: %s: nothing was indexed for this tenant yet", ErrNoIndex, name)
	case answer.StatusCode == http.StatusRequestTimeout, answer.StatusCode == http.StatusGatewayTimeout:
		kind = ErrSlow
	}
	return nil, fmt.Errorf("search %s: %w: Elasticsearch answers %d %s", name, kind, answer.StatusCode, cmp.Or(refusal.Error.Reason, http.StatusText(answer.StatusCode)))
}

var _ Index = (*Elastic)(nil)
