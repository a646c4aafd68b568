package imap

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fake is an IMAP server that says exactly what a test wants. Commands without a reply of their own are answered OK.
type fake struct {
	greeting string
	caps     string
	replies  map[string]reply // by command, "UID SEARCH" and the like included; "" is an empty line
	tls      *tls.Config      // begun after STARTTLS was answered OK

	mu       sync.Mutex
	received []string
}

// reply answers one command; what it returns is sent. It may also write to the connection or close it.
type reply func(c net.Conn, tag, args string) string

func lines(text ...string) string { return strings.Join(text, "\r\n") + "\r\n" }

func silence(net.Conn, string, string) string { return "" }

func no(text string) reply {
	return func(_ net.Conn, tag, _ string) string { return lines(tag + " NO " + text) }
}

func (f *fake) start(t *testing.T) Config {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	if f.caps == "" {
		f.caps = "IMAP4rev1 IDLE UIDPLUS MOVE"
	}
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go f.serve(c)
		}
	}()
	return Config{
		Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, TLS: TLSNone, Username: "ann", Password: "s3cret",
		CommandTimeout: 500 * time.Millisecond,
	}
}

func (f *fake) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	greeting := f.greeting
	if greeting == "" {
		greeting = lines("* OK [CAPABILITY " + f.caps + "] hello")
	}
	_, _ = c.Write([]byte(greeting))
	input := bufio.NewScanner(c)
	for input.Scan() {
		line := input.Text()
		f.mu.Lock()
		f.received = append(f.received, line)
		f.mu.Unlock()
		tag, command, _ := strings.Cut(line, " ")
		if line == "DONE" {
			tag, command = "", "DONE"
		}
		command, args, _ := strings.Cut(command, " ")
		if command == "UID" {
			var verb string
			verb, args, _ = strings.Cut(args, " ")
			command += " " + verb
		}
		f.mu.Lock()
		answer, ok := f.replies[command]
		f.mu.Unlock()
		if !ok {
			answer = f.standard(command)
		}
		if _, err := c.Write([]byte(answer(c, tag, args))); err != nil {
			return
		}
		if command == "STARTTLS" && f.tls != nil {
			c = tls.Server(c, f.tls)
			input = bufio.NewScanner(c)
		}
	}
}

// answer changes the reply to a command while the server runs.
func (f *fake) answer(command string, r reply) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.replies == nil {
		f.replies = map[string]reply{}
	}
	f.replies[command] = r
}

func (f *fake) standard(command string) reply {
	return func(_ net.Conn, tag, _ string) string {
		switch command {
		case "CAPABILITY":
			return lines("* CAPABILITY "+f.caps, tag+" OK done")
		case "LOGIN":
			return lines(tag + " OK [CAPABILITY " + f.caps + "] in")
		case "SELECT":
			return selected(tag)
		case "IDLE":
			return lines("+ idling")
		case "DONE":
			return lines(f.idleTag() + " OK done")
		}
		return lines(tag + " OK done")
	}
}

func selected(tag string) string {
	return lines(`* 0 EXISTS`, `* OK [UIDVALIDITY 7] -`, `* OK [UIDNEXT 1] -`, `* OK [PERMANENTFLAGS (\Seen \Deleted)] -`, tag+" OK [READ-WRITE] done")
}

// idleTag is the tag of the last IDLE, which the answer to DONE carries.
func (f *fake) idleTag() string {
	commands := f.commands()
	for i := len(commands) - 1; i >= 0; i-- {
		if tag, isIdle := strings.CutSuffix(commands[i], " IDLE"); isIdle {
			return tag
		}
	}
	return "*"
}

func (f *fake) commands() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.received...)
}

func (f *fake) transcript() string { return strings.Join(f.commands(), "\n") }

func fetched(items string) reply {
	return func(_ net.Conn, tag, _ string) string {
		return lines(fmt.Sprintf("* 1 FETCH (%s)", items), tag+" OK done")
	}
}
