package activities

import (
	"context"
	"errors"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/service"
	"github.com/waybill-io/waybill/mail/smtp"
)

// outgoing is a mail server that is away when it is told so.
type outgoing struct{ away bool }

func (o *outgoing) Send(context.Context, smtp.Mail) (smtp.Receipt, error) {
	if o.away {
		return smtp.Receipt{}, &smtp.Error{Stage: smtp.StageDial, Temporary: true, Err: errors.New("connection refused")}
	}
	return smtp.Receipt{}, nil
}

func TestHealthOfMails(t *testing.T) {
	server := &outgoing{}
	one := map[string]service.Account{"": {Sender: server, From: mail.Address{Address: "desk@example.com"}}}
	for name, test := range map[string]struct {
		options    service.Options
		away, send bool
		want       string
	}{
		"no server":  {want: contract.EmailAbsent},
		"untried":    {options: service.Options{Accounts: one}, want: contract.EmailUntried},
		"sent":       {options: service.Options{Accounts: one}, send: true, want: contract.EmailOK},
		"away":       {options: service.Options{Accounts: one}, send: true, away: true, want: contract.EmailFailing},
		"off":        {options: service.Options{Disabled: true, Accounts: one}, send: true, want: contract.EmailSuppressed},
		"one of two": {options: service.Options{Accounts: map[string]service.Account{"": one[""], "acme": {Sender: server}}}, send: true, want: contract.EmailUntried},
	} {
		t.Run(name, func(t *testing.T) {
			server.away = test.away
			s := service.New(test.options)
			registry := prometheus.NewRegistry()
			m := NewMails(nil, s, registry)
			if test.send {
				_, err := s.Send(t.Context(), "", smtp.Mail{})
				require.Equal(t, test.away, err != nil)
			}
			health, err := m.Health(t.Context())
			require.NoError(t, err)
			require.Equal(t, test.want, health.Status)
			require.Len(t, health.Servers, len(test.options.Accounts))
			if test.away {
				require.Equal(t, "smtp: dial: connection refused", health.Servers[0].Cause)
				require.NotNil(t, health.Servers[0].LastFailure)
			}
			families, err := registry.Gather()
			require.NoError(t, err)
			names := map[string]bool{}
			for _, f := range families {
				names[f.GetName()] = true
			}
			require.Equal(t, test.send, names["waybill_emails_total"])
			require.Equal(t, test.away, names["waybill_email_last_failure_timestamp_seconds"])
			require.Equal(t, test.send && !test.away && !test.options.Disabled, names["waybill_email_last_success_timestamp_seconds"])
		})
	}
}

// checked is a server that takes every mail that tries it out.
type checked struct {
	outgoing
	mails []*smtp.Mail
}

func (c *checked) Check(_ context.Context, m *smtp.Mail) smtp.Report {
	c.mails = append(c.mails, m)
	return smtp.Report{OK: true, Server: "mx:25", Steps: []smtp.StepReport{{Name: "send", Result: smtp.ResultOK}}}
}

func TestTheTestMailIsMadeOfItsTemplate(t *testing.T) {
	server := &checked{}
	account := service.Account{Sender: server, Server: "mx:25", From: mail.Address{Address: "w@example.com"}}
	s := service.New(service.Options{Accounts: map[string]service.Account{"": account, "acme": account, "broken": account}})
	r := &registries{entries: map[string]map[string]any{contract.TemplatesID: {
		"acme/test/": map[string]any{"subject": "Does {{.server}} work?", "text": "{{.sentAt}}"}, "broken/test/": map[string]any{"subject": "x", "text": "{{.nope}}"},
	}}}
	m := NewMails(client.New(r), s, prometheus.NewRegistry())
	test := func(in contract.TestEmail) contract.EmailReport {
		var suite testsuite.WorkflowTestSuite
		env := suite.NewTestActivityEnvironment()
		env.RegisterActivityWithOptions(m.Test, activity.RegisterOptions{Name: contract.TestEmailActivity})
		value, err := env.ExecuteActivity(contract.TestEmailActivity, in)
		require.NoError(t, err)
		var report contract.EmailReport
		require.NoError(t, value.Get(&report))
		return report
	}
	require.True(t, test(contract.TestEmail{To: "Ann <ann@example.com>"}).OK)
	require.Contains(t, server.mails[0].HTML, "mx:25")
	require.Equal(t, []mail.Address{{Name: "Ann", Address: "ann@example.com"}}, server.mails[0].To)
	require.Equal(t, "w@example.com", server.mails[0].From.Address)
	require.NoError(t, server.mails[0].Validate())
	require.True(t, test(contract.TestEmail{To: "ann@example.com", Tenant: "acme"}).OK)
	require.Equal(t, "Does mx:25 work?", server.mails[1].Subject)

	report := test(contract.TestEmail{To: "ann@example.com", Tenant: "broken"})
	require.False(t, report.OK)
	require.Contains(t, report.Stages[2].Found, `no entry for key "nope"`)
	require.Equal(t, "Test mail of Waybill", server.mails[2].Subject)
	require.True(t, test(contract.TestEmail{}).OK)
	require.Nil(t, server.mails[3])
}
