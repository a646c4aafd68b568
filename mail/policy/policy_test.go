package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/policy"
)

func TestParseRefuses(t *testing.T) {
	for document, want := range map[string]string{
		``:                                    "a list such as",
		`null`:                                "an empty one never stops",
		`{}`:                                  "a list such as",
		`[] []`:                               "nothing behind it",
		`[{"klass":"auth"}]`:                  `rule 1: unknown field "klass"`,
		`[{"retryCount":1},7]`:                "rule 2: an object such as",
		`[{"class":7,"retryCount":1}]`:        "rule 1: class: text is expected, not number",
		`[{"retryCount":"5"}]`:                "rule 1: retryCount: a whole number is expected, not string",
		`[{"retryCount":1,"stop":"no"}]`:      "rule 1: stop: true or false is expected, not string",
		`[{"retryCount":1,}]`:                 "invalid character '}'",
		`[{"class":"auth"}]`:                  "rule 1: retryCount is required",
		`[{"class":"auth","stop":true}]`:      "rule 1: retryCount is required",
		`[{"class":"auth","retryCount":1.5}]`: "rule 1: retryCount: a whole number is expected, not number 1.5",
		`[{"class":"auth","retryCount":-2}]`:  "rule 1: retryCount -2: 0 or more is expected",
		`[{"retryCount":1},{"class":"athu","retryCount":1}]`: `rule 2: class "athu" is unknown; one of auth, folder-missing, network, protocol, settings, tls, unavailable`,
		`[{"class":"reconnect","retryCount":1}]`:             `class "reconnect" is unknown`,
		`[{"retryCount":-1,"stop":true}]`:                    "one of them is expected",
	} {
		_, err := policy.Parse([]byte(document))
		require.ErrorContains(t, err, want, document)
		require.NotContains(t, err.Error(), "Go ", document)
		require.NotContains(t, err.Error(), "struct", document)
	}
}

func TestFirstRuleThatFits(t *testing.T) {
	rules, err := policy.Parse([]byte(`[
		{"class":"auth","message":"Temporary","retryCount":-1},
		{"class":"auth","retryCount":3},
		{"class":"SocketException","retryCount":100,"stop":false},
		{"class":"MailKit.Security.SslHandshakeException","retryCount":0},
		{"message":"quota","retryCount":2,"stop":true}]`))
	require.NoError(t, err)
	for _, c := range []struct {
		kind    mail.Kind
		message string
		rule    int
		errors  int // with which it stops; 0: never
	}{
		{mail.KindAuth, "NO temporary failure", 0, 0},
		{mail.KindAuth, "NO wrong password", 1, 4},
		{mail.KindNetwork, "reset, over quota", 2, 0},
		{mail.KindTLS, "expired", 3, 1},
		{mail.KindUnavailable, "Over QUOTA", 4, 3},
		{mail.KindUnavailable, "busy", 5, 0},
	} {
		n, rule := rules.For(c.kind, c.message)
		require.Equal(t, c.rule, n, c.message)
		require.Equal(t, c.errors > 0, rule.Ends(1000), c.message)
		if c.errors > 0 {
			require.False(t, rule.Ends(c.errors-1), c.message)
			require.True(t, rule.Ends(c.errors), c.message)
		}
	}
}

func TestDefault(t *testing.T) {
	_, rule := policy.Default(false).For(mail.KindAuth, "NO")
	require.True(t, rule.Ends(9))
	require.False(t, rule.Ends(8))
	for _, kind := range mail.Kinds() {
		_, rule := policy.Default(true).For(kind, "NO")
		require.False(t, rule.Ends(1000), "a token that is refused locks nothing")
		_, rule = policy.Default(false).For(kind, "NO")
		require.Equal(t, kind == mail.KindAuth, rule.Ends(1000), kind)
	}
	rules, err := policy.Parse([]byte(`[]`))
	require.NoError(t, err)
	require.NotNil(t, rules)
}
