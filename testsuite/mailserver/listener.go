package mailserver

import (
	"context"
	"fmt"
	"net"
	"sync"
)

// listener knows its connections, so that closing can wait for all of them:
// neither protocol library does both. A connection counts as ended when the
// library closes it, which is the last thing its goroutine does.
type listener struct {
	net.Listener

	mu     sync.Mutex
	conns  map[*conn]struct{}
	closed bool
	open   sync.WaitGroup
}

type conn struct {
	net.Conn
	owner *listener
}

func listen(protocol, option, address string) (*listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("mail server: listen for %s on %s (choose another address with %s, or end what uses it): %w", protocol, address, option, err)
	}
	return &listener{Listener: l, conns: make(map[*conn]struct{})}, nil
}

// count is how many connections are open.
func (l *listener) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.conns)
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		c.Close()
		return nil, net.ErrClosed
	}
	tracked := &conn{Conn: c, owner: l}
	l.conns[tracked] = struct{}{}
	l.open.Add(1)
	return tracked, nil
}

func (c *conn) Close() error {
	c.owner.mu.Lock()
	if _, ok := c.owner.conns[c]; ok {
		delete(c.owner.conns, c)
		c.owner.open.Done()
	}
	c.owner.mu.Unlock()
	return c.Conn.Close()
}

// shutdown cuts every connection and waits until their goroutines are through.
func (l *listener) shutdown(ctx context.Context) error {
	l.mu.Lock()
	l.closed = true
	err := l.Listener.Close()
	for c := range l.conns {
		c.Conn.Close()
	}
	l.mu.Unlock()

	ended := make(chan struct{})
	go func() {
		l.open.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return err
	case <-ctx.Done():
		return fmt.Errorf("mail server: wait for connections on %s to end: %w", l.Addr(), ctx.Err())
	}
}

var _ net.Listener = (*listener)(nil)
