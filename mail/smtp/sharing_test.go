package smtp

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// queue is a server of one connection, whose first mail waits for release, and that knows in which order mails came.
type queue struct {
	*server
	release chan struct{}
	order   []string // recipients
}

func serveQueue(t *testing.T, quit func()) *queue {
	t.Helper()
	q := &queue{release: make(chan struct{})}
	q.server = serve(t, nil)
	q.set(func() {
		q.answer = func(_, mails int, command string) string {
			switch {
			case command == "QUIT":
				quit()
			case strings.HasPrefix(command, "RCPT"):
				q.set(func() { q.order = append(q.order, command) })
			case command == "." && mails == 0:
				<-q.release
			}
			return fine(command)
		}
	})
	q.config.Connections, q.config.Pool = 1, &Pool{}
	return q
}

// state is what the pool knows of the server.
func (q *queue) state() (open, idle, waiting int) {
	q.config.Pool.mu.Lock()
	defer q.config.Pool.mu.Unlock()
	l := q.config.Pool.lane(q.config.address())
	return l.open, len(l.idle), len(l.waiting)
}

// enqueue sends a mail and returns when it waits behind so many.
func (q *queue) enqueue(t *testing.T, tr *Transport, to string, behind int) <-chan error {
	t.Helper()
	sent := make(chan error, 1)
	go func() {
		_, err := tr.Send(t.Context(), simple(to))
		sent <- err
	}()
	eventually(t, func() bool {
		open, _, waiting := q.state()
		return open == 1 && waiting == behind
	}, "it waits")
	return sent
}

func TestNobodyWaitsForAGoodbye(t *testing.T) {
	goodbye := make(chan struct{})
	q := serveQueue(t, func() { <-goodbye })
	q.config.MailsPerConnection = 2
	tr := transport(t, q.config)
	q.config.Helo = "another"
	another := transport(t, q.config)
	first := q.enqueue(t, tr, "a@x.org", 0)
	second := q.enqueue(t, another, "b@x.org", 1)
	close(q.release)
	require.NoError(t, <-first)
	open, _, waiting := q.state()
	require.Equal(t, [2]int{1, 1}, [2]int{open, waiting}, "the connection of another one has not ended yet")
	goodbye <- struct{}{}
	require.NoError(t, <-second)

	_, err := another.Send(t.Context(), simple("b@x.org"))
	require.NoError(t, err)
	open, idle, _ := q.state()
	require.Equal(t, [2]int{1, 0}, [2]int{open, idle}, "a connection that has had its mails has not ended yet")
	goodbye <- struct{}{}
	eventually(t, func() bool { open, _, _ := q.state(); return open == 0 }, "it ends")
}

func TestConnectionsGoToThoseWhomTheySuit(t *testing.T) {
	q := serveQueue(t, func() {})
	a := transport(t, q.config)
	q.config.Helo = "another"
	b := transport(t, q.config)
	all := []<-chan error{q.enqueue(t, a, "a@x.org", 0), q.enqueue(t, b, "b@x.org", 1)}
	for n := range patience + 5 {
		all = append(all, q.enqueue(t, a, "a@x.org", n+2))
	}
	close(q.release)
	for _, sent := range all {
		require.NoError(t, <-sent)
	}
	require.Contains(t, q.order[1+patience], "b@x.org", "nobody is passed over for ever")
	conversations, _ := q.counts()
	require.Equal(t, 3, conversations)
}

func TestTransportsThatSignOtherwiseShareConnections(t *testing.T) {
	p := &peer{password: password}
	cfg := p.start(t)
	cfg.Pool = &Pool{}
	var all []*Transport
	for _, d := range []*DKIM{nil, {Domain: "example.com", Selector: "a", Key: pemOf(t, rsaKeys()[2048])}, {Domain: "example.org", Selector: "b", Key: pemOf(t, rsaKeys()[2048])}} {
		cfg.DKIM = d
		all = append(all, transport(t, cfg))
	}
	for _, tr := range all {
		_, err := tr.Send(t.Context(), simple("a@x.org"))
		require.NoError(t, err)
	}
	_, _, total := p.counts()
	require.Equal(t, 1, total)
	mails := p.mails()
	require.NotContains(t, mails[0].raw, "DKIM-Signature")
	require.Contains(t, mails[1].raw, "d=example.com")
	require.Contains(t, mails[2].raw, "d=example.org")
	for _, tr := range all[:2] {
		require.NoError(t, tr.Close())
	}
	_, err := all[2].Send(t.Context(), simple("a@x.org"))
	require.NoError(t, err)
	_, _, total = p.counts()
	require.Equal(t, 1, total, "it belongs to who has used it last")

	cfg.Username = "Ann"
	_, err = transport(t, cfg).Send(t.Context(), simple("a@x.org"))
	requireStage(t, StageAuth, 535, false, err)
}

func TestTheRateIsWaitedForInTheEnd(t *testing.T) {
	q := serveQueue(t, func() {})
	q.config.MailsPerSecond = 0.001
	tr := transport(t, q.config)
	first := q.enqueue(t, tr, "a@x.org", 0)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	second := make(chan error, 1)
	go func() {
		_, err := tr.Send(ctx, simple("b@x.org"))
		second <- err
	}()
	eventually(t, func() bool { _, _, waiting := q.state(); return waiting == 1 }, "it waits for the connection first")
	close(q.release)
	require.NoError(t, <-first)
	limiter := q.config.Pool.lanes[tr.address].limiter
	eventually(t, func() bool { return limiter.Tokens() < -0.5 }, "then for its turn")
	cancel()
	err := <-second
	requireStage(t, StageDial, 0, true, err)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "wait for the next of 0.001 mails a second")
	_, idle, _ := q.state()
	require.Equal(t, 1, idle, "the connection is given back")
}
