package gateway

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	// maxExternalBody bounds what outside workers send. Temporal takes results of 2 MB.
	maxExternalBody = 4 << 20
	// maxFetchBody bounds requests that may wait, and are kept meanwhile.
	maxFetchBody = 256 << 10
	// writeTimeout is how long an answer may take to be taken, once there is one.
	writeTimeout = 30 * time.Second
	// idleTimeout is longer than clients wait between two polls, 30 seconds, so that they find their connections open.
	idleTimeout = 2 * time.Minute
	// connectionsAtMost bounds connections: each of those who wait has one, and there must be some for all others.
	connectionsAtMost = 2 * waitingAtMost
)

// bounded bounds what a call of an outside worker sends, and how long it may take to have its answer. The body is read to its end before anything is
// done with it, however it is read: net/http notices that a client has gone only from then on.
func bounded(pattern string, next http.Handler) http.Handler {
	most := int64(maxExternalBody)
	if waits := strings.HasSuffix(pattern, "/fetchAndLock") || strings.HasSuffix(pattern, "/fetch_and_lock"); waits {
		most = maxFetchBody
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(r.Context()) // net/http knows the body of its own, and does not wait for a long one that nobody reads
		r.Body = &whole{ReadCloser: http.MaxBytesReader(w, r.Body, most)}
		next.ServeHTTP(&timed{ResponseWriter: w}, r)
	})
}

// whole is a body that is read to its end by the first Read, so after the caller was let in.
type whole struct {
	io.ReadCloser
	content *bytes.Reader
	err     error
}

func (b *whole) Read(p []byte) (int, error) {
	if b.content == nil {
		content, err := io.ReadAll(b.ReadCloser)
		b.content, b.err = bytes.NewReader(content), err
	}
	if b.err != nil {
		return 0, b.err
	}
	return b.content.Read(p)
}

// timed gives up an answer that is not taken in time.
type timed struct {
	http.ResponseWriter
	set bool
}

func (w *timed) limit() {
	if !w.set {
		w.set = true
		_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(writeTimeout)) // tests have writers without
	}
}

func (w *timed) WriteHeader(code int) {
	w.limit()
	w.ResponseWriter.WriteHeader(code)
}

func (w *timed) Write(p []byte) (int, error) {
	w.limit()
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *timed) Unwrap() http.ResponseWriter { return w.ResponseWriter }
