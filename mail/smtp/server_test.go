package smtp

import (
	"bufio"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// server is one whose answers a test makes.
type server struct {
	config   Config
	greeting func() string
	gone     func()
	answer   func(conversation, mails int, command string) string // "": it hangs up

	mu            sync.Mutex
	conversations int
	mails         int
}

// fine is what a server answers that takes everything.
func fine(command string) string {
	switch verb, _, _ := strings.Cut(command, " "); verb {
	case "DATA":
		return "354 go on"
	case "QUIT":
		return "221 bye"
	}
	return "250 ok"
}

func serve(t *testing.T, answer func(conversation, mails int, command string) string) *server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &server{answer: answer, greeting: func() string { return "220 hi" }, gone: func() {}}
	s.config = Config{Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, TLS: TLSNone, Timeout: 10 * time.Second}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conversations++
			n := s.conversations
			s.mu.Unlock()
			go s.talk(c, n)
		}
	}()
	return s
}

// set changes what the server does.
func (s *server) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *server) talk(c net.Conn, conversation int) {
	defer func() { _ = c.Close() }()
	s.mu.Lock()
	greet, gone := s.greeting, s.gone
	s.mu.Unlock()
	greeting := greet()
	_, _ = io.WriteString(c, greeting+"\r\n")
	if !strings.HasPrefix(greeting, "220") {
		return
	}
	defer gone()
	r := bufio.NewReader(c)
	content := false
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		if content && line != "." {
			continue
		}
		content = false
		s.mu.Lock()
		mails, answer := s.mails, s.answer
		s.mu.Unlock()
		said := answer(conversation, mails, line)
		if said == "" {
			return
		}
		if line == "." && said[0] == '2' {
			s.mu.Lock()
			s.mails++
			s.mu.Unlock()
		}
		content = strings.HasPrefix(said, "354")
		_, _ = io.WriteString(c, said+"\r\n")
		if strings.HasPrefix(said, "421") || strings.HasPrefix(said, "221") {
			return
		}
	}
}

func (s *server) counts() (conversations, mails int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conversations, s.mails
}
