package smtp

import (
	"context"
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func transport(t *testing.T, cfg Config) *Transport {
	t.Helper()
	created, err := New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, created.Close()) })
	return created
}

// eventually waits for a condition, which has no time of its own.
func eventually(t *testing.T, condition func() bool, what string) {
	t.Helper()
	require.Eventually(t, condition, 30*time.Second, time.Millisecond, what)
}

func sendAll(t *testing.T, n int, over ...*Transport) {
	t.Helper()
	failed := make(chan error)
	for i := range n {
		go func() {
			_, err := over[i%len(over)].Send(t.Context(), simple(fmt.Sprintf("a%d@x.org", i)))
			failed <- err
		}()
	}
	for range n {
		require.NoError(t, <-failed)
	}
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	for name, p := range map[string]*peer{"starttls": {password: password}, "implicit": {implicit: true}} {
		t.Run(name, func(t *testing.T) {
			tr := transport(t, p.start(t))
			for range 5 {
				_, err := tr.Send(t.Context(), simple("a@x.org"))
				require.NoError(t, err)
			}
			_, _, total := p.counts()
			require.Equal(t, 1, total)
			require.Len(t, p.mails(), 5)
		})
	}
}

func TestNoMoreConnectionsThanAllowed(t *testing.T) {
	var mu sync.Mutex
	open, most := 0, 0
	count := func(n int) {
		mu.Lock()
		defer mu.Unlock()
		open += n
		most = max(most, open)
	}
	s := serve(t, nil)
	s.set(func() {
		s.greeting = func() string { count(1); return "220 hi" }
		s.answer = func(_, _ int, command string) string {
			if command == "QUIT" { // a connection ends with it, for both
				count(-1)
			}
			return fine(command)
		}
	})
	s.config.Connections, s.config.Pool = 3, &Pool{}
	sendAll(t, 40, transport(t, s.config), transport(t, s.config))
	mu.Lock()
	require.Equal(t, 3, most, "two transports share the limit")
	require.Positive(t, open, "those that are idle stay for a while")
	mu.Unlock()
	_, mails := s.counts()
	require.Equal(t, 40, mails)

	third := transport(t, s.config)
	_, err := third.Send(t.Context(), simple("a@x.org"))
	require.NoError(t, err, "an idle connection of another one makes place")
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, 3, most)
}

func TestAConnectionEndsAfterSoManyMails(t *testing.T) {
	p := &peer{}
	cfg := p.start(t)
	cfg.MailsPerConnection = 3
	tr := transport(t, cfg)
	for range 7 {
		_, err := tr.Send(t.Context(), simple("a@x.org"))
		require.NoError(t, err)
	}
	_, _, total := p.counts()
	require.Equal(t, 3, total)
}

func TestIdleConnectionsEnd(t *testing.T) {
	p := &peer{}
	cfg := p.start(t)
	cfg.Idle, cfg.Pool = 20*time.Millisecond, &Pool{}
	tr, err := New(cfg) // nobody closes it
	require.NoError(t, err)
	sendAll(t, 8, tr)
	eventually(t, func() bool { open, _, _ := p.counts(); return open == 0 }, "they end by themselves")
	eventually(t, func() bool { cfg.Pool.mu.Lock(); defer cfg.Pool.mu.Unlock(); return len(cfg.Pool.lanes) == 0 }, "the server is forgotten")
	_, err = tr.Send(t.Context(), simple("a@x.org"))
	require.NoError(t, err)
	require.NoError(t, tr.Close())
	eventually(t, func() bool { open, _, _ := p.counts(); return open == 0 }, "close ends them, too")
	_, err = tr.Send(t.Context(), simple("a@x.org"))
	require.NoError(t, err, "a closed one sends, and keeps nothing")
	eventually(t, func() bool { open, _, _ := p.counts(); return open == 0 }, "nothing is kept")
	eventually(t, func() bool {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		return !regexp.MustCompile(`smtp\.\(\*(Transport|session|Pool)\)`).Match(stacks)
	}, "no goroutine is left")
}

func TestAConnectionThatWentAwayIsReplaced(t *testing.T) {
	t.Run("cut by the server", func(t *testing.T) {
		p := &peer{}
		tr := transport(t, p.start(t))
		sendAll(t, 5, tr)
		p.cut()
		for range 5 {
			_, err := tr.Send(t.Context(), simple("a@x.org"))
			require.NoError(t, err)
		}
		require.Len(t, p.mails(), 10)
	})
	t.Run("the server was started anew", func(t *testing.T) {
		first := &peer{}
		cfg := first.start(t)
		tr := transport(t, cfg)
		_, err := tr.Send(t.Context(), simple("a@x.org"))
		require.NoError(t, err)
		require.NoError(t, first.listener.Close())
		first.cut()
		_, err = tr.Send(t.Context(), simple("a@x.org"))
		requireStage(t, StageDial, 0, true, err)
		second := &peer{}
		second.startAt(t, cfg.Address())
		_, err = tr.Send(t.Context(), simple("a@x.org"))
		require.NoError(t, err)
		require.Len(t, second.mails(), 1)
	})
	for name, refusal := range map[string]string{
		"wants no more mails":       "421 4.7.0 too many messages in this connection",
		"has forgotten the log-in":  "530 5.7.0 Authentication required",
		"hangs up":                  "",
		"wants no more mails, RSET": "RSET 421 4.4.2 idle for too long",
		"hangs up, RSET":            "RSET ",
	} {
		t.Run(name, func(t *testing.T) {
			verb, line := "MAIL", refusal
			if rest, ok := strings.CutPrefix(refusal, "RSET "); ok {
				verb, line = "RSET", rest
			}
			s := serve(t, func(conversation, mails int, command string) string {
				if conversation == 1 && mails == 1 && strings.HasPrefix(command, verb) {
					return line
				}
				return fine(command)
			})
			tr := transport(t, s.config)
			for range 2 {
				_, err := tr.Send(t.Context(), simple("a@x.org"))
				require.NoError(t, err)
			}
			conversations, mails := s.counts()
			require.Equal(t, [2]int{2, 2}, [2]int{conversations, mails})
		})
	}
}

// What a server says once a mail has begun on a good connection is the mail's answer: nothing is sent a second time.
func TestNothingIsRepeated(t *testing.T) {
	for name, c := range map[string]struct {
		verb, answer string
		stage        Stage
		code         int
		uncertain    bool
	}{
		"MAIL, 421":          {"MAIL", "421 4.3.2 shutting down", StageMail, 421, false},
		"MAIL, cut":          {"MAIL", "", StageMail, 0, false},
		"RCPT, 421":          {"RCPT", "421 4.7.0 too many errors", StageRcpt, 421, false},
		"RCPT, cut":          {"RCPT", "", StageRcpt, 0, false},
		"DATA, 421":          {"DATA", "421 4.3.2 shutting down", StageData, 421, false},
		"DATA, cut":          {"DATA", "", StageData, 0, false},
		"the end, 421":       {".", "421 4.3.2 shutting down", StageData, 421, false},
		"the end, cut":       {".", "", StageData, 0, true},
		"the end, temporary": {".", "451 4.3.0 try later", StageData, 451, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, before := range []int{0, 1} { // on a new connection, and on one that has been used
				if before > 0 && c.verb == "MAIL" {
					continue // see TestAConnectionThatWentAwayIsReplaced
				}
				s := serve(t, func(_, mails int, command string) string {
					if mails == before && strings.HasPrefix(command, c.verb) {
						return c.answer
					}
					return fine(command)
				})
				tr := transport(t, s.config)
				for range before {
					_, err := tr.Send(t.Context(), simple("a@x.org"))
					require.NoError(t, err)
				}
				receipt, err := tr.Send(t.Context(), simple("a@x.org"))
				failure := requireStage(t, c.stage, c.code, true, err)
				require.Equal(t, c.uncertain, failure.Uncertain)
				require.Empty(t, receipt.Accepted)
				conversations, mails := s.counts()
				require.Equal(t, [2]int{1, before}, [2]int{conversations, mails})
			}
		})
	}
}

func TestServersThatBreakOffBeforeTheMail(t *testing.T) {
	for name, c := range map[string]struct {
		verb, answer string
		stage        Stage
		code         int
	}{
		"EHLO, cut":     {"EHLO", "", StageDial, 0},
		"EHLO, 421":     {"EHLO", "421 4.3.2 shutting down", StageDial, 421},
		"AUTH, cut":     {"AUTH", "", StageAuth, 0},
		"AUTH, 421":     {"AUTH", "421 4.3.2 shutting down", StageAuth, 421},
		"STARTTLS, cut": {"STARTTLS", "", StageTLS, 0},
		"STARTTLS, 454": {"STARTTLS", "454 4.7.0 TLS not available due to temporary reason", StageTLS, 454},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(_, _ int, command string) string {
				switch {
				case strings.HasPrefix(command, c.verb):
					return c.answer
				case strings.HasPrefix(command, "EHLO"):
					return "250-hi\r\n250-STARTTLS\r\n250 AUTH PLAIN"
				}
				return fine(command)
			})
			s.config.Username, s.config.Password = "ann", password
			if c.verb == "STARTTLS" {
				s.config.TLS = TLSStartTLS
			}
			tr := transport(t, s.config)
			for range 2 { // it leaves nothing behind
				_, err := tr.Send(t.Context(), simple("a@x.org"))
				require.False(t, requireStage(t, c.stage, c.code, true, err).Uncertain)
			}
			conversations, mails := s.counts()
			require.Equal(t, [2]int{2, 0}, [2]int{conversations, mails})
			require.Empty(t, tr.cfg.Pool.lanes)
		})
	}
}

func TestAConnectionIsGoodAfterARefusal(t *testing.T) {
	for _, verb := range []string{"MAIL", "RCPT", "DATA", "."} {
		s := serve(t, func(_, mails int, command string) string {
			if mails == 1 && strings.HasPrefix(command, verb) {
				return "550 5.7.1 no"
			}
			return fine(command)
		})
		tr := transport(t, s.config)
		_, err := tr.Send(t.Context(), simple("a@x.org"))
		require.NoError(t, err)
		_, err = tr.Send(t.Context(), simple("a@x.org"))
		require.Error(t, err)
		s.set(func() { s.answer = func(_, _ int, command string) string { return fine(command) } })
		_, err = tr.Send(t.Context(), simple("a@x.org"))
		require.NoError(t, err)
		conversations, mails := s.counts()
		require.Equal(t, [2]int{1, 2}, [2]int{conversations, mails}, verb)
	}
}

func TestASlowServerMakesOthersWait(t *testing.T) {
	release := make(chan struct{})
	s := serve(t, func(_, _ int, command string) string {
		if command == "." {
			<-release
		}
		return fine(command)
	})
	s.config.Connections = 1
	tr := transport(t, s.config)
	first := make(chan error, 1)
	go func() {
		_, err := tr.Send(t.Context(), simple("a@x.org"))
		first <- err
	}()
	eventually(t, func() bool { conversations, _ := s.counts(); return conversations == 1 }, "the first is being sent")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := tr.Send(ctx, simple("b@x.org"))
	requireStage(t, StageDial, 0, true, err)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "wait for one of 1 connections")
	close(release)
	require.NoError(t, <-first)
	_, err = tr.Send(t.Context(), simple("b@x.org"))
	require.NoError(t, err, "who has given up waiting takes no place")
}

func TestFewerConnectionsWhenTheServerComplains(t *testing.T) {
	var mu sync.Mutex
	open, most, limit := 0, 0, 2
	s := serve(t, nil)
	s.set(func() {
		s.answer = func(_, _ int, command string) string { return fine(command) }
		s.greeting = func() string {
			mu.Lock()
			defer mu.Unlock()
			if open >= limit {
				return "421 4.7.0 mail.example.com Error: too many connections from 127.0.0.1"
			}
			open++
			most = max(most, open)
			return "220 hi"
		}
		s.gone = func() { mu.Lock(); defer mu.Unlock(); open-- }
	})
	s.config.Connections = 8
	tr := transport(t, s.config)
	for range 3 {
		results := make(chan error)
		for range 8 {
			go func() {
				_, err := tr.Send(t.Context(), simple("a@x.org"))
				results <- err
			}()
		}
		for range 8 {
			require.NoError(t, <-results, "who is not let in waits for a connection that is")
		}
	}
	tr.cfg.Pool.mu.Lock()
	require.LessOrEqual(t, tr.cfg.Pool.lanes[tr.address].allowed(tr), 2)
	tr.cfg.Pool.mu.Unlock()
}

func TestRate(t *testing.T) {
	p := &peer{}
	cfg := p.start(t)
	cfg.MailsPerSecond, cfg.Pool = 1000, &Pool{}
	transport(t, cfg)
	cfg.MailsPerSecond = 0.001
	slow := transport(t, cfg)
	cfg.MailsPerSecond = 0
	tr := transport(t, cfg)
	_, err := slow.Send(t.Context(), simple("a@x.org"))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = tr.Send(ctx, simple("a@x.org"))
	requireStage(t, StageDial, 0, true, err) // the next one is a thousand seconds away
	require.Len(t, p.mails(), 1)
}
