package gateway

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
)

// film is a connector that answers with something large.
type film struct {
	connectors.Receiver
	size int64
	read atomic.Int64 // bytes that were asked for
	open atomic.Int64
}

func (*film) Authenticates() bool { return true }

func (f *film) Receive(context.Context, connectors.Request) (connectors.Receipt, error) {
	f.open.Add(1)
	f.read.Store(0)
	return connectors.Receipt{
		Content: &reel{SectionReader: io.NewSectionReader(zeros{}, 0, f.size), film: f}, Modified: time.Unix(1, 0),
		Header: map[string]string{"Content-Type": "video/mp4"},
	}, nil
}

type zeros struct{}

func (zeros) ReadAt(p []byte, _ int64) (int, error) { return len(p), nil }

type reel struct {
	*io.SectionReader
	film *film
}

func (r *reel) Read(p []byte) (int, error) {
	n, err := r.SectionReader.Read(p)
	r.film.read.Add(int64(n))
	return n, err
}

func (r *reel) Close() error {
	r.film.open.Add(-1)
	return nil
}

// Content is passed on as it comes, and what is not asked for is not read.
func TestContentIsStreamed(t *testing.T) {
	f := &film{size: 1 << 30}
	s, err := Listen(Options{Address: "127.0.0.1:0", Receivers: map[string]connectors.Connector{"film": f}})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	ask := func(method, bytes string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), method, s.URL()+"/connectors/film", nil)
		require.NoError(t, err)
		if bytes != "" {
			r.Header.Set("Range", bytes)
		}
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		require.Equal(t, "video/mp4", answer.Header.Get("Content-Type"))
		require.Equal(t, "nosniff", answer.Header.Get("X-Content-Type-Options"))
		return answer
	}
	closed := func() bool { return f.open.Load() == 0 }

	answer := ask(http.MethodHead, "")
	require.NoError(t, answer.Body.Close())
	require.Equal(t, strconv.FormatInt(f.size, 10), answer.Header.Get("Content-Length"))
	require.Eventually(t, closed, 10*time.Second, time.Millisecond)
	require.Zero(t, f.read.Load())

	answer = ask(http.MethodGet, "bytes=7-9")
	part, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusPartialContent, answer.StatusCode)
	require.Equal(t, make([]byte, 3), part)
	require.Eventually(t, closed, 10*time.Second, time.Millisecond)

	answer = ask(http.MethodGet, "")
	start := make([]byte, 1000)
	_, err = io.ReadFull(answer.Body, start)
	require.NoError(t, err)
	require.Less(t, f.read.Load(), f.size, "there is no room for all of it between the gateway and a client that does not read")
	require.NoError(t, answer.Body.Close())
	require.Eventually(t, closed, 10*time.Second, time.Millisecond, "the client has gone")

	f.size = 1 << 20
	answer = ask(http.MethodGet, "")
	all, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.True(t, bytes.Equal(make([]byte, f.size), all))
	require.Eventually(t, closed, 10*time.Second, time.Millisecond)
	cancel()
	require.NoError(t, <-served)
}
