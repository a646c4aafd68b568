package activities

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/worker"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/service"
	"github.com/waybill-io/waybill/mail/smtp"
)

// Mails answers what is asked of the email service of a worker.
type Mails struct {
	client  *client.Client
	service *service.Service
}

// NewMails returns the activities over an email service, and registers its metrics.
func NewMails(c *client.Client, s *service.Service, r prometheus.Registerer) *Mails {
	r.MustRegister(mailMetrics{s})
	return &Mails{c, s}
}

// RegisterMails makes a worker of EmailQueue try the email service out.
func RegisterMails(r worker.ActivityRegistry, m *Mails) {
	register(r, contract.TestEmailActivity, m.Test)
	register(r, contract.EmailHealthActivity, m.Health)
}

// Test tries the server of a tenant out. What is wrong with it is in the report.
func (m *Mails) Test(ctx context.Context, in contract.TestEmail) (contract.EmailReport, error) {
	defer keepAlive(ctx, nil)()
	var test *smtp.Mail
	var problems []string
	if in.To != "" {
		to, err := mail.ParseAddress(in.To)
		if err != nil {
			return contract.EmailReport{}, final(fmt.Errorf("%q is not an address such as ann@example.com", in.To))
		}
		if test, problems, err = m.testMail(ctx, in.Tenant, to); err != nil {
			return contract.EmailReport{}, err
		}
	}
	tested := m.service.Test(ctx, in.Tenant, test)
	report := contract.EmailReport{OK: tested.OK, Server: tested.Server, Tenant: tested.Tenant}
	if tested.From.Address != "" {
		report.From = tested.From.String()
	}
	if r := tested.Receipt; r != nil && len(r.Accepted) > 0 {
		report.MessageID = r.MessageID
	}
	for _, s := range tested.Steps {
		report.Stages = append(report.Stages, contract.EmailStage{
			Stage: s.Name, State: s.Result, Found: s.Found, Setting: s.Setting, Advice: s.Advice, Millis: s.Milliseconds,
		})
	}
	if len(problems) > 0 {
		report.OK = false
		report.Stages = append(report.Stages, contract.EmailStage{
			Stage: "template", State: contract.EmailStageFailed, Found: strings.Join(problems, "; "), Advice: "mend it, or remove it with starter email template remove; the mail was made of the bundled one",
		})
	}
	return report, nil
}

// testMail is the mail that tries the server of a tenant out, made of the template for it. The problems are those of a deployed template.
func (m *Mails) testMail(ctx context.Context, tenant string, to mail.Address) (*smtp.Mail, []string, error) {
	account, err := m.service.Account(tenant)
	if err != nil {
		return nil, nil, nil // the test says so
	}
	notice := contract.Notice{Tenant: tenant, Template: contract.TemplateTest, Data: contract.Variables{
		"sentAt": time.Now().UTC().Format(time.RFC3339), "server": account.Server,
	}}
	w := &noticeWriter{client: m.client, notice: notice, account: account, known: map[string]*writings{}}
	made, problems, err := w.write(ctx, recipient{name: to.Name, address: to.Address})
	return &made, problems, err
}

// worst orders the states of servers, the worst first.
var worst = []string{contract.EmailFailing, contract.EmailUntried, contract.EmailOK, contract.EmailSuppressed, contract.EmailAbsent}

// Health tells what the last mails of this worker say of its servers. It connects to none.
func (m *Mails) Health(context.Context) (contract.EmailHealth, error) {
	health := contract.EmailHealth{Status: contract.EmailAbsent, Servers: []contract.EmailServer{}}
	for _, s := range m.service.Status() {
		e := contract.EmailServer{Tenant: s.Tenant, Server: s.Server, Status: state(s), LastSuccess: moment(s.LastSuccess), LastFailure: moment(s.LastFailure), Cause: s.Failure}
		if s.Suppressed != "" {
			e.Cause = s.Suppressed
		}
		health.Servers = append(health.Servers, e)
		if slices.Index(worst, e.Status) < slices.Index(worst, health.Status) {
			health.Status = e.Status
		}
	}
	return health, nil
}

func state(s service.Status) string {
	switch {
	case s.Suppressed != "":
		return contract.EmailSuppressed
	case s.Failing():
		return contract.EmailFailing
	case s.LastSuccess.IsZero():
		return contract.EmailUntried
	}
	return contract.EmailOK
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	utc := t.UTC()
	return &utc
}
