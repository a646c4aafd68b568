package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/waybill-io/waybill/external"
	"github.com/waybill-io/waybill/gateway/access/tokenfile"
)

// lookAgain is how long the tokens of a file count without another look at it.
const lookAgain = time.Second

// tokens are those of a file, which is read again when it has changed. What cannot be read does not count: the tokens of before do.
type tokens struct {
	file   string
	logger *slog.Logger

	mu     sync.Mutex
	looked time.Time
	seen   stamp
	list   []tokenfile.Entry
}

// stamp tells whether a file has changed.
type stamp struct {
	size     int64
	modified time.Time
}

func openTokens(file string, logger *slog.Logger) (*tokens, error) {
	t := &tokens{file: file, logger: logger, looked: time.Now()}
	_, err := t.read()
	return t, err
}

// read reads the file when it has changed since it was read last.
func (t *tokens) read() (changed bool, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("read the tokens of the gateway: %w", err)
		}
	}()
	f, err := os.Open(t.file)
	if err != nil {
		changed, t.seen = t.seen != stamp{}, stamp{}
		return changed, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return true, err
	}
	now := stamp{info.Size(), info.ModTime()}
	if now == t.seen {
		return false, nil
	}
	t.seen = now
	list, err := tokenfile.Read(f)
	if err != nil {
		return true, fmt.Errorf("%s: %w", t.file, err)
	}
	t.list = list
	return true, nil
}

// current are the tokens of the file.
func (t *tokens) current() []tokenfile.Entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Since(t.looked) < lookAgain {
		return t.list
	}
	t.looked = time.Now()
	switch changed, err := t.read(); {
	case changed && err != nil:
		t.logger.Error("the tokens have changed and cannot be read: those of before count", "error", err)
	case changed:
		t.logger.Info("the tokens have changed", "file", t.file, "tokens", len(t.list))
	}
	return t.list
}

// find compares in a time that tells nothing of what was given.
func (t *tokens) find(token string) (c caller, found bool) {
	given := sha256.Sum256([]byte(token))
	for _, e := range t.current() {
		if subtle.ConstantTimeCompare(given[:], e.Hash[:]) == 1 {
			c, found = caller{Scope: external.Scope{User: e.Name, Topics: e.Topics, Tenant: e.Tenant}, external: e.External}, true
		}
	}
	return c, found
}
