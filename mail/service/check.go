package service

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/smtp"
)

// Report is what a try of a server has found out.
type Report struct {
	Tenant    string // whose settings they are; "": those of tenants without settings of their own
	Server    string // host:port
	From      mail.Address
	MessageID string // of the mail that was sent; "": none was
	Stages    []Stage
}

// OK tells that no stage failed.
func (r Report) OK() bool {
	return !slices.ContainsFunc(r.Stages, func(s Stage) bool { return s.State == StageFailed })
}

// Stage is a stage of a try, with what was found and what to change.
type Stage struct {
	Stage   string
	State   string
	Found   []string
	Advice  string
	Setting string // such as email.host
	Took    time.Duration
}

// States of a stage.
const (
	StageOK      = "ok"
	StageFailed  = "failed"
	StageSkipped = "skipped"
)

// stageSettings is the stage before those of a server.
const stageSettings = "settings"

// Checker tries a server out, stage by stage; m is nil when no mail is to be sent. Settings are named without the section that they are in,
// such as host.
type Checker interface {
	Check(ctx context.Context, m *smtp.Mail) []Stage
}

// Test tries the server of a tenant out, and sends a mail unless to has no address. What is switched off is not sent, and the rest is tried.
// It counts as no mail.
func (s *Service) Test(ctx context.Context, tenant string, to mail.Address) Report {
	r := Report{Tenant: s.name(tenant)}
	settings := Stage{Stage: stageSettings, State: StageOK}
	fail := func(setting, text string) {
		settings.State, settings.Setting, settings.Advice = StageFailed, s.setting(tenant, setting), text
	}
	a, err := s.Account(tenant)
	why := s.suppressed(tenant)
	switch {
	case err != nil:
		fail("host", ErrNoServer.Error())
	case why != "":
		fail("enabled", "no mail is sent: "+why)
	case to.Address != "" && a.From.Address == "":
		fail("from.default", "a mail needs a sender: set "+s.setting(tenant, "from.default"))
	}
	r.Server, r.From = a.Server, a.From
	if a.Server != "" {
		settings.Found = append(settings.Found, a.Server)
	}
	r.Stages = append(r.Stages, settings)
	checker, ok := a.Sender.(Checker)
	if !ok {
		return r
	}
	var m *smtp.Mail
	if settings.State == StageOK && to.Address != "" {
		m = testMail(a, to)
	}
	for _, stage := range checker.Check(ctx, m) {
		if stage.Setting != "" {
			stage.Setting = s.setting(tenant, stage.Setting)
		}
		if stage.State == StageOK && stage.Stage == "send" && m != nil {
			r.MessageID = m.MessageID
		}
		r.Stages = append(r.Stages, stage)
	}
	return r
}

// setting is the name of a setting of a tenant.
func (s *Service) setting(tenant, name string) string { return place(s.name(tenant)) + "." + name }

// testMail says what it is, and asks machines not to answer.
func testMail(a Account, to mail.Address) *smtp.Mail {
	_, domain, _ := strings.Cut(a.From.Address, "@")
	return &smtp.Mail{
		From: a.From, To: []mail.Address{to}, Subject: "Test mail of Waybill", AutoSubmitted: "auto-generated",
		MessageID: fmt.Sprintf("<waybill.test.%s@%s>", strings.ToLower(rand.Text()), domain),
		Text:      fmt.Sprintf("This mail was sent to try the mail server %s out. Nothing is to be done.\n", a.Server),
	}
}
