package imap

import (
	"cmp"
	"context"
	"strings"
	"sync"

	"golang.org/x/time/rate"

	"github.com/waybill-io/waybill/mail"
)

const (
	// Ten thousand mailboxes are back within two minutes, and a server that takes hundreds of log-ins a second is at ease.
	defaultPerSecond = 200
	defaultBurst     = 100
)

// Limiter bounds how many connections are begun to one host, so that a worker with many mailboxes does not storm a server that
// comes back, or is taken for an attack. All accounts of a worker share one. The zero value permits 200 a second, and 100 at
// once. Safe from several goroutines.
type Limiter struct {
	PerSecond float64 // 0: 200
	Burst     int     // 0: 100

	mu    sync.Mutex
	hosts map[string]*rate.Limiter
}

// wait returns when a connection to the host may be begun. A nil Limiter has no limit.
func (l *Limiter) wait(ctx context.Context, host string) error {
	if l == nil {
		return nil
	}
	if err := l.host(strings.ToLower(host)).Wait(ctx); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return &Error{mail.KindNetwork, "wait for a turn to connect to " + host, err}
	}
	return nil
}

func (l *Limiter) host(name string) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	limiter, ok := l.hosts[name]
	if !ok {
		limiter = rate.NewLimiter(rate.Limit(cmp.Or(l.PerSecond, defaultPerSecond)), cmp.Or(l.Burst, defaultBurst))
		if l.hosts == nil {
			l.hosts = map[string]*rate.Limiter{}
		}
		l.hosts[name] = limiter
	}
	return limiter
}
