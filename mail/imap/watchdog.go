package imap

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"time"
)

// watchdog closes a connection when its context ends or when nothing fed it for the timeout.
type watchdog struct {
	ctx     context.Context
	timeout time.Duration
	timer   *time.Timer
	release func() bool
	expired atomic.Bool
}

func watch(ctx context.Context, c net.Conn, timeout time.Duration) *watchdog {
	w := &watchdog{ctx: ctx, timeout: timeout}
	w.timer = time.AfterFunc(timeout, func() {
		w.expired.Store(true)
		_ = c.Close()
	})
	w.release = context.AfterFunc(ctx, func() { _ = c.Close() })
	return w
}

// pause keeps the time that the caller's own writer takes from counting as silence of the server.
func (w *watchdog) pause() { w.timer.Stop() }

func (w *watchdog) feed() { w.timer.Reset(w.timeout) }

// end stops the watchdog and returns the cause when it was what ended the command.
func (w *watchdog) end() error {
	w.timer.Stop()
	w.release()
	if w.expired.Load() {
		return fmt.Errorf("no answer within %s", w.timeout)
	}
	return w.ctx.Err()
}
