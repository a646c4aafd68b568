package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	gosmtp "github.com/emersion/go-smtp"
)

// mailSink is the argument that makes this program a mail server, so that its work is a process of its own.
const mailSink = "mail-sink"

// mailServer is a mail server that takes every mail and keeps none.
type mailServer struct {
	host string
	port int
	cmd  *exec.Cmd
	ask  io.WriteCloser
	said *bufio.Reader
}

func startSink(ctx context.Context, pause time.Duration) (*mailServer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &mailServer{cmd: exec.CommandContext(ctx, self, mailSink, pause.String())}
	s.cmd.Stderr = os.Stderr
	if s.ask, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the mail server: %w", err)
	}
	s.said = bufio.NewReader(out)
	line, err := s.said.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("the mail server has not said where it listens: %w", err)
	}
	host, port, err := net.SplitHostPort(strings.TrimSpace(line))
	if err != nil {
		return nil, err
	}
	s.host = host
	s.port, err = strconv.Atoi(port)
	return s, err
}

// mails is how many it has got.
func (s *mailServer) mails() int {
	_, _ = io.WriteString(s.ask, "\n")
	line, _ := s.said.ReadString('\n')
	n, _ := strconv.Atoi(strings.TrimSpace(line))
	return n
}

func (s *mailServer) end() error {
	_ = s.ask.Close() // which ends it
	return s.cmd.Wait()
}

// runSink is the mail server: it tells where it listens, and for each line that it reads how many mails it has got.
func runSink(pause string) error {
	taking, err := time.ParseDuration(pause)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	got := &atomic.Int64{}
	server := gosmtp.NewServer(gosmtp.BackendFunc(func(*gosmtp.Conn) (gosmtp.Session, error) { return &sinking{got, taking}, nil }))
	server.MaxMessageBytes = 10 << 20
	go func() { _ = server.Serve(listener) }()
	fmt.Println(listener.Addr())
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fmt.Println(got.Load())
	}
	return server.Close()
}

type sinking struct {
	got    *atomic.Int64
	taking time.Duration
}

func (*sinking) Mail(string, *gosmtp.MailOptions) error { return nil }
func (*sinking) Rcpt(string, *gosmtp.RcptOptions) error { return nil }
func (*sinking) Reset()                                 {}
func (*sinking) Logout() error                          { return nil }

func (s *sinking) Data(r io.Reader) error {
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	time.Sleep(s.taking)
	s.got.Add(1)
	return nil
}
