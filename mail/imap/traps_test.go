package imap

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
)

func TestDialFailures(t *testing.T) {
	t.Parallel()
	disabled := "IMAP4rev1 LOGINDISABLED"
	cases := map[string]struct {
		server *fake
		tls    TLS
		kind   mail.Kind
		text   string
	}{
		"silent from the start":     {&fake{greeting: "*"}, TLSNone, mail.KindNetwork, "no answer within 500ms"},
		"silent at log-in":          {&fake{replies: map[string]reply{"LOGIN": silence}}, TLSNone, mail.KindNetwork, "no answer"},
		"too many connections":      {&fake{greeting: lines("* BYE too many connections")}, TLSNone, mail.KindUnavailable, "too many"},
		"overloaded":                {&fake{replies: map[string]reply{"LOGIN": no("[UNAVAILABLE] later")}}, TLSNone, mail.KindUnavailable, "later"},
		"password refused":          {&fake{replies: map[string]reply{"LOGIN": no("[AUTHENTICATIONFAILED] no")}}, TLSNone, mail.KindAuth, "refused the user name"},
		"password repeated":         {&fake{replies: map[string]reply{"LOGIN": no("bad: LOGIN ann s3cret")}}, TLSNone, mail.KindAuth, "LOGIN ann ****"},
		"no log-in without TLS":     {&fake{caps: disabled}, TLSNone, mail.KindAuth, "no log-in by password, only []; it may offer more on a connection with TLS"},
		"STARTTLS not offered":      {&fake{replies: map[string]reply{"STARTTLS": func(_ net.Conn, tag, _ string) string { return lines(tag + " BAD what?") }}}, TLSStartTLS, mail.KindTLS, "what?"},
		"already in, without TLS":   {&fake{greeting: lines("* PREAUTH [CAPABILITY IMAP4rev1] hello"), replies: map[string]reply{"STARTTLS": no("already in")}}, TLSStartTLS, mail.KindTLS, "PREAUTH"},
		"not an IMAP server at all": {&fake{greeting: lines("220 mail.example.com ESMTP")}, TLSNone, mail.KindProtocol, "220"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			cfg := c.server.start(t)
			cfg.TLS = c.tls
			_, err := Dial(t.Context(), cfg)
			requireKind(t, c.kind, err)
			require.ErrorContains(t, err, c.text)
			require.NotContains(t, err.Error(), "s3cret")
			if c.tls == TLSStartTLS {
				require.NotContains(t, c.server.transcript(), "s3cret", "nothing secret before TLS")
			}
		})
	}
}

func TestConfigValidate(t *testing.T) {
	require.NoError(t, Config{Host: "127.0.0.1", Username: "a", Password: "b", TLS: TLSNone}.Validate())
	require.NoError(t, Config{Host: "mail.example.com", Username: "a", Password: "b", TLS: TLSNone, AllowPlain: true}.Validate())
	require.ErrorContains(t, Config{Host: "mail.example.com", Username: "a", Password: "b", TLS: TLSNone}.Validate(), "in the clear")
	err := Config{TLS: "ssl", Port: -1, IdleRestart: -1}.Validate()
	for _, text := range []string{"host", "password", "port -1", `"ssl"`, "negative"} {
		require.ErrorContains(t, err, text)
	}
}

func TestWaitFindsWhatTheServerKeepsQuiet(t *testing.T) {
	t.Parallel()
	t.Run("EXISTS in IDLE", func(t *testing.T) {
		server := &fake{replies: map[string]reply{"IDLE": func(net.Conn, string, string) string {
			return lines("+ idling", "* 1 EXISTS", "* 2 EXISTS", "* 1 FETCH (FLAGS (\\Seen))", "* 1 EXPUNGE")
		}}}
		session, _ := open(t, server.start(t))
		why, err := session.Wait(t.Context())
		require.NoError(t, err)
		require.Equal(t, WhyChanged, why)
	})
	t.Run("nothing is announced", func(t *testing.T) {
		server := &fake{}
		session, _ := open(t, server.start(t))
		start := time.Now()
		why, err := session.Wait(t.Context())
		require.NoError(t, err)
		require.Equal(t, WhyRestart, why)
		require.Less(t, time.Since(start), recheckAfter+5*time.Second)
		require.Contains(t, server.transcript(), "NOOP")
		require.WithinDuration(t, time.Now(), session.LastAlive(), time.Second)
	})
	t.Run("no IDLE", func(t *testing.T) {
		server := &fake{caps: "IMAP4rev1"}
		cfg := server.start(t)
		cfg.PollInterval = 50 * time.Millisecond
		session, status := open(t, cfg)
		require.False(t, status.Idle)
		why, err := session.Wait(t.Context())
		require.NoError(t, err)
		require.Equal(t, WhyPoll, why)
		require.NotContains(t, server.transcript(), "IDLE")
		require.Contains(t, server.transcript(), "NOOP")
	})
}

func TestWaitNoticesADeadConnection(t *testing.T) {
	t.Parallel()
	bye := lines("+ idling", "* BYE going down")
	// The library hangs up on what it does not know, and does not always get to tell why.
	const anyKind = mail.Kind("")
	cases := map[string]struct {
		replies map[string]reply
		kind    mail.Kind
	}{
		"IDLE is never confirmed":        {map[string]reply{"IDLE": silence}, mail.KindNetwork},
		"IDLE is refused":                {map[string]reply{"IDLE": no("not now")}, mail.KindProtocol},
		"silent in IDLE":                 {map[string]reply{"DONE": silence}, mail.KindNetwork},
		"silent at NOOP":                 {map[string]reply{"NOOP": silence}, mail.KindNetwork},
		"half a line in IDLE":            {map[string]reply{"IDLE": func(net.Conn, string, string) string { return "+ idling\r\n* 1 EX" }, "DONE": silence}, mail.KindNetwork},
		"BYE in IDLE, connection closed": {map[string]reply{"IDLE": func(c net.Conn, _, _ string) string { _, _ = c.Write([]byte(bye)); _ = c.Close(); return "" }}, mail.KindNetwork},
		"BYE in IDLE, connection open":   {map[string]reply{"IDLE": func(net.Conn, string, string) string { return bye }, "DONE": silence}, mail.KindNetwork},
		"an answer of QRESYNC":           {map[string]reply{"IDLE": func(net.Conn, string, string) string { return lines("+ idling", "* VANISHED 4") }}, anyKind},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &fake{replies: c.replies}
			session, _ := open(t, server.start(t))
			start := time.Now()
			_, err := session.Wait(t.Context())
			if c.kind == anyKind {
				require.ErrorAs(t, err, new(*Error))
			} else {
				requireKind(t, c.kind, err)
			}
			require.Less(t, time.Since(start), recheckAfter+5*time.Second)
		})
	}
}

func TestContextEndsEverything(t *testing.T) {
	t.Parallel()
	server := &fake{replies: map[string]reply{"UID SEARCH": silence}}
	cfg := server.start(t)
	cfg.CommandTimeout = time.Minute
	for name, call := range map[string]func(context.Context, *Session) error{
		"wait": func(ctx context.Context, s *Session) error { _, err := s.Wait(ctx); return err },
		"next": func(ctx context.Context, s *Session) error { _, err := s.Next(ctx, 0, 1); return err },
	} {
		t.Run(name, func(t *testing.T) {
			session, _ := open(t, cfg)
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			start := time.Now()
			err := call(ctx, session)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Less(t, time.Since(start), time.Second)
		})
	}
}

func TestNextTrustsOnlyTheSearch(t *testing.T) {
	t.Parallel()
	search := func(_ net.Conn, tag, _ string) string { return lines("* SEARCH 9 5 6", tag+" OK done") }
	t.Run("answers outside what was asked", func(t *testing.T) {
		server := &fake{replies: map[string]reply{"UID SEARCH": search, "UID FETCH": fetched("UID 9 RFC822.SIZE 10 FLAGS ()")}}
		session, _ := open(t, server.start(t))
		found, err := session.Next(t.Context(), 6, 10)
		require.NoError(t, err)
		require.Equal(t, []UID{9}, uidsOf(found))
		require.NotContains(t, server.transcript(), "*")
	})
	t.Run("a flag change hides the answer", func(t *testing.T) {
		server := &fake{replies: map[string]reply{"UID SEARCH": search, "UID FETCH": func(_ net.Conn, tag, _ string) string {
			return lines(`* 3 FETCH (FLAGS (\Flagged))`, "* 1 FETCH (UID 5 RFC822.SIZE 10)", tag+" OK done")
		}}}
		session, _ := open(t, server.start(t))
		found, err := session.Next(t.Context(), 0, 10)
		require.NoError(t, err)
		require.Equal(t, []UID{5, 6, 9}, uidsOf(found), "there by search, so not passed over")
	})
	t.Run("an absurd range", func(t *testing.T) {
		server := &fake{replies: map[string]reply{"UID SEARCH": func(_ net.Conn, tag, _ string) string {
			return lines(`* ESEARCH (TAG "`+tag+`") UID ALL 1:4294967295`, tag+" OK done")
		}}}
		session, _ := open(t, server.start(t))
		found, err := session.Next(t.Context(), 0, 3)
		require.NoError(t, err)
		require.Equal(t, []UID{1, 2, 3}, uidsOf(found))
	})
	t.Run("a gap larger than the window", func(t *testing.T) {
		server := &fake{replies: map[string]reply{"UID SEARCH": func(_ net.Conn, tag, args string) string {
			if strings.HasSuffix(args, ":4294967295") {
				return lines("* SEARCH 400000", tag+" OK done")
			}
			return lines("* SEARCH", tag+" OK done")
		}, "UID FETCH": fetched("UID 400000 RFC822.SIZE 1")}}
		session, _ := open(t, server.start(t))
		found, err := session.Next(t.Context(), 1, 3)
		require.NoError(t, err)
		require.Equal(t, []UID{400000}, uidsOf(found))
		require.Contains(t, server.transcript(), "UID 2:1025")
	})
}

func TestFetchTraps(t *testing.T) {
	t.Parallel()
	there := func(_ net.Conn, tag, _ string) string { return lines("* SEARCH 5", tag+" OK done") }
	gone := func(_ net.Conn, tag, _ string) string { return lines("* SEARCH", tag+" OK done") }
	body := func(text string) reply {
		return func(_ net.Conn, tag, args string) string {
			if strings.Contains(args, "RFC822.SIZE") {
				return lines("* 1 FETCH (UID 5 RFC822.SIZE 4)", tag+" OK done")
			}
			return text + tag + " OK done\r\n"
		}
	}
	cases := map[string]struct {
		fetch, search reply
		check         func(*testing.T, string, error)
	}{
		"size understated": {body("* 1 FETCH (UID 5 BODY[]<0> {11}\r\nhello world)\r\n"), there, func(t *testing.T, got string, err error) {
			require.ErrorIs(t, err, ErrTooLarge)
		}},
		"cut within the literal": {func(c net.Conn, tag, args string) string {
			if strings.Contains(args, "RFC822.SIZE") {
				return body("")(c, tag, args)
			}
			_, _ = c.Write([]byte("* 1 FETCH (UID 5 BODY[]<0> {10}\r\nhel"))
			_ = c.Close()
			return ""
		}, there, func(t *testing.T, _ string, err error) { requireKind(t, mail.KindNetwork, err) }},
		"stalled within the literal": {func(c net.Conn, tag, args string) string {
			if strings.Contains(args, "RFC822.SIZE") {
				return body("")(c, tag, args)
			}
			return "* 1 FETCH (UID 5 BODY[]<0> {10}\r\nhel"
		}, there, func(t *testing.T, _ string, err error) {
			requireKind(t, mail.KindNetwork, err)
			require.ErrorContains(t, err, "no answer")
		}},
		"vanished":          {body(""), gone, func(t *testing.T, _ string, err error) { require.ErrorIs(t, err, ErrGone) }},
		"vanished, NIL":     {body("* 1 FETCH (UID 5 BODY[]<0> NIL)\r\n"), gone, func(t *testing.T, _ string, err error) { require.ErrorIs(t, err, ErrGone) }},
		"there, but hidden": {body("* 1 FETCH (UID 5 FLAGS ())\r\n"), there, func(t *testing.T, _ string, err error) { requireKind(t, mail.KindProtocol, err) }},
		"slow but moving": {func(c net.Conn, tag, args string) string {
			if strings.Contains(args, "RFC822.SIZE") {
				return body("")(c, tag, args)
			}
			_, _ = c.Write([]byte("* 1 FETCH (UID 5 BODY[]<0> {4}\r\n"))
			for _, b := range []byte("slow") { // 800 ms in all, with a command timeout of 500
				<-time.After(200 * time.Millisecond)
				_, _ = c.Write([]byte{b})
			}
			return lines(")", tag+" OK done")
		}, there, func(t *testing.T, got string, err error) {
			require.NoError(t, err)
			require.Equal(t, "slow", got)
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			server := &fake{replies: map[string]reply{"UID FETCH": c.fetch, "UID SEARCH": c.search}}
			session, _ := open(t, server.start(t))
			var got bytes.Buffer
			_, err := session.Fetch(t.Context(), 5, &got, 8)
			require.LessOrEqual(t, got.Len(), 9)
			c.check(t, got.String(), err)
			for _, forbidden := range []string{"ENVELOPE", "BODYSTRUCTURE", "QRESYNC", "BODY["} {
				require.NotContains(t, server.transcript(), forbidden)
			}
		})
	}
}

func TestAcknowledgeOnPoorServers(t *testing.T) {
	there := func(_ net.Conn, tag, _ string) string { return lines("* SEARCH 5", tag+" OK done") }
	t.Run("no UIDPLUS", func(t *testing.T) {
		server := &fake{caps: "IMAP4rev1", replies: map[string]reply{"UID SEARCH": there}}
		session, _ := open(t, server.start(t))
		require.NoError(t, session.Acknowledge(t.Context(), []UID{5}, Ack{Delete: true}))
		require.Contains(t, server.transcript(), `UID STORE 5 +FLAGS.SILENT (\Deleted)`)
		require.NotContains(t, server.transcript(), "EXPUNGE", "it would remove what others flagged")
	})
	t.Run("no keywords", func(t *testing.T) {
		server := &fake{}
		session, status := open(t, server.start(t))
		require.False(t, status.Keywords)
		require.NoError(t, session.Acknowledge(t.Context(), []UID{5}, Ack{Keyword: "handled"}))
		require.NotContains(t, server.transcript(), "STORE")
	})
	t.Run("folder may not be created", func(t *testing.T) {
		server := &fake{replies: map[string]reply{"UID SEARCH": there, "UID MOVE": no("[TRYCREATE] no such folder"), "CREATE": no("[CANNOT] labels only")}}
		session, _ := open(t, server.start(t))
		err := session.Acknowledge(t.Context(), []UID{5}, Ack{Seen: true, MoveTo: "Done"})
		require.ErrorContains(t, err, "no such folder")
		require.ErrorContains(t, err, "labels only")
		require.Contains(t, server.transcript(), `UID STORE 5 +FLAGS.SILENT (\Seen)`, "marked before the move")
	})
	t.Run("COPY was done, the rest was not", func(t *testing.T) {
		server := &fake{caps: "IMAP4rev1 UIDPLUS", replies: map[string]reply{"UID SEARCH": func(_ net.Conn, tag, args string) string {
			if strings.Contains(args, "UNDELETED") {
				return lines("* SEARCH", tag+" OK done")
			}
			return lines("* SEARCH 5", tag+" OK done")
		}}}
		session, _ := open(t, server.start(t))
		require.NoError(t, session.Acknowledge(t.Context(), []UID{5}, Ack{MoveTo: "Done"}))
		require.NotContains(t, server.transcript(), "COPY")
		require.Contains(t, server.transcript(), "UID EXPUNGE 5")
	})
}
