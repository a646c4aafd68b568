package imap

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
)

func TestLimiter(t *testing.T) {
	t.Parallel()
	connect := func(t *testing.T, l *Limiter, host string, times int) time.Duration {
		begun := time.Now()
		for range times {
			require.NoError(t, l.wait(t.Context(), host))
		}
		return time.Since(begun)
	}
	synctest.Test(t, func(t *testing.T) {
		shared := new(Limiter)
		require.Zero(t, connect(t, shared, "mail.example.com", 100))
		require.Equal(t, time.Second/2, connect(t, shared, "Mail.Example.com", 100), "100 at once, then 200 a second")
		require.Zero(t, connect(t, shared, "other.example.com", 100), "hosts have nothing to do with each other")
		time.Sleep(time.Second)
		require.Zero(t, connect(t, shared, "mail.example.com", 100))
		require.Equal(t, 3*time.Second, connect(t, &Limiter{PerSecond: 1, Burst: 2}, "mail.example.com", 5))
		require.Zero(t, connect(t, nil, "mail.example.com", 1000))

		ctx, cancel := context.WithCancel(t.Context())
		slow := &Limiter{PerSecond: 0.01, Burst: 1}
		require.NoError(t, slow.wait(ctx, "mail.example.com"))
		time.AfterFunc(time.Second, cancel)
		err := slow.wait(ctx, "mail.example.com")
		requireKind(t, mail.KindNetwork, err)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorContains(t, err, "wait for a turn to connect to mail.example.com")
	})
}

func TestDialWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	server := &fake{}
	cfg := server.start(t)
	cfg.Limiter = &Limiter{PerSecond: 10, Burst: 1}
	begun := time.Now()
	for range 3 {
		session, err := Dial(t.Context(), cfg)
		require.NoError(t, err)
		require.NoError(t, session.Close())
	}
	require.GreaterOrEqual(t, time.Since(begun), 190*time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := Dial(ctx, cfg)
	requireKind(t, mail.KindNetwork, err)
}
