package connectortest

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// Silent is a server that takes connections and never answers; connections tells of each.
func Silent(t *testing.T) (address string, connections <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	came, done := make(chan struct{}, 10), make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			came <- struct{}{}
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String(), came
}
