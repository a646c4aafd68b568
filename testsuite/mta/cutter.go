package mta

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"net"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
)

// Cutter stands before a server, over implicit TLS with the server's own certificate, and cuts connections at the moment that is worst: when
// the server has taken a mail and the client has not heard of it.
type Cutter struct {
	Port int

	server *Server

	mu         sync.Mutex
	left, made int // cuts
}

// Cutter starts one, which cuts nothing yet. It ends with the test.
func (s *Server) Cutter() *Cutter {
	s.t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(s.root, "etc/cert.pem"), filepath.Join(s.root, "etc/key.pem"))
	s.check(err)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
	s.check(err)
	s.t.Cleanup(func() { _ = listener.Close() })
	c := &Cutter{Port: listener.Addr().(*net.TCPAddr).Port, server: s}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go c.pass(client)
		}
	}()
	return c
}

// Cut has the next n mails that are taken cut off.
func (c *Cutter) Cut(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left += n
}

// Made is how many were.
func (c *Cutter) Made() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.made
}

// cut tells whether it is this one's turn.
func (c *Cutter) cut() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left == 0 {
		return false
	}
	c.left--
	c.made++
	return true
}

func (c *Cutter) pass(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := tls.Dial("tcp", net.JoinHostPort(c.server.Host, strconv.Itoa(c.server.TLSPort)), &tls.Config{RootCAs: c.server.RootCAs})
	if err != nil {
		return // as if it were the server that does not answer
	}
	defer func() { _ = server.Close() }()
	var (
		answered atomic.Bool // the next answer is that to the content
		ended    sync.WaitGroup
	)
	ended.Go(func() {
		defer func() { _ = client.Close() }()
		for lines := bufio.NewReader(server); ; {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				return
			}
			if answered.Swap(false) && bytes.HasPrefix(line, []byte("250")) && c.cut() {
				return
			}
			if _, err := client.Write(line); err != nil {
				return
			}
		}
	})
	content := false
	for lines := bufio.NewReader(client); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break
		}
		switch {
		case !content && bytes.EqualFold(line, []byte("DATA\r\n")):
			content = true
		case content && string(line) == ".\r\n":
			content = false
			answered.Store(true)
		}
		if _, err := server.Write(line); err != nil {
			break
		}
	}
	_ = server.Close()
	ended.Wait()
}
