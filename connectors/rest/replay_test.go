package rest

import (
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
)

// TestReplays has somebody who has overheard a signed request change all that is not signed: it stays the same event.
func TestReplays(t *testing.T) {
	const body = `{"order":1}`
	for scheme, test := range map[string]struct {
		settings map[string]string
		signed   func(body string) connectors.Request
	}{
		"standard": {nil, func(body string) connectors.Request { return standard(t, key, "msg_1", now, body) }},
		"github": {map[string]string{"WEBHOOK_SIGNATURE": "github"}, func(body string) connectors.Request {
			return posted(body, "X-Hub-Signature-256", "sha256="+hexMAC(key, body), "X-GitHub-Delivery", "1")
		}},
		"hmac-sha256": {map[string]string{"WEBHOOK_SIGNATURE": "hmac-sha256", "WEBHOOK_SIGNATURE_HEADER": "X-Shop-Hmac"}, func(body string) connectors.Request {
			return posted(body, "X-Shop-Hmac", hexMAC(key, body))
		}},
	} {
		t.Run(scheme, func(t *testing.T) {
			settings := map[string]string{"WEBHOOK_SECRET": key}
			for name, value := range test.settings {
				settings[name] = value
			}
			c := connect(t, settings)
			id := func(r connectors.Request) string {
				receipt, err := c.Receive(t.Context(), r)
				require.NoError(t, err)
				require.Len(t, receipt.Events, 1)
				return receipt.Events[0].ID
			}
			good := test.signed(body)
			want := id(good)
			for _, header := range append([]string{"X-Request-Id", "User-Agent"}, idHeaders...) {
				if header == "Webhook-Id" && scheme == "standard" {
					continue // signed
				}
				require.Equal(t, want, id(with(good, header, "another")), header)
				require.Equal(t, want, id(with(good, header, "")), header)
			}
			require.Equal(t, want, id(with(good, "Content-Type", "text/plain")))
			elsewhere := good
			elsewhere.Path = "/events/refunds"
			require.Equal(t, want, id(elsewhere), "the path is not signed")
			method := good
			method.Method = http.MethodPut
			require.Equal(t, want, id(method), "the method is not signed")
			query := good
			query.Query = url.Values{"again": {"1"}}
			require.Equal(t, want, id(query), "the query is not signed")

			if scheme != "standard" {
				require.NotEqual(t, want, id(test.signed(`{"order":2}`)))
			}
		})
	}
}

func TestStandardSignsTheID(t *testing.T) {
	c := connect(t, map[string]string{"WEBHOOK_SECRET": key})
	id := func(r connectors.Request) string {
		receipt, err := c.Receive(t.Context(), r)
		require.NoError(t, err)
		return receipt.Events[0].ID
	}
	first := id(standard(t, key, "msg_1", now, "same"))
	require.NotEqual(t, first, id(standard(t, key, "msg_2", now, "same")), "equal bodies on purpose")
	again := standard(t, key, "msg_1", now.Add(time.Minute), "same")
	require.Equal(t, strconv.FormatInt(now.Add(time.Minute).Unix(), 10), again.Header.Get("webhook-timestamp"))
	require.Equal(t, first, id(again), "another attempt is signed anew")
}

// With a dot in the id, what is signed could be cut in another place: id "a", time T and body "T.x" is id "a.T", time T and body "x".
func TestStandardIDsHoldNoDot(t *testing.T) {
	c := connect(t, map[string]string{"WEBHOOK_SECRET": key})
	_, err := c.Receive(t.Context(), standard(t, key, "msg.1", now, "x"))
	require.Equal(t, connectors.CodeUnauthorized, connectors.AsError(err).Code)
}
