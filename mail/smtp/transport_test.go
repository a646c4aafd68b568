package smtp

import (
	"bufio"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	gosmtp "github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
)

const password = "hunter2-secret"

func address(a string) mail.Address { return mail.Address{Address: a} }

func simple(to ...string) Mail {
	m := Mail{From: address("ann@example.com"), Subject: "hello", Text: "body", MessageID: "<1@example.com>"}
	for _, a := range to {
		m.To = append(m.To, address(a))
	}
	return m
}

func send(t *testing.T, cfg Config, m Mail) (Receipt, error) {
	t.Helper()
	transport, err := New(cfg)
	require.NoError(t, err)
	return transport.Send(t.Context(), m)
}

func requireStage(t *testing.T, stage Stage, code int, temporary bool, err error) *Error {
	t.Helper()
	var failure *Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, stage, failure.Stage, "%v", err)
	require.Equal(t, code, failure.Code, "%v", err)
	require.Equal(t, temporary, failure.Temporary, "%v", err)
	require.NotContains(t, err.Error(), password)
	return failure
}

func TestSendOverEachKindOfConnection(t *testing.T) {
	for name, p := range map[string]*peer{
		"starttls":              {},
		"starttls, log-in":      {password: password},
		"starttls, LOGIN":       {password: password, login: true},
		"starttls, token":       {password: password, oauth: true},
		"implicit":              {implicit: true},
		"implicit, log-in":      {implicit: true, password: password},
		"plain on loopback":     {plain: true},
		"plain, log-in, LOGIN":  {plain: true, password: password, login: true},
		"plain, log-in, PLAIN ": {plain: true, password: password},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := p.start(t)
			if p.plain {
				cfg.TLS = TLSNone
			}
			receipt, err := send(t, cfg, simple("bob@example.org"))
			require.NoError(t, err)
			require.Equal(t, Receipt{MessageID: "<1@example.com>", Accepted: []string{"bob@example.org"}}, receipt)
			mails := p.mails()
			require.Len(t, mails, 1)
			require.Equal(t, "ann@example.com", mails[0].from)
			require.Contains(t, mails[0].raw, "Message-ID: <1@example.com>\r\n")
		})
	}
}

func refusal(code int, enhanced gosmtp.EnhancedCode, text string) error {
	return &gosmtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: text}
}

func TestRefusals(t *testing.T) {
	greylisted := refusal(451, gosmtp.EnhancedCode{4, 7, 1}, "greylisted")
	unknown := refusal(550, gosmtp.EnhancedCode{5, 1, 1}, "user unknown")
	for name, c := range map[string]struct {
		peer      *peer
		stage     Stage
		code      int
		temporary bool
		enhanced  string
	}{
		"sender, temporary":     {&peer{mailError: refusal(450, gosmtp.EnhancedCode{4, 3, 0}, "busy")}, StageMail, 450, true, "4.3.0"},
		"sender, permanent":     {&peer{mailError: refusal(553, gosmtp.EnhancedCode{5, 1, 8}, "bad sender")}, StageMail, 553, false, "5.1.8"},
		"recipients, temporary": {&peer{rcptError: map[string]error{"a@x.org": greylisted, "b@x.org": unknown}}, StageRcpt, 451, true, "4.7.1"},
		"recipients, permanent": {&peer{rcptError: map[string]error{"a@x.org": unknown, "b@x.org": unknown}}, StageRcpt, 550, false, "5.1.1"},
		"content, temporary":    {&peer{dataError: refusal(452, gosmtp.EnhancedCode{4, 3, 1}, "disk full")}, StageData, 452, true, "4.3.1"},
		"content, permanent":    {&peer{dataError: refusal(554, gosmtp.EnhancedCode{5, 6, 0}, "spam")}, StageData, 554, false, "5.6.0"},
	} {
		t.Run(name, func(t *testing.T) {
			receipt, err := send(t, c.peer.start(t), simple("a@x.org", "b@x.org"))
			failure := requireStage(t, c.stage, c.code, c.temporary, err)
			require.Equal(t, c.enhanced, failure.EnhancedCode)
			require.Empty(t, receipt.Accepted)
			require.Equal(t, "<1@example.com>", receipt.MessageID)
			require.Empty(t, c.peer.mails())
		})
	}

	t.Run("some recipients", func(t *testing.T) {
		p := &peer{rcptError: map[string]error{"b@x.org": unknown, "d@x.org": greylisted}}
		m := simple("a@x.org", "b@x.org")
		m.Cc, m.Bcc = []mail.Address{address("c@x.org")}, []mail.Address{address("d@x.org"), address("A@x.org")}
		receipt, err := send(t, p.start(t), m)
		require.NoError(t, err)
		require.Equal(t, []string{"a@x.org", "c@x.org"}, receipt.Accepted)
		require.Equal(t, []RecipientError{
			{"b@x.org", 550, "5.1.1", "user unknown"},
			{"d@x.org", 451, "4.7.1", "greylisted"},
		}, receipt.Refused)
		require.True(t, receipt.Refused[1].Temporary())
		require.Equal(t, []string{"a@x.org", "c@x.org"}, p.mails()[0].to)
	})

	t.Run("password", func(t *testing.T) {
		for _, p := range []*peer{{}, {login: true}, {oauth: true}} {
			p.password = password + "-other"
			cfg := p.start(t)
			cfg.Password = password
			_, err := send(t, cfg, simple("a@x.org"))
			requireStage(t, StageAuth, 535, false, err)
			require.ErrorContains(t, err, "no: ********")
		}
	})
	t.Run("no log-in offered", func(t *testing.T) {
		cfg := (&peer{}).start(t)
		cfg.Username, cfg.Password = "ann", password
		_, err := send(t, cfg, simple("a@x.org"))
		requireStage(t, StageAuth, 0, false, err)
	})
}

func TestTLSIsNeverDowngraded(t *testing.T) {
	t.Run("STARTTLS not offered", func(t *testing.T) {
		p := &peer{plain: true, password: password}
		_, err := send(t, p.start(t), simple("a@x.org"))
		requireStage(t, StageTLS, 0, false, err)
		require.ErrorContains(t, err, "does not offer STARTTLS")
		require.Empty(t, p.mails())
	})
	t.Run("unknown certificate", func(t *testing.T) {
		for _, implicit := range []bool{false, true} {
			cfg := (&peer{implicit: implicit}).start(t)
			cfg.RootCAs = x509.NewCertPool()
			_, err := send(t, cfg, simple("a@x.org"))
			requireStage(t, StageTLS, 0, false, err)
		}
	})
	t.Run("certificate of another host", func(t *testing.T) {
		cfg := (&peer{}).start(t)
		cfg.Host = "localhost"
		_, err := send(t, cfg, simple("a@x.org"))
		requireStage(t, StageTLS, 0, false, err)
	})
	t.Run("server without TLS on the implicit port", func(t *testing.T) {
		cfg := (&peer{plain: true}).start(t)
		cfg.TLS = TLSImplicit
		_, err := send(t, cfg, simple("a@x.org"))
		requireStage(t, StageTLS, 0, false, err)
	})
}

func TestConfigValidate(t *testing.T) {
	require.NoError(t, Config{Host: "mail.example.com"}.Validate())
	require.NoError(t, Config{Host: "mail.example.com", TLS: TLSNone, AllowPlain: true}.Validate())
	require.ErrorContains(t, Config{Host: "mail.example.com", TLS: TLSNone}.Validate(), "in the clear")
	err := Config{TLS: "ssl", Username: "ann", Port: 70000, Helo: "a b", Timeout: -1}.Validate()
	for _, text := range []string{"host", "port 70000", "both", "helo", `"ssl"`, "negative"} {
		require.ErrorContains(t, err, text)
	}
}

// script is a server that says one prepared line for each that it reads, and then what the test wants.
func script(t *testing.T, greeting string, after func(net.Conn, *bufio.Reader)) Config {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		c, err := listener.Accept()
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		_, _ = io.WriteString(c, greeting)
		if after != nil {
			after(c, bufio.NewReader(c))
		}
	}()
	return Config{Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, TLS: TLSNone, Timeout: 500 * time.Millisecond}
}

// talk answers commands until DATA, which it leaves to the test.
func talk(c net.Conn, r *bufio.Reader) {
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		if strings.HasPrefix(line, "DATA") {
			_, _ = io.WriteString(c, "354 go on\r\n")
			return
		}
		_, _ = io.WriteString(c, "250 ok\r\n")
	}
}

func TestServersThatFail(t *testing.T) {
	large := simple("a@x.org")
	large.Attachments = []Attachment{{Name: "zeros", Open: func() (io.ReadCloser, error) {
		return io.NopCloser(io.LimitReader(zeros{}, 32<<20)), nil
	}}}
	hang := func(c net.Conn, r *bufio.Reader) { _, _ = io.Copy(io.Discard, r) }
	t.Run("nobody there", func(t *testing.T) {
		cfg := script(t, "", nil)
		cfg.Port = 1
		_, err := send(t, cfg, large)
		requireStage(t, StageDial, 0, true, err)
	})
	t.Run("no service", func(t *testing.T) {
		_, err := send(t, script(t, "554 no mail here\r\n", nil), large)
		requireStage(t, StageDial, 554, false, err)
	})
	t.Run("busy", func(t *testing.T) {
		_, err := send(t, script(t, "421 4.3.2 shutting down\r\n", nil), large)
		requireStage(t, StageDial, 421, true, err)
	})
	t.Run("silent from the start", func(t *testing.T) {
		_, err := send(t, script(t, "", hang), large)
		requireStage(t, StageDial, 0, true, err)
	})
	t.Run("cut in DATA", func(t *testing.T) {
		_, err := send(t, script(t, "220 hi\r\n", func(c net.Conn, r *bufio.Reader) {
			talk(c, r)
			_, _ = io.CopyN(io.Discard, r, 1000)
		}), large)
		requireStage(t, StageData, 0, true, err)
	})
	t.Run("hangs up with the reason in DATA", func(t *testing.T) {
		_, err := send(t, script(t, "220 hi\r\n", func(c net.Conn, r *bufio.Reader) {
			talk(c, r)
			_, _ = io.CopyN(io.Discard, r, 1000)
			_, _ = io.WriteString(c, "552 5.3.4 too large\r\n")
		}), large)
		requireStage(t, StageData, 552, false, err)
	})
	t.Run("takes no data", func(t *testing.T) {
		done := make(chan struct{})
		defer close(done)
		_, err := send(t, script(t, "220 hi\r\n", func(c net.Conn, r *bufio.Reader) { talk(c, r); <-done }), large)
		requireStage(t, StageData, 0, true, err)
	})
	t.Run("no answer to the mail", func(t *testing.T) {
		cfg := script(t, "220 hi\r\n", func(c net.Conn, r *bufio.Reader) { talk(c, r); hang(c, r) })
		cfg.DataTimeout = 100 * time.Millisecond
		_, err := send(t, cfg, simple("a@x.org"))
		require.True(t, requireStage(t, StageData, 0, true, err).Uncertain)
	})
	t.Run("421 at a recipient", func(t *testing.T) {
		_, err := send(t, script(t, "220 hi\r\n", func(c net.Conn, r *bufio.Reader) {
			for _, reply := range []string{"250 hi", "250 ok", "421 4.7.0 too many errors"} {
				_, _ = r.ReadString('\n')
				_, _ = io.WriteString(c, reply+"\r\n")
			}
		}), simple("a@x.org", "b@x.org"))
		requireStage(t, StageRcpt, 421, true, err)
	})
	t.Run("says more than there is to say", func(t *testing.T) {
		cfg := script(t, "", func(c net.Conn, _ *bufio.Reader) {
			for { // until the client is gone
				if _, err := io.WriteString(c, "220-"+strings.Repeat("welcome ", 50)+"\r\n"); err != nil {
					return
				}
			}
		})
		cfg.Timeout = time.Minute
		_, err := send(t, cfg, large)
		requireStage(t, StageDial, 0, true, err)
		require.ErrorContains(t, err, "more than 262144 bytes")
		for _, said := range []string{"554 ", "no mail server, but "} {
			_, err = send(t, script(t, said+strings.Repeat("ü", 50_000)+"\r\n", hang), large)
			require.Less(t, len(err.Error()), 1100)
			require.ErrorContains(t, err, "üüü...")
		}
	})
	t.Run("context", func(t *testing.T) {
		for name, after := range map[string]func(net.Conn, *bufio.Reader){
			"greeting": hang,
			"answer":   func(c net.Conn, r *bufio.Reader) { _, _ = io.WriteString(c, "220 hi\r\n"); talk(c, r); hang(c, r) },
		} {
			cfg := script(t, "", after)
			cfg.Timeout, cfg.DataTimeout = time.Hour, time.Hour
			transport, err := New(cfg)
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			_, err = transport.Send(ctx, simple("a@x.org"))
			require.ErrorIs(t, err, context.DeadlineExceeded, name)
			var failure *Error
			require.ErrorAs(t, err, &failure)
			require.True(t, failure.Temporary)
			require.Equal(t, name == "answer", failure.Uncertain)
		}
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestAttachmentsAreStreamed(t *testing.T) {
	const mib = 1 << 20
	p := &peer{discard: true}
	m := simple("a@x.org")
	m.Attachments = []Attachment{{Name: "zeros", Open: func() (io.ReadCloser, error) {
		return io.NopCloser(io.LimitReader(zeros{}, 25*mib)), nil
	}}}
	cfg := p.start(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := send(t, cfg, m)
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	require.Greater(t, p.mails()[0].size, int64(25*mib*4/3))
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(16*mib), "all that client and server ever allocated")
}

func TestAttachmentThatCannotBeReadSendsNothing(t *testing.T) {
	broken := errors.New("store is down")
	for name, open := range map[string]func() (io.ReadCloser, error){
		"open": func() (io.ReadCloser, error) { return nil, broken },
		"read": func() (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(io.LimitReader(zeros{}, 100_000), iotest.ErrReader(broken))), nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := &peer{}
			m := simple("a@x.org")
			m.Attachments = []Attachment{{Name: "x.bin", Open: open}}
			receipt, err := send(t, p.start(t), m)
			requireStage(t, StageCompose, 0, true, err)
			require.ErrorIs(t, err, broken)
			require.Empty(t, receipt.Accepted)
			require.Empty(t, p.mails(), "half a mail is no mail")
		})
	}
}

func TestSendConcurrently(t *testing.T) {
	p := &peer{}
	transport, err := New(p.start(t))
	require.NoError(t, err)
	failed := make(chan error)
	for i := range 8 {
		go func() {
			_, err := transport.Send(t.Context(), simple(fmt.Sprintf("a%d@x.org", i)))
			failed <- err
		}()
	}
	for range 8 {
		require.NoError(t, <-failed)
	}
	require.Len(t, p.mails(), 8)
}
