package mta

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/smtp"
)

func TestServers(t *testing.T) {
	for _, kind := range Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := Start(t, kind, Options{})
			send := func(tls smtp.TLS, port int, to string) (smtp.Receipt, error) {
				transport, err := smtp.New(smtp.Config{Host: s.Host, Port: port, TLS: tls, Username: Username, Password: Password, RootCAs: s.RootCAs})
				require.NoError(t, err)
				return transport.Send(t.Context(), smtp.Mail{
					From: mail.Address{Address: "a@example.com"}, To: []mail.Address{{Address: to}}, Subject: to, Text: "hello\n",
				})
			}
			_, err := send(smtp.TLSStartTLS, s.Port, "one@example.com")
			require.NoError(t, err)
			_, err = send(smtp.TLSImplicit, s.TLSPort, "two@example.net")
			require.NoError(t, err)
			_, err = send(smtp.TLSStartTLS, s.Port, "unknown@example.com")
			t.Log(err)
			require.ErrorContains(t, err, "550")
			s.PutOff(true)
			_, err = send(smtp.TLSStartTLS, s.Port, "three@example.com")
			t.Log(err)
			require.ErrorContains(t, err, "4.7.1")
			s.PutOff(false)
			s.Stop()
			s.Run()
			_, err = send(smtp.TLSStartTLS, s.Port, "three@example.com")
			require.NoError(t, err)
			s.Kill()
			s.Run()
			_, err = send(smtp.TLSStartTLS, s.Port, "four@example.com")
			require.NoError(t, err)
			require.Eventually(t, func() bool { return len(s.Delivered()) == 4 }, patience, 20*time.Millisecond)
			for _, d := range s.Delivered() {
				require.Contains(t, string(d.Raw), "Subject: "+d.Recipient)
			}
		})
	}
}
