package imap

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// conn is the connection below the library, above TLS. It ignores the library's read deadlines, which count only after the
// first byte of an answer and end a large literal after five minutes even while it moves; the watchdog takes their
// place. It remembers what the library loses: the first failure with its type, the greeting, and the server's last words.
type conn struct {
	net.Conn
	failed atomic.Pointer[error]

	mu       sync.Mutex
	greeting []byte // the first line, as far as it has come
	tail     []byte // the end of what came
}

// kept bounds what is remembered of a greeting and of the last words.
const kept = 512

func (c *conn) SetReadDeadline(time.Time) error { return nil }

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.heard(p[:n])
	c.note(err)
	return n, err
}

// Write sends an empty answer in a log-in as the empty line that it is (RFC 9051, section 6.2.2). The library writes "=", which
// stands for it only beside AUTHENTICATE.
func (c *conn) Write(p []byte) (int, error) {
	if string(p) == "=\r\n" {
		_, err := c.Conn.Write(p[1:])
		c.note(err)
		return len(p), err
	}
	n, err := c.Conn.Write(p)
	c.note(err)
	return n, err
}

func (c *conn) note(err error) {
	if err != nil {
		c.failed.CompareAndSwap(nil, &err)
	}
}

// err returns the first failure of the connection, or nil while it works.
func (c *conn) err() error {
	if failed := c.failed.Load(); failed != nil {
		return *failed
	}
	return nil
}

func (c *conn) heard(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if room := kept - len(c.greeting); room > 0 && !bytes.HasSuffix(c.greeting, []byte("\n")) {
		line, _, ended := bytes.Cut(p[:min(room, len(p))], []byte("\n"))
		c.greeting = append(c.greeting, line...)
		if ended {
			c.greeting = append(c.greeting, '\n')
		}
	}
	c.tail = append(c.tail, p[max(0, len(p)-kept):]...)
	c.tail = append(c.tail[:0], c.tail[max(0, len(c.tail)-kept):]...)
}

// bye returns the text of a BYE that is among the last words. It may as well stand in a mail that was being sent, so it only
// explains why a connection ended and never ends one.
func (c *conn) bye() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	lines := bytes.Split(c.tail, []byte("\r\n"))
	for i := len(lines) - 1; i >= 0; i-- {
		if status, text := cutStatus(string(lines[i])); status == "* BYE" {
			return text
		}
	}
	return ""
}

// hello returns the greeting of the server.
func (c *conn) hello() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(bytes.TrimSpace(c.greeting))
}
