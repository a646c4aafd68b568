package e2e_test

import (
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// proxy stands between a worker and a server. When it goes silent its connections stay open and nothing passes, as when
// a firewall has forgotten them.
type proxy struct {
	target   string
	listener net.Listener
	deaf     atomic.Bool // new connections are silent, too

	mu    sync.Mutex
	links []*link
}

// link is a connection through the proxy.
type link struct {
	silent atomic.Bool
	ends   [2]net.Conn
}

func startProxy(t *testing.T, target string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{target: target, listener: listener}
	served := make(chan struct{})
	go func() {
		defer close(served)
		p.serve()
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-served
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, l := range p.links {
			l.close()
		}
	})
	return p
}

func (p *proxy) port() int { return p.listener.Addr().(*net.TCPAddr).Port }

// connections counts those that there have been.
func (p *proxy) connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

func (p *proxy) serve() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = near.Close()
			continue
		}
		l := &link{ends: [2]net.Conn{near, far}}
		l.silent.Store(p.deaf.Load())
		p.mu.Lock()
		p.links = append(p.links, l)
		p.mu.Unlock()
		go l.pass(near, far)
		go l.pass(far, near)
	}
}

// silence drops what comes over the connections that there are. Whether new ones work is told.
func (p *proxy) silence(newOnesToo bool) {
	p.deaf.Store(newOnesToo)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.links {
		l.silent.Store(true)
	}
}

// speak lets new connections work again. Old ones stay as they are.
func (p *proxy) speak() { p.deaf.Store(false) }

func (l *link) pass(from, to net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if l.silent.Load() {
			if err != nil {
				_ = from.Close() // and the other end never hears of it
				return
			}
			continue
		}
		if n > 0 {
			if _, failed := to.Write(buffer[:n]); failed != nil {
				err = failed
			}
		}
		if err != nil {
			l.close()
			return
		}
	}
}

func (l *link) close() {
	for _, end := range l.ends {
		_ = end.Close()
	}
}

func address(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
