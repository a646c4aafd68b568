package ews

import (
	"context"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/waybill-io/waybill/mail"
)

var errClosed = errors.New("the account is closed")

// Account is a mailbox on an Exchange server. See the package comment for its rules.
type Account struct {
	cfg     Config
	watched []string // the folders of Wait

	life      context.Context // until Close
	end       context.CancelCauseFunc
	requests  *lane
	events    *lane
	jar       atomic.Pointer[cookiejar.Jar]
	secret    atomic.Pointer[mail.Secret] // the last one sent, to keep it out of errors
	notBefore atomic.Int64                // Unix nanoseconds: the server wants to be left alone
	alive     atomic.Int64                // Unix nanoseconds

	mu      sync.Mutex
	folders map[string]string // name, as the caller writes it, to id

	changed chan struct{} // one slot: something may be new
	push    push
}

// Open logs in and finds the folders to watch; none means INBOX. The context bounds the call, not the account. Errors are
// *Error, or say what is wrong with the configuration.
func Open(ctx context.Context, cfg Config, folders []string) (*Account, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if len(folders) == 0 {
		folders = []string{Inbox}
	}
	a := &Account{cfg: cfg.withDefaults(), watched: folders, folders: map[string]string{}, changed: make(chan struct{}, 1)}
	a.secret.Store(&a.cfg.Password)
	a.life, a.end = context.WithCancelCause(context.Background())
	a.newAffinity()
	a.requests, a.events = newLane(a.cfg, cookies{a}), newLane(a.cfg, cookies{a})
	for _, name := range folders {
		if _, err := a.folder(ctx, name); err != nil {
			_ = a.Close()
			return nil, err
		}
	}
	return a, nil
}

// LastAlive is when the server last answered or said a word on the streaming connection: the proof that the connection
// is alive. Safe from several goroutines.
func (a *Account) LastAlive() time.Time { return time.Unix(0, a.alive.Load()) }

// Pushes reports whether the server announces mail; false while it does not permit one more streaming connection or
// subscription and Wait polls. Safe from several goroutines.
func (a *Account) Pushes() bool { return time.Now().UnixNano() >= a.push.pollUntil.Load() }

// Close ends the account at once; calls that run return an error. It gives the subscription up, for which it waits no
// longer than a second. Safe from several goroutines.
func (a *Account) Close() error {
	if a.life.Err() == nil {
		a.unsubscribe()
	}
	a.end(errClosed)
	a.requests.transport.CloseIdleConnections()
	a.events.transport.CloseIdleConnections()
	return nil
}

// wake fills the slot; a slot that is full already says the same.
func (a *Account) wake() {
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

// cookies is the jar of the moment: a new subscription begins with an empty one.
type cookies struct{ account *Account }

func (c cookies) SetCookies(u *url.URL, list []*http.Cookie) {
	c.account.jar.Load().SetCookies(u, list)
}
func (c cookies) Cookies(u *url.URL) []*http.Cookie { return c.account.jar.Load().Cookies(u) }

var _ http.CookieJar = cookies{}
