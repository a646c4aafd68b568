package service

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/smtp"
)

// Checker tries a server out, step by step: *smtp.Transport. m is nil when no mail is to be sent.
type Checker interface {
	Check(ctx context.Context, m *smtp.Mail) smtp.Report
}

// Tested is what a try of a server has found out. Its first step is that of the settings.
type Tested struct {
	smtp.Report
	Tenant string // whose settings they are; "": those of tenants without settings of their own
	From   mail.Address
}

// StepSettings is the step before those of the server.
const StepSettings = "settings"

// Test tries the server of a tenant out, and sends a mail unless to has no address. What is switched off is not sent, and the rest is tried. It
// counts as no mail. Steps and advice name the settings of the tenant.
func (s *Service) Test(ctx context.Context, tenant string, to mail.Address) Tested {
	settings := smtp.StepReport{Name: StepSettings, Result: smtp.ResultOK}
	fail := func(setting, found, advice string) {
		settings.Result, settings.Setting, settings.Found, settings.Advice = smtp.ResultFailed, place(s.name(tenant))+"."+setting, found, advice
	}
	a, err := s.Account(tenant)
	r := Tested{Tenant: s.name(tenant), From: a.From, Report: smtp.Report{Server: a.Server}}
	why := s.suppressed(tenant)
	switch {
	case err != nil:
		fail("host", ErrNoServer.Error(), "")
	case why != "":
		fail("enabled", "no mail is sent: "+why, "set it to true, or leave it out")
	case to.Address != "" && a.From.Address == "":
		fail("from.default", "there is no sender", "set it to an address of the account")
	default:
		settings.Found = "sender " + a.From.String()
		if a.From.Address == "" {
			settings.Found = "without a sender: mails must name theirs"
		}
	}
	if checker, ok := a.Sender.(Checker); ok {
		var m *smtp.Mail
		if settings.Result == smtp.ResultOK && to.Address != "" {
			m = testMail(a, to)
		}
		r.Report = checker.Check(ctx, m)
	}
	r.Steps = append([]smtp.StepReport{settings}, r.Steps...)
	for i := range r.Steps[1:] {
		s.localise(&r.Steps[i+1], tenant)
	}
	r.OK = r.Failed() == nil
	return r
}

// localise has a step name the settings of a tenant, where the transport names the default ones.
func (s *Service) localise(step *smtp.StepReport, tenant string) {
	switch step.Setting {
	case "email.to": // it is none: who asks says to whom
		step.Setting = ""
	case "email.from":
		step.Setting = "email.from.default"
	case "email.oauth":
		step.Setting = "email.oauth.token-url"
	}
	for _, text := range []*string{&step.Setting, &step.Advice} {
		*text = strings.ReplaceAll(*text, "email.", place(s.name(tenant))+".")
	}
}

// testMail says what it is, and asks machines not to answer.
func testMail(a Account, to mail.Address) *smtp.Mail {
	_, domain, _ := strings.Cut(a.From.Address, "@")
	return &smtp.Mail{
		From: a.From, To: []mail.Address{to}, Subject: "Test mail of Waybill", AutoSubmitted: "auto-generated",
		MessageID: fmt.Sprintf("<waybill.test.%s@%s>", strings.ToLower(rand.Text()), domain),
		Text:      fmt.Sprintf("This mail was sent to try the mail server %s out. Nothing is to be done.\n", a.Server),
	}
}

var _ Checker = (*smtp.Transport)(nil)
