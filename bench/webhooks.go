package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/mail/webhook"
	"github.com/waybill-io/waybill/testsuite/dovecot"
)

const (
	waiting   = 2000                   // mails of a backlog
	trickle   = 100                    // mails of a stream
	trickleBy = 714 * time.Millisecond // 1.4 a second
	streams   = 200                    // mailboxes of a stream
)

// webhooksReport is the way of mail from Dovecot to a webhook, through Waybill and through a bare relay, which forgets everything when
// it dies.
type webhooksReport struct {
	Backlogs []backlogLine `json:"backlogs"`
	Streams  []streamLine  `json:"streams"`
}

type backlogLine struct {
	Mailboxes int     `json:"mailboxes"`
	Ours      float64 `json:"ours"` // mails a second, from the first mailbox that was resumed to the last webhook
	Relay     float64 `json:"relay"`
}

type streamLine struct {
	Mailboxes int     `json:"mailboxes"`
	Ours      latency `json:"ours"` // from the server's word that it has the mail to the webhook
	Relay     latency `json:"relay"`
}

// sink is the program that is told of mail: when it heard of which, by Message-ID.
type sink struct {
	*httptest.Server
	mu    sync.Mutex
	heard map[string]time.Time
}

func newSink() *sink {
	s := &sink{heard: map[string]time.Time{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var event struct{ Subject string }
		_ = json.NewDecoder(r.Body).Decode(&event)
		s.mu.Lock()
		defer s.mu.Unlock()
		if _, before := s.heard[event.Subject]; !before {
			s.heard[event.Subject] = time.Now()
		}
	}))
	return s
}

func (s *sink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.heard)
}

func (s *sink) wait(n int, patience time.Duration) error {
	for begun := time.Now(); s.count() < n; time.Sleep(5 * time.Millisecond) {
		if time.Since(begun) > patience {
			return fmt.Errorf("the webhook heard of %d mails of %d within %s", s.count(), n, patience)
		}
	}
	return nil
}

func (s *sink) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = map[string]time.Time{}
}

func measureWebhooks(ctx context.Context, progress io.Writer) (report *webhooksReport, err error) {
	m, err := newMailway(ctx, progress)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.end()) }()
	report = &webhooksReport{}
	for _, mailboxes := range []int{1, 50} {
		line, err := m.backlog(ctx, mailboxes)
		if err != nil {
			return nil, err
		}
		report.Backlogs = append(report.Backlogs, line)
		fmt.Fprintf(progress, "webhooks: %.0f mails/s, the relay %.0f\n", line.Ours, line.Relay)
	}
	for _, mailboxes := range []int{streams, 1} {
		line, err := m.stream(ctx, mailboxes)
		if err != nil {
			return nil, err
		}
		report.Streams = append(report.Streams, line)
		fmt.Fprintf(progress, "webhooks: %s; the relay %s\n", line.Ours.brief(), line.Relay.brief())
	}
	return report, nil
}

// mailway is Dovecot at one end and a sink at the other.
type mailway struct {
	*rig
	sink    *sink
	host    *program
	dovecot *dovecot.Server
	round   int
}

// newMailway starts a worker and a sink. Dovecot comes with begin.
func newMailway(ctx context.Context, progress io.Writer) (*mailway, error) {
	r, err := newRig(ctx, progress)
	if err != nil {
		return nil, err
	}
	m := &mailway{rig: r, sink: newSink(), host: &program{}}
	if err := m.startWorker(); err != nil {
		return nil, errors.Join(err, m.end())
	}
	return m, nil
}

func (m *mailway) end() error {
	m.host.end()
	m.sink.Close()
	return m.rig.end()
}

func (m *mailway) user(n int) string { return fmt.Sprintf("r%dm%03d", m.round, n) }

// begin starts a Dovecot with empty mailboxes.
func (m *mailway) begin(mailboxes int) {
	m.round++
	users := map[string]string{}
	for n := range mailboxes {
		users[m.user(n)] = mailboxPassword
	}
	if m.dovecot != nil {
		m.dovecot.Kill()
	}
	m.dovecot = dovecot.Start(m.host, dovecot.Options{Users: users})
	m.sink.reset()
}

// watch has the mailboxes watched and their mail posted to the sink.
func (m *mailway) watch(ctx context.Context, mailboxes int) error {
	document, err := json.Marshal(webhook.Subscription{Name: "sink", URL: m.sink.URL, Unsigned: true})
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(addAtOnce)
	for n := range mailboxes {
		group.Go(func() error {
			if err := m.client.PutWebhook(ctx, m.user(n), "sink", document); err != nil {
				return err
			}
			return m.client.ConfigureMailbox(ctx, contract.MailboxConfig{
				Name: m.user(n), Host: m.dovecot.Host, Port: m.dovecot.TLSPort, TLS: "implicit", CA: m.dovecot.CAFile(), Username: m.user(n), Password: "env:" + passwordName,
				Folder: inbox, MaxBytes: 50 << 20, PollMS: 60_000, LeaseMS: 30_000, IdleMS: 240_000, TimeoutMS: 30_000,
			})
		})
	}
	return group.Wait()
}

func (m *mailway) forget(ctx context.Context, mailboxes int) error {
	return m.change(ctx, mailboxes, contract.RemoveMailboxUpdate)
}

// change has all mailboxes paused, resumed or removed.
func (m *mailway) change(ctx context.Context, mailboxes int, update string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(addAtOnce)
	for n := range mailboxes {
		group.Go(func() error { return m.client.ChangeMailbox(ctx, m.user(n), update) })
	}
	return group.Wait()
}

// letterOf is a mail of 4 KiB.
func letterOf(id string) []byte {
	return fmt.Appendf(nil, "From: anna@example.com\r\nTo: support@example.com\r\nSubject: %s\r\nMessage-ID: %s\r\nDate: Mon, 02 Mar 2026 09:00:00 +0000\r\n\r\n%s",
		id, id, strings.Repeat("The quick brown fox jumps over the lazy dog, again and again.\r\n", 64))
}

func (m *mailway) backlog(ctx context.Context, mailboxes int) (line backlogLine, err error) {
	line.Mailboxes = mailboxes
	fmt.Fprintf(m.progress, "webhooks: %d mails wait in %d mailboxes\n", waiting, mailboxes)
	m.begin(mailboxes)
	if err := m.watch(ctx, mailboxes); err != nil {
		return line, err
	}
	if err := m.allConnected(ctx, mailboxes); err != nil {
		return line, err
	}
	if err := m.change(ctx, mailboxes, contract.PauseUpdate); err != nil {
		return line, err
	}
	for n := range waiting {
		m.dovecot.Deliver(m.user(n%mailboxes), letterOf(fmt.Sprintf("<b%d-%d@example.com>", m.round, n)))
	}
	begun := time.Now()
	if err := m.change(ctx, mailboxes, contract.ResumeUpdate); err != nil {
		return line, err
	}
	if err := m.sink.wait(waiting, 10*time.Minute); err != nil {
		return line, err
	}
	line.Ours = waiting / time.Since(begun).Seconds()
	if err := m.forget(ctx, mailboxes); err != nil {
		return line, err
	}
	m.sink.reset()
	begun = time.Now()
	stop, err := m.relays(mailboxes, 1)
	if err != nil {
		return line, err
	}
	defer stop()
	if err := m.sink.wait(waiting, 10*time.Minute); err != nil {
		return line, err
	}
	line.Relay = waiting / time.Since(begun).Seconds()
	return line, nil
}

func (m *mailway) stream(ctx context.Context, mailboxes int) (line streamLine, err error) {
	line.Mailboxes = mailboxes
	fmt.Fprintf(m.progress, "webhooks: %d mails come into %d mailboxes\n", trickle, mailboxes)
	m.begin(mailboxes)
	if err := m.watch(ctx, mailboxes); err != nil {
		return line, err
	}
	if err := m.allConnected(ctx, mailboxes); err != nil {
		return line, err
	}
	if line.Ours, err = m.send(mailboxes, "o"); err != nil {
		return line, err
	}
	if err := m.forget(ctx, mailboxes); err != nil {
		return line, err
	}
	m.sink.reset()
	stop, err := m.relays(mailboxes, imap.UID(trickle+1))
	if err != nil {
		return line, err
	}
	defer stop()
	line.Relay, err = m.send(mailboxes, "r")
	return line, err
}

func (m *mailway) allConnected(ctx context.Context, n int) error {
	for begun := time.Now(); time.Since(begun) < 5*time.Minute; time.Sleep(time.Second) {
		list, err := m.client.Watched(ctx)
		if err != nil {
			return err
		}
		connected := 0
		for _, s := range list {
			if s.Watch.Connected && strings.HasPrefix(s.Name, fmt.Sprintf("r%dm", m.round)) {
				connected++
			}
		}
		if connected == n {
			return nil
		}
	}
	return fmt.Errorf("not all of %d mailboxes were connected", n)
}

// send appends mails at a steady rate, spread over the mailboxes, and returns how long the sink took to hear of each.
func (m *mailway) send(mailboxes int, mark string) (latency, error) {
	sent := make([]time.Time, trickle)
	ticks := time.NewTicker(trickleBy)
	defer ticks.Stop()
	for n := range trickle {
		<-ticks.C
		id := fmt.Sprintf("<%s%d-%d@example.com>", mark, m.round, n)
		if err := m.append(m.user(n*mailboxes/trickle), letterOf(id)); err != nil {
			return latency{}, err
		}
		sent[n] = time.Now()
	}
	if err := m.sink.wait(trickle, time.Minute); err != nil {
		return latency{}, err
	}
	took := make([]time.Duration, trickle)
	for n := range trickle {
		took[n] = m.sink.heard[fmt.Sprintf("<%s%d-%d@example.com>", mark, m.round, n)].Sub(sent[n])
	}
	return latencyOf(took), nil
}

// append gives a mail to Dovecot over IMAP, as a delivery agent of it would.
func (m *mailway) append(user string, raw []byte) error {
	c, err := m.login(user, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	command := c.Append(inbox, int64(len(raw)), nil)
	if _, err := command.Write(raw); err != nil {
		return err
	}
	if err := command.Close(); err != nil {
		return err
	}
	_, err = command.Wait()
	return err
}

func (m *mailway) address() string {
	return net.JoinHostPort(m.dovecot.Host, fmt.Sprint(m.dovecot.TLSPort))
}

func (r *webhooksReport) print(w io.Writer) {
	fmt.Fprintf(w, "\n## From Dovecot to a webhook, beside a bare relay that forgets everything when it dies (targets: 150 mails/s of one mailbox, 300 of 50; p50 within 100 ms of the relay, p95 within 300 ms)\n\n")
	t := table{{"mails", "mailboxes", "ours", "relay"}}
	for _, l := range r.Backlogs {
		t = append(t, []string{fmt.Sprintf("%d that wait", waiting), fmt.Sprint(l.Mailboxes), fmt.Sprintf("%.0f/s", l.Ours), fmt.Sprintf("%.0f/s", l.Relay)})
	}
	for _, l := range r.Streams {
		t = append(t, []string{fmt.Sprintf("%d, 1.4/s", trickle), fmt.Sprint(l.Mailboxes), l.Ours.brief(), l.Relay.brief()})
	}
	t.print(w)
}
