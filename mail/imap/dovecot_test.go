package imap

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/testsuite/dovecot"

	"github.com/waybill-io/waybill/mail"
)

func dovecotConfig(s *dovecot.Server) Config {
	return Config{Host: s.Host, Port: s.TLSPort, Username: "test", Password: "secret", RootCAs: s.RootCAs}
}

func open(t *testing.T, cfg Config) (*Session, Status) {
	t.Helper()
	session, err := Dial(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = session.Close() })
	status, err := session.Select(t.Context())
	require.NoError(t, err)
	return session, status
}

func requireKind(t *testing.T, kind mail.Kind, err error) {
	t.Helper()
	var failure *Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, kind, failure.Kind, "%v", err)
	require.NotContains(t, err.Error(), "secret")
}

func mailOf(n int) []byte {
	return fmt.Appendf(nil, "From: ann@example.com\r\nSubject: mail %d\r\n\r\nbody %d\r\n", n, n)
}

func uidsOf(envelopes []Envelope) []UID {
	var uids []UID
	for _, envelope := range envelopes {
		uids = append(uids, envelope.UID)
	}
	return uids
}

func TestDovecotWatch(t *testing.T) {
	t.Parallel()
	server := dovecot.Start(t, dovecot.Options{})
	for n := range 5 {
		server.Deliver("test", mailOf(n))
	}
	session, status := open(t, dovecotConfig(server))
	require.NotZero(t, status.UIDValidity)
	require.True(t, status.Idle && status.CondStore && status.Move && status.UIDPlus && status.Keywords, "%+v", status)

	first, err := session.Next(t.Context(), 0, 3)
	require.NoError(t, err)
	require.Equal(t, []UID{1, 2, 3}, uidsOf(first))
	require.NotZero(t, first[0].Size)
	require.WithinDuration(t, time.Now(), first[0].InternalDate, time.Minute)

	why, err := session.Wait(t.Context())
	require.NoError(t, err)
	require.Equal(t, WhyChanged, why, "there is more than max, so Wait must not wait")

	rest, err := session.Next(t.Context(), 3, 3)
	require.NoError(t, err)
	require.Equal(t, []UID{4, 5}, uidsOf(rest))

	var raw bytes.Buffer
	_, err = session.Fetch(t.Context(), rest[1].UID, &raw, 0)
	require.NoError(t, err)
	require.Contains(t, raw.String(), "\r\n\r\nbody ")
	seen, err := session.Next(t.Context(), 4, 3)
	require.NoError(t, err)
	require.NotContains(t, seen[0].Flags, `\Seen`, "a fetch must not mark the mail as read")

	last := UID(5)
	for n := range 3 { // each new mail is found, by announcement or by search
		server.Deliver("test", mailOf(100+n))
		var found []Envelope
		for len(found) == 0 {
			_, err := session.Wait(t.Context())
			require.NoError(t, err)
			found, err = session.Next(t.Context(), last, 10)
			require.NoError(t, err)
		}
		require.Equal(t, []UID{last + 1}, uidsOf(found))
		last++
	}
	require.WithinDuration(t, time.Now(), session.LastAlive(), 5*time.Second)
}

func TestDovecotIdleIsQuietAfterTheRecheck(t *testing.T) {
	t.Parallel()
	server := dovecot.Start(t, dovecot.Options{})
	cfg := dovecotConfig(server)
	cfg.IdleRestart = 4 * time.Second
	session, _ := open(t, cfg)
	var lasted [2]time.Duration
	for i := range lasted {
		start := time.Now()
		why, err := session.Wait(t.Context())
		require.NoError(t, err)
		require.Equal(t, WhyRestart, why)
		lasted[i] = time.Since(start)
	}
	require.GreaterOrEqual(t, lasted[0], recheckAfter)
	require.Less(t, lasted[0], cfg.IdleRestart)
	require.GreaterOrEqual(t, lasted[1], cfg.IdleRestart)
}

func TestDovecotLogin(t *testing.T) {
	t.Parallel()
	server := dovecot.Start(t, dovecot.Options{})
	cfg := dovecotConfig(server)

	t.Run("starttls", func(t *testing.T) {
		cfg := cfg
		cfg.Port, cfg.TLS = server.Port, TLSStartTLS
		open(t, cfg)
	})
	t.Run("plain on loopback", func(t *testing.T) {
		cfg := cfg
		cfg.Port, cfg.TLS = server.Port, TLSNone
		open(t, cfg)
	})
	t.Run("wrong password", func(t *testing.T) {
		cfg := cfg
		cfg.Password = "secret-but-wrong"
		_, err := Dial(t.Context(), cfg)
		requireKind(t, mail.KindAuth, err)
		require.ErrorContains(t, err, "as test: the server refused the user name or the password")
	})
	t.Run("untrusted certificate", func(t *testing.T) {
		for _, mode := range []TLS{TLSImplicit, TLSStartTLS} {
			cfg := cfg
			cfg.RootCAs, cfg.TLS = x509.NewCertPool(), mode
			if mode == TLSStartTLS {
				cfg.Port = server.Port
			}
			_, err := Dial(t.Context(), cfg)
			requireKind(t, mail.KindTLS, err)
		}
	})
	t.Run("plain server on the TLS port", func(t *testing.T) {
		cfg := cfg
		cfg.Port = server.Port
		_, err := Dial(t.Context(), cfg)
		requireKind(t, mail.KindTLS, err)
	})
	t.Run("no such folder", func(t *testing.T) {
		cfg := cfg
		cfg.Folder = "Nowhere"
		session, err := Dial(t.Context(), cfg)
		require.NoError(t, err)
		defer func() { _ = session.Close() }()
		_, err = session.Select(t.Context())
		requireKind(t, mail.KindFolderMissing, err)
	})
	t.Run("server down", func(t *testing.T) {
		server.Stop()
		_, err := Dial(t.Context(), cfg)
		requireKind(t, mail.KindNetwork, err)
	})
}

func TestDovecotAcknowledge(t *testing.T) {
	t.Parallel()
	for name, capability := range map[string]string{
		"with MOVE":    "",
		"without MOVE": "IMAP4rev1 UIDPLUS LITERAL+ IDLE",
	} {
		t.Run(name, func(t *testing.T) {
			server := dovecot.Start(t, dovecot.Options{Capability: capability})
			for n := range 6 {
				server.Deliver("test", mailOf(n))
			}
			session, status := open(t, dovecotConfig(server))
			require.Equal(t, capability == "", status.Move)
			ctx := t.Context()

			for range 2 { // again: as after a worker that died before it could tell
				require.NoError(t, session.Acknowledge(ctx, []UID{1}, Ack{Seen: true, Keyword: "$Handled"}))
				require.NoError(t, session.Acknowledge(ctx, []UID{2, 3}, Ack{Seen: true, MoveTo: "Handled/2026 für"}))
				require.NoError(t, session.Acknowledge(ctx, []UID{4}, Ack{Delete: true}))
			}
			require.NoError(t, session.Acknowledge(ctx, []UID{5, 999}, Ack{MoveTo: "Handled/2026 für"}))
			require.NoError(t, session.Acknowledge(ctx, nil, Ack{Delete: true}))
			require.ErrorContains(t, session.Acknowledge(ctx, []UID{6}, Ack{Keyword: "two words"}), "keyword")

			left, err := session.Next(ctx, 0, 100)
			require.NoError(t, err)
			require.Equal(t, []UID{1, 6}, uidsOf(left))
			require.Contains(t, left[0].Flags, `\Seen`)
			require.Contains(t, left[0].Flags, "$Handled")
			require.NotContains(t, left[1].Flags, `\Seen`)

			cfg := dovecotConfig(server)
			cfg.Folder = "Handled/2026 für"
			target, _ := open(t, cfg)
			moved, err := target.Next(ctx, 0, 100)
			require.NoError(t, err)
			require.Len(t, moved, 3)
			require.Contains(t, moved[0].Flags, `\Seen`)
			for _, envelope := range moved {
				require.NotContains(t, envelope.Flags, `\Deleted`)
			}
		})
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errors.New("store is full") }

func TestDovecotFetch(t *testing.T) {
	t.Parallel()
	server := dovecot.Start(t, dovecot.Options{})
	large := append(mailOf(1), []byte(strings.Repeat(strings.Repeat("x", 76)+"\r\n", 320<<10))...) // 25 MB
	server.Deliver("test", large)
	server.Deliver("test", mailOf(2))
	session, _ := open(t, dovecotConfig(server))
	ctx := t.Context()

	var raw bytes.Buffer
	n, err := session.Fetch(ctx, 1, &raw, 0)
	require.NoError(t, err)
	require.Equal(t, int64(len(large)), n)
	require.True(t, bytes.Equal(large, raw.Bytes()))

	_, err = session.Fetch(ctx, 1, failingWriter{}, 0)
	require.ErrorContains(t, err, "store is full")
	require.NotErrorAs(t, err, new(*Error))

	raw.Reset()
	_, err = session.Fetch(ctx, 1, &raw, 1<<20)
	require.ErrorIs(t, err, ErrTooLarge)
	require.Zero(t, raw.Len(), "what is too large is not downloaded")

	_, err = session.Fetch(ctx, 77, &raw, 0)
	require.ErrorIs(t, err, ErrGone)

	found, err := session.Next(ctx, 0, 10)
	require.NoError(t, err)
	require.Len(t, found, 2)
	other, _ := open(t, dovecotConfig(server))
	require.NoError(t, other.Acknowledge(ctx, []UID{2}, Ack{Delete: true}))
	_, err = session.Fetch(ctx, 2, &raw, 0)
	require.ErrorIs(t, err, ErrGone, "gone between Next and Fetch")

	_, err = session.Fetch(ctx, 1, &raw, 0)
	require.NoError(t, err, "the session is still in step")
}

func TestDovecotGoesAway(t *testing.T) {
	t.Parallel()
	server := dovecot.Start(t, dovecot.Options{})
	session, before := open(t, dovecotConfig(server))
	failed := make(chan error, 1)
	go func() {
		for {
			if _, err := session.Wait(context.Background()); err != nil {
				failed <- err
				return
			}
		}
	}()
	server.Restart()
	requireKind(t, mail.KindNetwork, <-failed)

	again, after := open(t, dovecotConfig(server))
	require.Equal(t, before.UIDValidity, after.UIDValidity)
	server.Kill()
	_, err := again.Next(t.Context(), 0, 1)
	requireKind(t, mail.KindNetwork, err)

	server.Restart()
	server.ResetMailbox("test")
	_, reset := open(t, dovecotConfig(server))
	require.NotEqual(t, before.UIDValidity, reset.UIDValidity)
}
