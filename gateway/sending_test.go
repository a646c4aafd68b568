package gateway

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/mail"
)

func TestAccountOfSender(t *testing.T) {
	key, err := mail.ParseKey(mail.NewKey())
	require.NoError(t, err)
	l := &listeners{Options{Key: key}}
	for text, want := range map[string]string{
		`{"UserName":"u","Password":"p","SenderEmailAddress":"ann@gmail.com"}`:                      "smtp.gmail.com 465 implicit false ann@gmail.com",
		`{"UserName":"u@x.org","Password":"p","smtpUrl":"smtp://smtp.x.org"}`:                       "smtp.x.org 587 starttls false u@x.org",
		`{"UserName":"u@x.org","Password":"p","smtpUrl":"smtps://smtp.x.org"}`:                      "smtp.x.org 465 implicit false u@x.org",
		`{"UserName":"u","AccessToken":"p","UseOAuth":true,"SenderEmailAddress":"a@outlook.com"}`:   "smtp-mail.outlook.com 587 starttls true a@outlook.com",
		`{"Id":"1","UserName":"u@x.org","Password":"p","smtpUrl":"smtp://127.0.0.1:25"}`:            "127.0.0.1 25 none false u@x.org",
		`{"UserName":"u@x.org","Password":"p","smtpUrl":"smtps://smtp.x.org:99","ServiceUrl":"no"}`: "smtp.x.org 99 implicit false u@x.org",
	} {
		var c credentials
		require.NoError(t, json.Unmarshal([]byte(text), &c))
		account, who, address, err := l.smtpAccount(t.Context(), c)
		require.NoError(t, err, text)
		got := account.Host + " " + jsonNumber(account.Port) + " " + account.TLS
		if account.OAuth {
			got += " true "
		} else {
			got += " false "
		}
		require.Equal(t, want, got+address, text)
		require.Equal(t, c.UserName+" "+account.Host+":"+jsonNumber(account.Port), who, "the same user elsewhere is another")
		require.NotEqual(t, "p", account.Password, "it is sealed")
		secret, err := key.Open(account.Password)
		require.NoError(t, err)
		require.Equal(t, "p", secret.Reveal())
	}
	l.Access = gateOf(t, line("crm", "wb_one"))
	for _, host := range []string{"127.0.0.1", "LOCALHOST", "localhost.", "0.0.0.0", "[::]", "[::ffff:0.0.0.0]"} {
		_, _, _, err = l.smtpAccount(t.Context(), credentials{UserName: "u@x.org", Password: "p", SMTPURL: "smtp://" + host + ":25"})
		require.ErrorContains(t, err, "no place for a server of yours", host)
	}
}

// A mailbox that no application made has no server that one named.
func TestMailboxOfTheCommandLineSends(t *testing.T) {
	account, err := sendsFor(contract.MailboxConfig{Username: "ann@gmail.com", Password: "env:ANN", CA: "/ca.pem"})
	require.NoError(t, err)
	require.Equal(t, contract.SMTPAccount{Host: "smtp.gmail.com", Port: 465, TLS: "implicit", Username: "ann@gmail.com", Password: "env:ANN", CA: "/ca.pem"}, account)
	_, err = sendsFor(contract.MailboxConfig{Username: "ann", Of: "sales@example.com"})
	require.ErrorContains(t, err, `mail of "sales@example.com" is not known`)
}
