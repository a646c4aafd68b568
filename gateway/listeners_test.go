package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

func TestStatusOfAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		content any
		err     error
		status  int
		body    string
	}{
		"done":                  {[]string{"a"}, nil, 200, `["a"]`},
		"under way":             {accepted{map[string]any{"State": "sending"}}, nil, 202, `{"State":"sending"}`},
		"for the caller":        {nil, badRequest{errors.New("no recipient")}, 400, `{"status":400,"title":"Bad Request","detail":"no recipient"}`},
		"not there":             {nil, fmt.Errorf("mailbox: %w", client.ErrNotFound), 404, `{"status":404,"title":"Not Found","detail":"mailbox: not found"}`},
		"refused":               {nil, &client.Error{Type: contract.Busy, Message: "later"}, 409, `{"status":409,"title":"Conflict","detail":"later"}`},
		"Temporal does not say": {nil, errors.New("away"), 503, `{"status":503,"title":"Service Unavailable","detail":"away"}`},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			(&listeners{}).serve(w, httptest.NewRequest(http.MethodPost, "/api/listeners/send", nil), func(*http.Request) (any, error) { return test.content, test.err })
			require.Equal(t, test.status, w.Code)
			require.JSONEq(t, test.body, w.Body.String())
		})
	}
}
