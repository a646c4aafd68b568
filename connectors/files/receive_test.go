package files

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
)

func visit(t *testing.T, c *connector, method, address string, header http.Header, body string) (connectors.Receipt, error) {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	return c.Receive(t.Context(), connectors.Request{Method: method, URL: address, Query: u.Query(), Header: header, Body: []byte(body)})
}

func TestSignedURLs(t *testing.T) {
	c, _, _ := connect(t, map[string]string{"FILES_PREFIX": "mine"})
	require.True(t, c.Authenticates())
	outputs := run(t, c, "PRESIGN", map[string]any{"key": "a b.html", "method": "PUT", "mediaType": "text/html", "seconds": 60.0})
	address := outputs["url"].(string)
	until, err := time.Parse(time.RFC3339, outputs["until"].(string))
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(time.Minute), until, 30*time.Second)
	require.Contains(t, address, "https://gateway.example.com/connectors/files?")

	html := http.Header{"Content-Type": {"text/html"}}
	receipt, err := visit(t, c, "PUT", address, html, "<script>")
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, receipt.Status)
	require.Equal(t, "<script>", run(t, c, "GET", map[string]any{"key": "a b.html"})["text"])

	fetch := run(t, c, "PRESIGN", map[string]any{"key": "a b.html"})["url"].(string)
	for _, method := range []string{"GET", "HEAD"} {
		receipt, err = visit(t, c, method, fetch, nil, "")
		require.NoError(t, err)
		content, err := io.ReadAll(receipt.Content)
		require.NoError(t, err)
		require.NoError(t, receipt.Content.Close())
		require.Equal(t, "<script>", string(content))
		require.Empty(t, receipt.Body, "a file may be large")
		require.Equal(t, "attachment", receipt.Header["Content-Disposition"])
		require.Equal(t, "sandbox", receipt.Header["Content-Security-Policy"])
		require.Empty(t, receipt.Events)
	}

	// A part, as http.ServeContent asks for it.
	receipt, err = visit(t, c, "GET", fetch, nil, "")
	require.NoError(t, err)
	part, asked := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
	asked.Header.Set("Range", "bytes=1-6")
	http.ServeContent(part, asked, "", receipt.Modified, receipt.Content)
	require.NoError(t, receipt.Content.Close())
	require.Equal(t, http.StatusPartialContent, part.Code)
	require.Equal(t, "script", part.Body.String())

	// Forgeries.
	change := func(address, name, value string) string {
		u, err := url.Parse(address)
		require.NoError(t, err)
		query := u.Query()
		query.Set(name, value)
		u.RawQuery = query.Encode()
		return u.String()
	}
	expired, err := c.bucket.SignedURL(t.Context(), "mine/a b.html", nil)
	require.NoError(t, err)
	other, _, _ := connect(t, map[string]string{"FILES_SECRET": secret + "-other"})
	for name, attempt := range map[string]func() (connectors.Receipt, error){
		"another key": func() (connectors.Receipt, error) {
			return visit(t, c, "GET", change(fetch, "obj", "yours/x"), nil, "")
		},
		"longer": func() (connectors.Receipt, error) {
			return visit(t, c, "GET", change(fetch, "expiry", "99999999999"), nil, "")
		},
		"expired": func() (connectors.Receipt, error) { return visit(t, c, "GET", change(expired, "expiry", "1"), nil, "") },
		"as PUT":  func() (connectors.Receipt, error) { return visit(t, c, "PUT", fetch, html, "x") },
		"method changed": func() (connectors.Receipt, error) {
			return visit(t, c, "PUT", change(fetch, "method", "PUT"), html, "x")
		},
		"GET with PUT": func() (connectors.Receipt, error) { return visit(t, c, "GET", address, nil, "") },
		"another type": func() (connectors.Receipt, error) {
			return visit(t, c, "PUT", address, http.Header{"Content-Type": {"text/plain"}}, "x")
		},
		"no signature": func() (connectors.Receipt, error) {
			return visit(t, c, "GET", "https://x/?obj=mine%2Fa&method=GET", nil, "")
		},
		"empty":          func() (connectors.Receipt, error) { return visit(t, c, "GET", change(fetch, "signature", ""), nil, "") },
		"another secret": func() (connectors.Receipt, error) { return visit(t, other, "GET", fetch, nil, "") },
		"DELETE":         func() (connectors.Receipt, error) { return visit(t, c, "DELETE", fetch, nil, "") },
	} {
		_, err := attempt()
		require.Error(t, err, name)
		require.Equal(t, connectors.CodeUnauthorized, connectors.AsError(err).Code, name)
		require.NotContains(t, err.Error(), secret)
	}
	require.Equal(t, "<script>", run(t, c, "GET", map[string]any{"key": "a b.html"})["text"])

	gone := run(t, c, "PRESIGN", map[string]any{"key": "gone"})["url"].(string)
	_, err = visit(t, c, "GET", gone, nil, "")
	require.Equal(t, connectors.CodeNotFound, connectors.AsError(err).Code)
	unsigned, _, _ := connect(t, map[string]string{"FILES_SECRET": "", "FILES_PUBLIC_URL": ""})
	_, err = visit(t, unsigned, "GET", fetch, nil, "")
	require.Equal(t, connectors.CodeNotFound, connectors.AsError(err).Code)

	for _, inputs := range []map[string]any{{"method": "DELETE"}, {"seconds": 0.0}, {"seconds": 604801.0}, {"mediaType": "a/b"}} {
		inputs["key"] = "a"
		require.Equal(t, connectors.CodeInvalidInput, code(t, c, "PRESIGN", inputs), "%v", inputs)
	}
}

func TestSignedPutIsBounded(t *testing.T) {
	c, _, _ := connect(t, map[string]string{"FILES_MAX_BYTES": "10"})
	address := run(t, c, "PRESIGN", map[string]any{"key": "a", "method": "PUT"})["url"].(string)
	_, err := visit(t, c, "PUT", address, nil, "longer than ten")
	require.Equal(t, codeTooLarge, connectors.AsError(err).Code)
}
