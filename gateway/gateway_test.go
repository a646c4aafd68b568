package gateway_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/gateway"
)

func TestHealth(t *testing.T) {
	var down error
	s, err := gateway.Listen(gateway.Options{Address: "127.0.0.1:0", Ready: func(context.Context) error { return down }})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()

	get := func(path string) (int, string) {
		r, err := http.Get(s.URL() + path)
		require.NoError(t, err)
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		return r.StatusCode, string(body)
	}
	code, body := get("/readyz")
	require.Equal(t, http.StatusOK, code)
	require.JSONEq(t, `{"status":"ok"}`, body)

	down = errors.New("temporal at 10.0.0.7 is away")
	code, body = get("/readyz")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.NotContains(t, body, "10.0.0.7", "health is public, causes are not")
	code, _ = get("/healthz")
	require.Equal(t, http.StatusOK, code)

	_, err = gateway.Listen(gateway.Options{Address: s.URL()[len("http://"):], Ready: nil})
	require.ErrorContains(t, err, "listen at "+s.URL()[len("http://"):])

	cancel()
	require.NoError(t, <-served)
}
