package imap

import (
	"net"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
)

func TestRecognise(t *testing.T) {
	cases := map[string]struct {
		host, greeting string
		caps           []imap.Cap
		want           string
	}{
		"by host":                      {"imap.gmail.com", "", nil, "Gmail"},
		"any case, trailing dot":       {"IMAP.Mail.Yahoo.com.", "", nil, "Yahoo"},
		"the domain itself":            {"outlook.com", "", nil, "Microsoft 365"},
		"Microsoft 365":                {"outlook.office365.com", "* OK The Microsoft Exchange IMAP4 service is ready. [Z==]", nil, "Microsoft 365"},
		"Exchange of one's own":        {"mail.example.com", "* OK The Microsoft Exchange IMAP4 service is ready.", nil, "Exchange"},
		"Google, another host":         {"imap.example.com", "* OK Gimap ready for requests from 192.0.2.1 x1", nil, "Gmail"},
		"Google, by capability":        {"imap.example.com", "* OK hello", []imap.Cap{"X-GM-EXT-1"}, "Gmail"},
		"greeting behind a code":       {"imap.example.com", "* OK [CAPABILITY IMAP4rev1] Coremail System IMap Server Ready", nil, "NetEase"},
		"not at the end of the host":   {"yahoo.com.example.com", "", nil, ""},
		"not at a dot":                 {"notgmail.com", "", nil, ""},
		"nothing known":                {"mail.example.com", "* OK [CAPABILITY IMAP4rev1] Dovecot ready.", []imap.Cap{"IDLE"}, ""},
		"the name elsewhere in a line": {"mail.example.com", "* OK not a Gimap", nil, ""},
		"no greeting":                  {"", "", nil, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			caps := imap.CapSet{}
			for _, capability := range c.caps {
				caps[capability] = struct{}{}
			}
			require.Equal(t, c.want, recognise(c.host, c.greeting, caps).name)
		})
	}
}

func TestIdleIsAsLongAsTheServerBears(t *testing.T) {
	t.Parallel()
	for caps, want := range map[string]time.Duration{
		"IMAP4rev1 IDLE":                  4 * time.Minute,
		"IMAP4rev1 IDLE XYMHIGHESTMODSEQ": 3 * time.Minute,
	} {
		server := &fake{caps: caps}
		session, _ := open(t, server.start(t))
		require.Equal(t, want, session.quietTime())
		cfg := server.start(t)
		cfg.IdleRestart = time.Minute
		session, _ = open(t, cfg)
		require.Equal(t, time.Minute, session.quietTime(), "shorter when told so")
	}
	for host, want := range map[string]time.Duration{"imap.rambler.ru": 55 * time.Second, "imap.163.com": 55 * time.Second, "imap.mail.yahoo.com": 3 * time.Minute} {
		require.Equal(t, want, recognise(host, "", nil).idle)
	}
}

func TestRefusedPasswordNamesWhatTheProviderWants(t *testing.T) {
	t.Parallel()
	for greeting, want := range map[string]string{
		"* OK The Microsoft Exchange IMAP4 service is ready.": "only OAuth",
		"* OK Gimap ready for requests":                       "app password",
	} {
		server := &fake{greeting: lines(greeting), replies: map[string]reply{"LOGIN": no("LOGIN failed.")}}
		_, err := Dial(t.Context(), server.start(t))
		requireKind(t, mail.KindAuth, err)
		require.ErrorContains(t, err, "LOGIN failed.")
		require.ErrorContains(t, err, want)
	}
	t.Run("a token is not a password", func(t *testing.T) {
		server := &fake{
			greeting: lines("* OK The Microsoft Exchange IMAP4 service is ready."), caps: "IMAP4rev1 SASL-IR AUTH=XOAUTH2",
			replies: map[string]reply{"AUTHENTICATE": no("AUTHENTICATE failed.")},
		}
		_, err := Dial(t.Context(), withToken(server.start(t), AuthXOAuth2))
		requireKind(t, mail.KindAuth, err)
		require.NotContains(t, err.Error(), "only OAuth")
	})
	t.Run("a token of another user", func(t *testing.T) {
		server := &fake{replies: map[string]reply{"SELECT": func(_ net.Conn, tag, _ string) string {
			return lines(tag + " BAD User is authenticated but not connected.")
		}}}
		account := openAccount(t, server.start(t))
		_, err := account.Next(t.Context(), "INBOX", mail.Position{}, 1)
		requireKind(t, mail.KindAuth, err)
		require.ErrorContains(t, err, "another user")
	})
}

func TestNetEaseIsToldWhoIsAsking(t *testing.T) {
	t.Parallel()
	server := &fake{greeting: lines("* OK Coremail System IMap Server Ready"), caps: "IMAP4rev1 ID IDLE", replies: map[string]reply{
		"ID": func(_ net.Conn, tag, _ string) string {
			return lines(`* ID ("name" "Coremail Imap" "vendor" "Mailtech" "TransID" "x")`, tag+" OK ID completed")
		},
	}}
	open(t, server.start(t))
	require.Regexp(t, `(?s)LOGIN.*ID \("name" "waybill" "version" "1" "vendor" "waybill"\).*SELECT`, server.transcript())

	other := &fake{caps: "IMAP4rev1 ID IDLE"}
	open(t, other.start(t))
	require.NotContains(t, other.transcript(), " ID ", "its answer is a risk that is taken only where it must be")
}

func TestGmailIsProvedAliveByNoopAtEachRestart(t *testing.T) {
	t.Parallel()
	server := &fake{greeting: lines("* OK Gimap ready")}
	cfg := server.start(t)
	cfg.IdleRestart = 50 * time.Millisecond
	session, _ := open(t, cfg)
	for range 2 {
		_, err := session.Wait(t.Context())
		require.NoError(t, err)
	}
	require.Regexp(t, `(?s)IDLE\nDONE\n\S+ NOOP\n\S+ IDLE\nDONE\n\S+ NOOP`, server.transcript())
}

func TestGmailIsMarkedReadBeforeTheMoveAndMayCreateNoFolder(t *testing.T) {
	t.Parallel()
	there := func(_ net.Conn, tag, _ string) string { return lines("* SEARCH 5", tag+" OK done") }
	server := &fake{greeting: lines("* OK Gimap ready"), replies: map[string]reply{"UID SEARCH": there}}
	account := openAccount(t, server.start(t))
	require.NoError(t, account.Acknowledge(t.Context(), "INBOX", []string{"7-5"}, mail.Ack{Seen: true, MoveTo: "Done"}))
	require.Regexp(t, `(?s)UID STORE 5 \+FLAGS\.SILENT \(\\Seen\)\n.*UID MOVE 5 "?Done"?$`, server.transcript())
	require.NotContains(t, server.transcript(), "CREATE")
}
