package service

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/smtp"
)

// sender is a transport that answers as it is told.
type sender struct {
	err     error
	sent    []smtp.Mail
	checked []*smtp.Mail
	steps   []smtp.StepReport
}

func (s *sender) Send(_ context.Context, m smtp.Mail) (smtp.Receipt, error) {
	s.sent = append(s.sent, m)
	return smtp.Receipt{MessageID: m.MessageID}, s.err
}

func (s *sender) Check(_ context.Context, m *smtp.Mail) smtp.Report {
	s.checked = append(s.checked, m)
	return smtp.Report{Server: "h:25", Steps: append([]smtp.StepReport{}, s.steps...)}
}

var (
	desk = mail.Address{Name: "Desk", Address: "desk@example.com"}
	ann  = mail.Address{Address: "ann@example.com"}

	toAnn = &smtp.Mail{To: []mail.Address{ann}, Subject: "Test", Text: "It works."}
)

func TestWithoutAServer(t *testing.T) {
	_, err := New(Options{}).Send(t.Context(), "acme", smtp.Mail{})
	require.ErrorIs(t, err, ErrNoServer)
	require.EqualError(t, err, `send a mail of tenant "acme": no mail server is set up: set email.host (EMAIL_HOST)`)
	require.Empty(t, New(Options{}).Status())
	r := New(Options{}).Test(t.Context(), "", toAnn)
	require.False(t, r.OK)
	require.Equal(t, []smtp.StepReport{{Name: "settings", Result: "failed", Setting: "email.host", Found: "no mail server is set up: set email.host (EMAIL_HOST)"}}, r.Steps)
}

func TestOutcomesAreCounted(t *testing.T) {
	for name, test := range map[string]struct {
		err     error
		want    []Count
		failing bool
		failure string
	}{
		"sent":        {nil, []Count{{Outcome: Sent, Mails: 1}}, false, ""},
		"cancelled":   {&smtp.Error{Stage: smtp.StageDial, Temporary: true, Err: context.Canceled}, nil, false, ""},
		"no server":   {&smtp.Error{Stage: smtp.StageDial, Temporary: true, Err: errors.New("connection refused")}, []Count{{Outcome: Failed, Stage: "dial", Mails: 1}}, true, "smtp: dial: connection refused"},
		"log-in":      {&smtp.Error{Stage: smtp.StageAuth, Code: 535, Err: errors.New("535 no")}, []Count{{Outcome: Failed, Stage: "auth", Mails: 1}}, true, "smtp: auth: 535 no"},
		"recipient":   {&smtp.Error{Stage: smtp.StageRcpt, Code: 550, Err: errors.New("550 ann@example.com")}, []Count{{Outcome: Refused, Stage: "rcpt", Mails: 1}}, false, ""},
		"greylisted":  {&smtp.Error{Stage: smtp.StageRcpt, Code: 450, Temporary: true, Err: errors.New("450 later")}, []Count{{Outcome: Refused, Stage: "rcpt", Mails: 1}}, false, ""},
		"content":     {&smtp.Error{Stage: smtp.StageData, Code: 554, Err: errors.New("554 spam")}, []Count{{Outcome: Refused, Stage: "data", Mails: 1}}, false, ""},
		"server full": {&smtp.Error{Stage: smtp.StageMail, Code: 452, Temporary: true, Err: errors.New("452 ann@example.com")}, []Count{{Outcome: Failed, Stage: "mail", Mails: 1}}, true, "the server answered with a temporary refusal at stage mail"},
		"cut off":     {&smtp.Error{Stage: smtp.StageData, Temporary: true, Err: errors.New("EOF")}, []Count{{Outcome: Failed, Stage: "data", Mails: 1}}, true, "the connection broke at stage data"},
		"unanswered": {
			&smtp.Error{Stage: smtp.StageData, Temporary: true, Uncertain: true, Err: errors.New("EOF")},
			[]Count{{Outcome: Failed, Stage: "data", Mails: 1}, {Outcome: Uncertain, Mails: 1}}, true, "the connection broke at stage data",
		},
		"unreadable file": {&smtp.Error{Stage: smtp.StageCompose, Temporary: true, Err: errors.New("store away")}, []Count{{Outcome: Refused, Stage: "compose", Mails: 1}}, false, ""},
		"too large":       {&smtp.Error{Stage: smtp.StageCompose, Err: errors.New("larger than allowed")}, []Count{{Outcome: Refused, Stage: "compose", Mails: 1}}, false, ""},
		"no log-in":       {&smtp.Error{Stage: smtp.StageMail, Code: 530, Err: errors.New("530 5.7.0")}, []Count{{Outcome: Failed, Stage: "mail", Mails: 1}}, true, "the server wants a log-in, or TLS, before it takes mail (530)"},
		"something":       {errors.New("x"), []Count{{Outcome: Failed, Mails: 1}}, true, "the mail could not be sent"},
	} {
		t.Run(name, func(t *testing.T) {
			s := New(Options{Accounts: map[string]Account{"": {Sender: &sender{err: test.err}, Server: "h:25", From: desk}}})
			_, err := s.Send(t.Context(), "", smtp.Mail{})
			require.Equal(t, test.err, err)
			require.ElementsMatch(t, test.want, s.Counts())
			status := s.Status()
			require.Len(t, status, 1)
			require.Equal(t, test.failing, status[0].Failing())
			require.Equal(t, test.failure, status[0].Failure)
			require.Equal(t, "h:25", status[0].Server)
		})
	}
}

// A mail that waited for its turn until its time was over says nothing of the server.
func TestWaitingIsNoFailureOfTheServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // of which a connection is never answered
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	m := smtp.Mail{From: desk, To: []mail.Address{ann}, Text: "x"}
	for name, limit := range map[string]Server{"connections": {Connections: 1}, "rate": {Connections: 9, Rate: 0.001}} {
		t.Run(name, func(t *testing.T) {
			limit.Host, limit.Port = "127.0.0.1", l.Addr().(*net.TCPAddr).Port
			s, err := Open(Config{Servers: map[string]Server{"": limit}}, nil)
			require.NoError(t, err)
			ctx, cancel := context.WithCancel(t.Context())
			first := make(chan struct{})
			go func() {
				defer close(first)
				_, _ = s.Send(ctx, "", m)
			}()
			c, err := l.Accept()
			require.NoError(t, err)
			late, end := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer end()
			_, err = s.Send(late, "", m)
			require.Error(t, err)
			cancel()
			<-first
			_ = c.Close()
			require.Equal(t, []Count{{Outcome: Failed, Stage: "wait", Mails: 1}}, s.Counts())
			require.False(t, s.Status()[0].Failing())
		})
	}
}

func TestAFailureIsOverWithTheNextMail(t *testing.T) {
	out := &sender{err: &smtp.Error{Stage: smtp.StageDial, Temporary: true, Err: errors.New("x")}}
	s := New(Options{Accounts: map[string]Account{"": {Sender: out, From: desk}}})
	_, err := s.Send(t.Context(), "", smtp.Mail{})
	require.Error(t, err)
	require.True(t, s.Status()[0].Failing())
	out.err = nil
	_, err = s.Send(Attempt(t.Context(), 2), "", smtp.Mail{})
	require.NoError(t, err)
	require.False(t, s.Status()[0].Failing())
	require.Contains(t, s.Counts(), Count{Outcome: Repeated, Mails: 1})
}

// A mail that nobody sends is an error of the settings, and none of the mail.
func TestWithoutASender(t *testing.T) {
	out := &sender{}
	s := New(Options{Accounts: map[string]Account{"acme": {Sender: out, Server: "h:25"}}})
	_, err := s.Send(t.Context(), "acme", smtp.Mail{To: []mail.Address{ann}})
	require.ErrorIs(t, err, ErrNoSender)
	require.EqualError(t, err, "the mail names no sender, and the settings have none: set email.tenant.acme.from.default")
	require.Empty(t, out.sent)
	require.Equal(t, []Count{{Tenant: "acme", Outcome: Failed, Mails: 1}}, s.Counts())
	require.True(t, s.Status()[0].Failing())
	require.Equal(t, err.Error(), s.Status()[0].Failure)
	_, err = s.Send(t.Context(), "acme", smtp.Mail{From: desk})
	require.NoError(t, err, "it names its own")
}

func TestSwitchedOffWithoutAServer(t *testing.T) {
	require.Equal(t, []Status{{Suppressed: "email.enabled is false"}}, New(Options{Disabled: true}).Status())
}

func TestSuppression(t *testing.T) {
	out := &sender{}
	accounts := map[string]Account{"": {Sender: out, From: desk}, "acme": {Sender: out, Suppressed: "email.tenant.acme.enabled is false"}}
	s := New(Options{Accounts: accounts})
	r, err := s.Send(t.Context(), "acme", smtp.Mail{MessageID: "<1@x>"})
	require.NoError(t, err)
	require.Equal(t, Result{Receipt: smtp.Receipt{MessageID: "<1@x>"}, Suppressed: "email.tenant.acme.enabled is false"}, r)
	require.Empty(t, out.sent)
	r, err = s.Send(t.Context(), "globex", smtp.Mail{})
	require.NoError(t, err)
	require.Empty(t, r.Suppressed)
	require.Equal(t, desk, out.sent[0].From)

	off := New(Options{Disabled: true, Accounts: accounts})
	for _, service := range []*Service{off, off.With(Account{Sender: out}), New(Options{Disabled: true})} {
		r, err := service.Send(t.Context(), "globex", smtp.Mail{})
		require.NoError(t, err)
		require.Equal(t, "email.enabled is false", r.Suppressed)
	}
	require.Len(t, out.sent, 1)
}

// closing is a sender that is closed.
type closing struct {
	sender
	closed bool
}

func (c *closing) Close() error {
	c.closed = true
	return nil
}

func TestWith(t *testing.T) {
	out := &closing{}
	s := New(Options{Accounts: map[string]Account{"": {Sender: &sender{}, From: desk}, "acme": {Sender: &sender{}}, "off": {Suppressed: "email.tenant.off.enabled is false"}}})
	own := s.With(Account{Sender: out, From: ann})
	r, err := own.Send(t.Context(), "off", smtp.Mail{})
	require.NoError(t, err)
	require.Equal(t, "email.tenant.off.enabled is false", r.Suppressed)
	for _, tenant := range []string{"", "acme", "globex"} {
		r, err = own.Send(t.Context(), tenant, smtp.Mail{})
		require.NoError(t, err)
		require.Empty(t, r.Suppressed)
	}
	require.Len(t, out.sent, 3)
	require.Equal(t, ann, out.sent[0].From)
	require.Same(t, s.Pool(), own.Pool())
	require.NoError(t, s.Close())
	require.True(t, out.closed, "nobody else does")
}

func TestTestNamesSettingsOfTheTenant(t *testing.T) {
	out := &sender{steps: []smtp.StepReport{
		{Name: "dns", Result: "ok"}, {Name: "tls", Result: "failed", Setting: "email.ssl", Advice: "set email.ssl=false, email.tls=true"},
		{Name: "send", Setting: "email.from"}, {Name: "send", Setting: "email.to"},
	}}
	s := New(Options{Accounts: map[string]Account{
		"": {Sender: out, Server: "h:25"}, "acme": {Sender: out, Server: "h:25", From: desk},
		"off": {Sender: out, From: desk, Suppressed: "email.tenant.off.enabled is false"},
	}})

	r := s.Test(t.Context(), "acme", toAnn)
	require.False(t, r.OK)
	require.Equal(t, "acme", r.Tenant)
	require.Equal(t, "h:25", r.Server)
	require.Equal(t, []smtp.StepReport{
		{Name: "settings", Result: "ok", Found: `sender "Desk" <desk@example.com>`},
		{Name: "dns", Result: "ok"}, {Name: "tls", Result: "failed", Setting: "email.tenant.acme.ssl", Advice: "set email.tenant.acme.ssl=false, email.tenant.acme.tls=true"},
		{Name: "send", Setting: "email.tenant.acme.from.default"}, {Name: "send"},
	}, r.Steps)
	require.Equal(t, []mail.Address{ann}, out.checked[0].To)
	require.NoError(t, out.checked[0].Validate())
	require.Empty(t, s.Counts(), "it is no mail of a process")

	inherited := Common{Server: true, Login: true}
	for text, want := range map[string]string{
		"set email.host to a name that the certificate is for: mx.email.tls.example, email.example, a@email.host": "set email.host to a name that the certificate is for: mx.email.tls.example, email.example, a@email.host",
		"look at email.username, which is mostly the whole address, and email.password":                           "look at email.username, which is mostly the whole address, and email.password",
		"email.from": "email.tenant.shared.from.default", "email.oauth": "email.oauth.token-url", "email.to": "", "email.ca": "email.ca",
	} {
		step := smtp.StepReport{Setting: text, Advice: text}
		localise(&step, "shared", Account{Common: inherited})
		if strings.Contains(text, " ") {
			require.Equal(t, want, step.Advice)
		} else {
			require.Equal(t, want, step.Setting)
		}
	}
	off := New(Options{Disabled: true, Accounts: map[string]Account{"acme": {Sender: out, Server: "h:25", From: desk}}})
	require.Equal(t, "email.enabled", off.Test(t.Context(), "acme", toAnn).Steps[0].Setting)

	r = s.Test(t.Context(), "globex", toAnn)
	require.Empty(t, r.Tenant)
	require.Equal(t, smtp.StepReport{Name: "settings", Result: "failed", Setting: "email.from.default", Found: "there is no sender", Advice: "set it to an address of the account"}, r.Steps[0])
	require.Equal(t, "set email.ssl=false, email.tls=true", r.Steps[2].Advice)
	require.Nil(t, out.checked[2], "the rest is tried")
	r = s.Test(t.Context(), "off", toAnn)
	require.Equal(t, "email.tenant.off.enabled", r.Steps[0].Setting)
	require.Nil(t, out.checked[3])
	s.Test(t.Context(), "acme", nil)
	require.Nil(t, out.checked[4])
}

func TestOpen(t *testing.T) {
	one := Server{Host: "h", TLS: smtp.TLSStartTLS, Username: "u", Password: "p", Identity: Identity{From: desk, BaseURL: "https://h/"}}
	same, other := one, one
	same.Identity.From, other.Port = ann, 2525
	s, err := Open(Config{Servers: map[string]Server{"": one, "same": same, "other": other, "none": {}}}, nil)
	require.NoError(t, err)
	account := func(tenant string) Account {
		a, err := s.Account(tenant)
		require.NoError(t, err)
		return a
	}
	require.Same(t, account("").Sender, account("same").Sender, "they share their connections")
	require.NotSame(t, account("").Sender, account("other").Sender)
	require.Equal(t, ann, account("same").From)
	require.Equal(t, "https://h", account("").BaseURL)
	require.Equal(t, []string{"h:587", "h:2525", "h:587"}, []string{account("").Server, account("other").Server, account("none").Server})
	_, err = Open(Config{Servers: map[string]Server{"acme": {Host: "h", Username: "u", OAuth: OAuth{ClientID: "i"}}, "": {Host: "h", CA: "/none"}}}, nil)
	require.ErrorContains(t, err, "email.tenant.acme: oauth is set, and this worker keeps no credentials")
	require.ErrorContains(t, err, "email: read certificate authorities")
}
