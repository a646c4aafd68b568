package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"
)

// memoryReport is the memory of a worker with idle mailboxes at Dovecot over TLS, and of a program that holds as many connections of
// the bare client.
type memoryReport struct {
	Lines []memoryLine `json:"lines"`
}

type memoryLine struct {
	Mailboxes int   `json:"mailboxes"`
	Ours      int64 `json:"bytes"`
	Bare      int64 `json:"bareBytes"`
}

// settling is the time until what connecting took has been given back.
const settling = 30 * time.Second

func measureMemory(ctx context.Context, progress io.Writer) (report *memoryReport, err error) {
	m, err := newMailway(ctx, progress)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.end()) }()
	report = &memoryReport{}
	for _, n := range []int{200, 1000} {
		fmt.Fprintf(progress, "memory: %d mailboxes\n", n)
		line, err := m.memory(ctx, n)
		if err != nil {
			return nil, err
		}
		report.Lines = append(report.Lines, line)
		fmt.Fprintf(progress, "memory: %d bytes, the bare client %d\n", line.Ours, line.Bare)
	}
	return report, nil
}

func (m *mailway) memory(ctx context.Context, n int) (line memoryLine, err error) {
	line.Mailboxes = n
	m.begin(n)
	if err := m.watch(ctx, n); err != nil {
		return line, err
	}
	if err := m.allConnected(ctx, n); err != nil {
		return line, err
	}
	time.Sleep(settling)
	line.Ours, _ = memoryOf(m.worker.Process.Pid)
	if err := m.forget(ctx, n); err != nil {
		return line, err
	}
	self, err := os.Executable()
	if err != nil {
		return line, err
	}
	bare := exec.CommandContext(ctx, self, bareClients, m.address(), m.dovecot.CAFile(), fmt.Sprintf("r%dm", m.round), strconv.Itoa(n))
	bare.Stderr = m.progress
	out, err := bare.StdoutPipe()
	if err != nil {
		return line, err
	}
	if err := bare.Start(); err != nil {
		return line, err
	}
	defer func() {
		_ = bare.Process.Kill()
		_ = bare.Wait()
	}()
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		return line, fmt.Errorf("the bare clients are not connected: %w", err)
	}
	time.Sleep(settling)
	line.Bare, _ = memoryOf(bare.Process.Pid)
	return line, nil
}

// bareClients is the argument that makes this program hold connections, so that their memory is a process of its own.
const bareClients = "bare-clients"

// holdClients logs clients in, lets them idle, says so in a line, and waits to be killed.
func holdClients(address, ca, prefix, count string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(ca)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	for i := range n {
		c, err := imapclient.DialTLS(address, &imapclient.Options{TLSConfig: &tls.Config{RootCAs: roots}})
		if err != nil {
			return err
		}
		if err := c.Login(fmt.Sprintf("%s%03d", prefix, i), mailboxPassword).Wait(); err != nil {
			return err
		}
		if _, err := c.Select(inbox, nil).Wait(); err != nil {
			return err
		}
		if _, err := c.Idle(); err != nil {
			return err
		}
	}
	fmt.Println("connected")
	select {}
}

func (r *memoryReport) print(w io.Writer) {
	fmt.Fprintf(w, "\n## Memory with idle mailboxes at Dovecot over TLS, beside the bare client (targets: 100 MiB with 200, 200 MiB with 1,000)\n\n")
	t := table{{"mailboxes", "whole worker", "bare clients"}}
	for _, l := range r.Lines {
		t = append(t, []string{strconv.Itoa(l.Mailboxes), mib(l.Ours), mib(l.Bare)})
	}
	t.print(w)
}

func mib(n int64) string { return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20)) }
