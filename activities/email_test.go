package activities

import (
	"context"
	"errors"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
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
			m := NewMails(s, registry)
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
