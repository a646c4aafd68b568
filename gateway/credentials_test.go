package gateway

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/webhook"
)

func TestConfigOfCredentials(t *testing.T) {
	key, err := mail.ParseKey(mail.NewKey())
	require.NoError(t, err)
	l := &listeners{Options{Key: key, Secret: "env:WAYBILL_WEBHOOK_SECRET"}}
	for text, want := range map[string]string{
		`{"Id":"1","UserName":"u","Password":"p","SenderEmailAddress":"ann@gmail.com"}`:                          "imap imap.gmail.com 993 implicit ",
		`{"Id":"1","UserName":"u","Password":"p","ServiceUrl":"imaps://imap.example.com"}`:                       "imap imap.example.com 993 implicit ",
		`{"Id":"1","UserName":"u","Password":"p","ServiceUrl":"imap://imap.example.com"}`:                        "imap imap.example.com 143 starttls ",
		`{"Id":"1","UserName":"u","Password":"p","ServiceUrl":"https://ex.example.com/EWS/Exchange.asmx"}`:       "ews  0  ",
		`{"Id":"1","UserName":"u","AccessToken":"t","UseOAuth":true,"ServiceUrl":"imaps://imap.example.com:99"}`: "imap imap.example.com 99 implicit xoauth2",
	} {
		var c credentials
		require.NoError(t, json.Unmarshal([]byte(text), &c))
		config, err := l.config(c)
		require.NoError(t, err, text)
		got := config.Source + " " + config.Host + " " + jsonNumber(config.Port) + " " + config.TLS + " " + config.Auth
		require.Equal(t, want, got, text)
		require.True(t, connectors.ValidName(config.Name), config.Name)
		require.False(t, config.Since.IsZero(), "from now on")
		secret, err := key.Open(config.Password)
		require.NoError(t, err)
		require.Contains(t, []string{"p", "t"}, secret.Reveal())
	}
	var c credentials
	require.NoError(t, json.Unmarshal([]byte(`{"Id":"1","UserName":"u","Password":"p","ServiceUrl":"imaps://h","errorPolicy":[ {"class":"auth","retryCount":3} ]}`), &c))
	config, err := l.config(c)
	require.NoError(t, err)
	require.JSONEq(t, `[{"class":"auth","retryCount":3}]`, string(config.ErrorPolicy))
	c.ErrorPolicy = json.RawMessage("null")
	config, err = l.config(c)
	require.NoError(t, err)
	require.Nil(t, config.ErrorPolicy)
	hook := l.webhook(credentials{ID: "1", BpmEndpoint: "https://app.example.com/0/ServiceModel/ExchangeListenerService.svc/", UseFullEmail: true})
	require.NoError(t, hook.Validate())
	require.Equal(t, "https://app.example.com/0/ServiceModel/ExchangeListenerService.svc/ProcessFullEmail", hook.URL)
	require.Equal(t, []string{"env:WAYBILL_WEBHOOK_SECRET"}, hook.Secrets)
	hook = l.webhook(credentials{ID: "1", BpmEndpoint: "https://app.example.com/svc"})
	require.Equal(t, "https://app.example.com/svc/NewEmail", hook.URL)
	require.Equal(t, webhook.NewEmail, hook.Format)
	require.Nil(t, l.webhook(credentials{}))
}

func jsonNumber(n int) string {
	text, _ := json.Marshal(n)
	return string(text)
}

func TestConfigRefuses(t *testing.T) {
	l := &listeners{}
	for text, want := range map[string]string{
		`{}`: "Id is required",
		`{"Id":"1","UserName":"u","Password":"hunter2","ServiceUrl":"imaps://h"}`:                                                            "no key to seal a password with",
		`{"Id":"1","UserName":"u","Password":"env:WAYBILL_MAILBOX_P"}`:                                                                       "ServiceUrl is required",
		`{"Id":"1","UserName":"u","Password":"env:WAYBILL_MAILBOX_P","ServiceUrl":"ftp://h"}`:                                                "https, imaps or imap",
		`{"Id":"1","UserName":"u","Password":"env:WAYBILL_MAILBOX_P","ServiceUrl":"http://h/EWS"}`:                                           "https, imaps or imap",
		`{"Id":"1","UserName":"u","Password":"env:WAYBILL_MAILBOX_P","ServiceUrl":"imaps://a:b@h"}`:                                          "an address such as",
		`{"Id":"1","UserName":"u","UseOAuth":true,"ServiceUrl":"imaps://h"}`:                                                                 "AccessToken with UseOAuth",
		`{"Id":"1","UserName":"u","Password":"env:WAYBILL_SECRET_KEY","ServiceUrl":"imaps://h"}`:                                             "only variables that begin with env:WAYBILL_MAILBOX_",
		`{"Id":"1","UserName":"u","Password":"file:/etc/passwd","ServiceUrl":"imaps://h"}`:                                                   "only variables that begin with",
		`{"Id":"1","UserName":"u","Password":"sealed:AAAA","ServiceUrl":"imaps://h"}`:                                                        "only variables that begin with",
		`{"Id":"1","UserName":"u","Password":"env:WAYBILL_MAILBOX_P","ServiceUrl":"imaps://h","errorPolicy":[{"class":"x","retryCount":1}]}`: `errorPolicy: rule 1: class "x" is unknown`,
		`{"Id":"1","UserName":"u\r\nA LOGOUT","Password":"env:WAYBILL_MAILBOX_P","ServiceUrl":"imaps://h"}`:                                  "UserName: it holds a line break",
		`{"Id":"1","UserName":"u","Password":"env:WAYBILL_MAILBOX_P","ServiceUrl":"imaps://h:99999"}`:                                        `port "99999" is not between 1 and 65535`,
		`{"Id":"1","UserName":"u","Password":"env:WAYBILL_MAILBOX_P","ServiceUrl":"imaps://h","smtpUrl":"smtps://h:0"}`:                      `smtpUrl: port "0" is not between`,
		`{"Id":"1","UserName":"u","Password":"env:WAYBILL_MAILBOX_P","ServiceUrl":"imaps://h","folders":["INBOX","INBOX"]}`:                  `folders: names are expected, each once, not "INBOX"`,
		`{"Id":"1","Password":"env:WAYBILL_MAILBOX_P","ServiceUrl":"imaps://h"}`:                                                             "UserName is required",
	} {
		var c credentials
		require.NoError(t, json.Unmarshal([]byte(text), &c))
		_, err := l.config(c)
		require.ErrorContains(t, err, want, text)
		require.NotContains(t, err.Error(), "hunter2")
	}
}
