package gateway

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/connectortest"
	"github.com/waybill-io/waybill/connectors/files"
)

// Signed URLs of the connector files work as a client uses them, with a file that no request of events could be.
func TestSignedURLs(t *testing.T) {
	const public = "https://gateway.example.com" // a proxy passes on what comes there
	template := files.Template()
	values := map[string]string{
		"FILES_URL": "file://" + t.TempDir(), "FILES_SECRET": strings.Repeat("s", 32), "FILES_PUBLIC_URL": public + "/connectors/files",
	}
	c, err := template.Make(connectors.Instance{
		Definition: template.Definition, Settings: connectortest.Settings(template.Definition, values),
	})
	require.NoError(t, err)
	s, err := Listen(Options{Address: "127.0.0.1:0", Receivers: map[string]connectors.Connector{"files": c}})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	do := func(action string, inputs map[string]any) map[string]any {
		outputs, err := connectors.Do(t.Context(), c, connectors.Call{Action: action, IdempotencyKey: "k", Inputs: inputs})
		require.NoError(t, err)
		return outputs
	}
	send := func(method, url, body string) (int, string, http.Header) {
		r, err := http.NewRequestWithContext(t.Context(), method, strings.Replace(url, public, s.URL(), 1), strings.NewReader(body))
		require.NoError(t, err)
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		return answer.StatusCode, string(text), answer.Header
	}

	film := strings.Repeat("0123456789abcdef", 3<<16) // 3 MiB
	do("PUT", map[string]any{"key": "film", "text": film, "mediaType": "text/html"})
	fetch := do("PRESIGN", map[string]any{"key": "film"})["url"].(string)
	status, text, header := send(http.MethodGet, fetch, "")
	require.Equal(t, http.StatusOK, status)
	require.True(t, text == film, "all of it comes")
	require.Equal(t, "attachment", header.Get("Content-Disposition"))
	require.Equal(t, "text/html", header.Get("Content-Type"))
	status, text, header = send(http.MethodHead, fetch, "")
	require.Equal(t, http.StatusOK, status)
	require.Empty(t, text)
	require.Equal(t, "3145728", header.Get("Content-Length"))
	status, _, _ = send(http.MethodGet, strings.Replace(fetch, "film", "other", 1), "")
	require.Equal(t, http.StatusUnauthorized, status)

	store := do("PRESIGN", map[string]any{"key": "note", "method": "PUT"})["url"].(string)
	status, _, _ = send(http.MethodPut, store, strings.Repeat("x", maxEventBody+1))
	require.Equal(t, http.StatusRequestEntityTooLarge, status)
	status, _, _ = send(http.MethodPut, store, strings.Repeat("x", maxEventBody))
	require.Equal(t, http.StatusNoContent, status)
	require.Equal(t, int64(maxEventBody), do("LIST", map[string]any{"prefix": "note"})["files"].([]any)[0].(map[string]any)["size"])
	cancel()
	require.NoError(t, <-served)
}
