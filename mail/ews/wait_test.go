package ews_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/ews"
	"github.com/waybill-io/waybill/testsuite/ewsserver"
)

// listener runs the loop of a caller.
type listener struct {
	mu     sync.Mutex
	seen   map[string]int
	errs   []error
	rounds int // that went well
}

// settled waits for the first look and for the one that the first envelope of the stream causes: from then on only the stream can tell.
func (l *listener) settled(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.rounds >= 2
	}, 5*time.Second, 5*time.Millisecond)
}

func listen(t *testing.T, a *ews.Account, folders ...string) *listener {
	t.Helper()
	if len(folders) == 0 {
		folders = []string{ews.Inbox}
	}
	l := &listener{seen: map[string]int{}}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	t.Cleanup(func() { cancel(); <-ended })
	go func() {
		defer close(ended)
		positions := map[string]mail.Position{}
		for ctx.Err() == nil {
			err := l.once(ctx, a, folders, positions)
			if err == nil {
				l.mu.Lock()
				l.rounds++
				l.mu.Unlock()
				err = a.Wait(ctx)
			}
			if err != nil {
				l.mu.Lock()
				l.errs = append(l.errs, err)
				l.mu.Unlock()
				time.Sleep(20 * time.Millisecond)
			}
		}
	}()
	return l
}

func (l *listener) once(ctx context.Context, a *ews.Account, folders []string, positions map[string]mail.Position) error {
	for _, folder := range folders {
		for more := true; more; {
			batch, err := a.Next(ctx, folder, positions[folder], 10)
			if err != nil {
				return err
			}
			l.mu.Lock()
			for _, item := range batch.Items {
				l.seen[item.ID]++
			}
			l.mu.Unlock()
			positions[folder] = mail.Position{Cursor: batch.Cursor}
			more = batch.More
		}
	}
	return nil
}

func (l *listener) missing(want []string) (missing []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range want {
		if l.seen[id] == 0 {
			missing = append(missing, id)
		}
	}
	return missing
}

func (l *listener) finds(t *testing.T, within time.Duration, want ...string) {
	t.Helper()
	require.Eventually(t, func() bool { return len(l.missing(want)) == 0 }, within, 5*time.Millisecond, "%v", l)
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, times := range l.seen {
		assert.Equal(t, 1, times, "%s came more than once", id)
	}
}

func (l *listener) String() string { return fmt.Sprintf("%d mails, errors %v", len(l.seen), l.errs) }

func streaming(t *testing.T, s *ewsserver.Server) {
	t.Helper()
	require.Eventually(t, func() bool { return s.Streams() == 1 }, 5*time.Second, 5*time.Millisecond)
}

func TestMailIsFoundAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t, ewsserver.Options{})
	waiting := s.Deliver(support, "Orders", ewsserver.Mail{Raw: raw("waiting")})
	a := open(t, config(s), ews.Inbox, "Orders")
	l := listen(t, a, ews.Inbox, "Orders")
	l.finds(t, 3*time.Second, waiting)
	streaming(t, s)
	l.settled(t)

	l.finds(t, 500*time.Millisecond, deliver(s, "into the inbox"))
	l.finds(t, 500*time.Millisecond, s.Deliver(support, "Orders", ewsserver.Mail{Raw: raw("into another folder")}))
	moved := s.Deliver(support, "Elsewhere", ewsserver.Mail{Raw: raw("moved by a rule")})
	s.Move(support, moved, "Orders")
	l.finds(t, 500*time.Millisecond, s.Mails(support, "Orders")[2].ID)
	assert.True(t, a.Pushes())
	assert.Equal(t, 1, s.Asked("Subscribe"))
	assert.Equal(t, 1, s.Asked("GetStreamingEvents"))
}

func TestHeartbeatsAreProofOfLifeAndNoReasonToSync(t *testing.T) {
	t.Parallel()
	s := start(t, ewsserver.Options{})
	a := open(t, config(s))
	l := listen(t, a)
	streaming(t, s)
	l.settled(t)
	synced := s.Asked("SyncFolderItems")
	before := a.LastAlive()
	require.Eventually(t, func() bool { return a.LastAlive().After(before) }, 5*time.Second, 5*time.Millisecond)
	assert.Equal(t, synced, s.Asked("SyncFolderItems"))
}

func TestWaitReturnsWithoutAnyEvent(t *testing.T) {
	t.Parallel()
	s := start(t, ewsserver.Options{})
	cfg := config(s)
	cfg.SyncInterval = 200 * time.Millisecond
	a := open(t, cfg)
	for range 3 {
		require.NoError(t, a.Wait(t.Context()))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, a.Wait(ctx), context.DeadlineExceeded)
	assert.Equal(t, 1, s.Streams(), "the stream outlives a call of Wait")
}

// Each disturbance comes while mail arrives. No timer is short enough to hide a loss.
func TestNothingIsLost(t *testing.T) {
	for name, test := range map[string]struct {
		options ewsserver.Options
		config  func(*ews.Config)
		disturb func(*testing.T, *ewsserver.Server)
		anew    bool // another subscription is needed
	}{
		"the connection is cut": {disturb: func(_ *testing.T, s *ewsserver.Server) { s.CutConnections() }},
		"the connection is silent": {
			config:  func(c *ews.Config) { c.StreamSilence = 300 * time.Millisecond },
			disturb: func(_ *testing.T, s *ewsserver.Server) { s.Silence() },
		},
		"the server restarts": {anew: true, disturb: func(t *testing.T, s *ewsserver.Server) {
			require.NoError(t, s.Restart(300*time.Millisecond))
		}},
		"the time of the connection is over": {
			options: ewsserver.Options{Minute: 400 * time.Millisecond},
			disturb: func(t *testing.T, s *ewsserver.Server) {
				require.Eventually(t, func() bool { return s.Asked("GetStreamingEvents") > 1 }, 5*time.Second, 5*time.Millisecond)
			},
		},
		"the server behind the proxy is lost": {anew: true, options: ewsserver.Options{Servers: 3}, disturb: func(_ *testing.T, s *ewsserver.Server) { s.LoseServers() }},
		"the server is busy": {disturb: func(_ *testing.T, s *ewsserver.Server) {
			s.Busy(3, 200*time.Millisecond)
			s.CutConnections()
		}},
		"a proxy throttles": {disturb: func(_ *testing.T, s *ewsserver.Server) {
			s.Throttle(3, 503, 0)
			s.CutConnections()
		}},
	} {
		for _, auth := range []ews.Auth{ews.AuthBasic, ews.AuthNTLM} {
			t.Run(fmt.Sprintf("%s, %s", name, auth), func(t *testing.T) {
				t.Parallel()
				s := start(t, test.options)
				cfg := config(s)
				cfg.Auth = auth
				if test.config != nil {
					test.config(&cfg)
				}
				l := listen(t, open(t, cfg))
				streaming(t, s)

				var sent []string
				for i := range 60 {
					sent = append(sent, deliver(s, fmt.Sprintf("mail %d", i)))
					if i == 30 {
						test.disturb(t, s)
					}
					time.Sleep(5 * time.Millisecond)
				}
				l.finds(t, 10*time.Second, sent...)
				streaming(t, s)
				time.Sleep(100 * time.Millisecond)
				l.finds(t, time.Second, deliver(s, "one more"))
				if test.anew {
					assert.Greater(t, s.Asked("Subscribe"), 1)
				} else {
					assert.Equal(t, 1, s.Asked("Subscribe"), "the subscription outlives the connection")
				}
			})
		}
	}
}

func TestSubscribesAnew(t *testing.T) {
	for _, code := range []string{
		"ErrorSubscriptionNotFound", "ErrorInvalidSubscription", "ErrorExpiredSubscription", "ErrorSubscriptionUnsubscribed",
		"ErrorMissedNotificationEvents", "ErrorReadEventsFailed", "ErrorInvalidWatermark", "ErrorProxiedSubscriptionCallFailure",
		"ErrorNewEventStreamConnectionOpened",
	} {
		for _, keep := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, kept %t", code, keep), func(t *testing.T) {
				t.Parallel()
				s := start(t, ewsserver.Options{})
				l := listen(t, open(t, config(s)))
				streaming(t, s)
				s.EndStreams(code, keep)
				sent := deliver(s, "meanwhile")
				l.finds(t, 5*time.Second, sent)
				require.Eventually(t, func() bool { return s.Asked("Subscribe") == 2 }, 5*time.Second, 5*time.Millisecond)
				streaming(t, s)
				time.Sleep(100 * time.Millisecond)
				l.finds(t, time.Second, deliver(s, "afterwards"))
				assert.Empty(t, l.errs)
			})
		}
	}
}

func TestPollsWhenTheServerPermitsNoMoreStreams(t *testing.T) {
	for name, test := range map[string]ewsserver.Options{
		"connections":   {MaxStreams: 1},
		"subscriptions": {MaxSubscriptions: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, test)
			first := open(t, config(s))
			require.NoError(t, first.Wait(t.Context()))
			streaming(t, s)

			cfg := config(s)
			cfg.PollInterval = 100 * time.Millisecond
			a := open(t, cfg)
			assert.True(t, a.Pushes())
			l := listen(t, a)
			require.Eventually(t, func() bool { return !a.Pushes() }, 5*time.Second, 5*time.Millisecond)
			asked := s.Asked("GetStreamingEvents") + s.Asked("Subscribe")
			l.finds(t, time.Second, deliver(s, "polled"))
			polls := s.Asked("SyncFolderItems")
			require.Eventually(t, func() bool { return s.Asked("SyncFolderItems") >= polls+3 }, 5*time.Second, 5*time.Millisecond)
			l.finds(t, time.Second, deliver(s, "polled again"))
			assert.Equal(t, asked, s.Asked("GetStreamingEvents")+s.Asked("Subscribe"), "the server said no")
			assert.Empty(t, l.errs)
		})
	}
}

func TestAServerThatDropsEveryStreamIsNotStormed(t *testing.T) {
	t.Parallel()
	s := start(t, ewsserver.Options{Minute: time.Millisecond})
	listen(t, open(t, config(s)))
	time.Sleep(2500 * time.Millisecond)
	asked := s.Asked("GetStreamingEvents")
	assert.GreaterOrEqual(t, asked, 2)
	assert.LessOrEqual(t, asked, 4)
}

func TestWaitTellsWhyNoStreamCanBeOpened(t *testing.T) {
	t.Parallel()
	s := start(t, ewsserver.Options{})
	a := open(t, config(s))
	s.Fail("Subscribe", "ErrorAccessDenied")
	assert.Equal(t, mail.KindAuth, kind(t, a.Wait(t.Context())))
	s.Fail("GetStreamingEvents", "ErrorInternalServerError")
	assert.Equal(t, mail.KindUnavailable, kind(t, a.Wait(t.Context())))
	require.NoError(t, a.Wait(t.Context()), "the account is still of use")
	require.NoError(t, s.Close())
	assert.Equal(t, mail.KindNetwork, kind(t, waitForError(t, a)))
}

func waitForError(t *testing.T, a *ews.Account) error {
	t.Helper()
	for range 20 {
		if err := a.Wait(t.Context()); err != nil {
			return err
		}
	}
	t.Fatal("Wait never fails though the server is gone")
	return nil
}

func TestAMailboxThatMovesIsLeftAloneForAWhile(t *testing.T) {
	t.Parallel()
	s := start(t, ewsserver.Options{})
	l := listen(t, open(t, config(s)))
	streaming(t, s)
	s.EndStreams("ErrorMailboxMoveInProgress", false)
	l.finds(t, time.Second, deliver(s, "meanwhile"))
	time.Sleep(500 * time.Millisecond)
	assert.Equal(t, 1, s.Asked("Subscribe"))
	assert.Empty(t, l.errs)
}
