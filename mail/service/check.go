package service

import (
	"context"
	"crypto/rand"
	"fmt"
	"regexp"
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

// Test tries the server of a tenant out, and sends a mail unless m is nil. What is switched off is not sent, and the rest is tried. It
// counts as no mail. Steps and advice name the settings of the tenant.
func (s *Service) Test(ctx context.Context, tenant string, m *smtp.Mail) Tested {
	settings := smtp.StepReport{Name: StepSettings, Result: smtp.ResultOK}
	fail := func(setting, found, advice string) {
		settings.Result, settings.Setting, settings.Found, settings.Advice = smtp.ResultFailed, setting, found, advice
	}
	a, err := s.Account(tenant)
	tenant = s.name(tenant)
	r := Tested{Tenant: tenant, From: a.From, Report: smtp.Report{Server: a.Server}}
	why, advice := s.suppressed(tenant), "set it to true, or leave it out"
	switch {
	case err != nil:
		fail("email.host", ErrNoServer.Error(), "")
	case s.options.Disabled:
		fail("email.enabled", "no mail is sent: "+why, advice)
	case why != "":
		fail(place(tenant)+".enabled", "no mail is sent: "+why, advice)
	case m != nil && a.From.Address == "":
		fail(a.setting(tenant, "from"), "there is no sender", "set it to an address of the account")
	default:
		settings.Found = "sender " + a.From.String()
		if a.From.Address == "" {
			settings.Found = "without a sender: mails must name theirs"
		}
	}
	if checker, ok := a.Sender.(Checker); ok {
		if settings.Result != smtp.ResultOK {
			m = nil
		}
		if m != nil {
			m = testMail(a, *m)
		}
		r.Report = checker.Check(ctx, m)
	}
	r.Steps = append([]smtp.StepReport{settings}, r.Steps...)
	for i := range r.Steps[1:] {
		localise(&r.Steps[i+1], tenant, a)
	}
	r.OK = r.Failed() == nil
	return r
}

// named is a setting in an advice. What looks like one and is a part of a host name is none.
var named = regexp.MustCompile(`(^|[^\w.@-])email\.(\w+)($|[^\w.-])`)

// localise has a step name the settings that count for a tenant, where the transport names the default ones.
func localise(step *smtp.StepReport, tenant string, a Account) {
	name := strings.TrimPrefix(step.Setting, "email.")
	switch setting := a.setting(tenant, name); {
	case name == "to": // it is none: who asks says to whom
		step.Setting = ""
	case setting != "":
		step.Setting = setting
	}
	step.Advice = named.ReplaceAllStringFunc(step.Advice, func(text string) string {
		parts := named.FindStringSubmatch(text)
		if setting := a.setting(tenant, parts[2]); setting != "" {
			return parts[1] + setting + parts[3]
		}
		return text
	})
}

// setting is that of a tenant, by the name that the transport has for it; "" for one that it does not name.
func (a Account) setting(tenant, name string) string {
	common := false
	switch name {
	case "host", "port", "ssl", "tls", "ca":
		common = a.Common.Server
	case "useCredentials", "username", "password":
		common = a.Common.Login
	case "oauth":
		name, common = "oauth.token-url", a.Common.Login
	case "from":
		name, common = "from.default", a.Common.From
	default:
		return ""
	}
	if common {
		tenant = ""
	}
	return place(tenant) + "." + name
}

// testMail is a mail that asks machines not to answer.
func testMail(a Account, m smtp.Mail) *smtp.Mail {
	if m.From.Address == "" {
		m.From = a.From
	}
	_, domain, _ := strings.Cut(m.From.Address, "@")
	m.AutoSubmitted, m.MessageID = "auto-generated", fmt.Sprintf("<waybill.test.%s@%s>", strings.ToLower(rand.Text()), domain)
	return &m
}

var _ Checker = (*smtp.Transport)(nil)
