package activities

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/mail"
)

func TestTokenSaysWhenItEnds(t *testing.T) {
	jwt := func(claims string) string {
		part := base64.RawURLEncoding.EncodeToString
		return part([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + part([]byte(claims)) + "." + part([]byte("signature"))
	}
	at := time.Date(2030, 3, 2, 9, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		token string
		want  time.Time
	}{
		"it says":              {jwt(`{"aud":"https://outlook.office.com","exp":1898672400}`), at},
		"with a fraction":      {jwt(`{"exp":1898672400.75}`), at},
		"with padding":         {strings.Replace(jwt(`{"exp":1898672400 }`), ".c", "=.c", 1), at},
		"it does not":          {jwt(`{"aud":"x"}`), time.Time{}},
		"null":                 {jwt(`{"exp":null}`), time.Time{}},
		"text":                 {jwt(`{"exp":"1898672400"}`), time.Time{}},
		"before time began":    {jwt(`{"exp":-1}`), time.Time{}},
		"beyond all time":      {jwt(`{"exp":1e300}`), time.Time{}},
		"of Google, opaque":    {"ya29.a0AfH6SMBx-hunter2", time.Time{}},
		"no base64":            {"a.!.c", time.Time{}},
		"no JSON":              {"a.aGVsbG8.c", time.Time{}},
		"encrypted, five":      {"a.b.c.d.e", time.Time{}},
		"nothing":              {"", time.Time{}},
		"larger than they are": {jwt(`{"exp":1898672400,"x":"` + strings.Repeat("x", 64<<10) + `"}`), time.Time{}},
	} {
		require.Equal(t, test.want, expiry(mail.Secret(test.token)), name)
	}

	t.Setenv("WAYBILL_MAILBOX_TOKEN", jwt(`{"exp":1898672400}`))
	c := contract.MailboxConfig{Auth: "xoauth2", Password: "env:WAYBILL_MAILBOX_TOKEN"}
	token := (&Watcher{}).tokenOf(t.Context(), c)
	require.Equal(t, &contract.Token{Expires: at}, token)
	text, err := json.Marshal(token)
	require.NoError(t, err)
	require.JSONEq(t, `{"expires":"2030-03-02T09:00:00Z"}`, string(text), "nothing else of the token is told")
	c.Password = "env:WAYBILL_MAILBOX_MISSING"
	require.Nil(t, (&Watcher{}).tokenOf(t.Context(), c))
	require.Nil(t, (&Watcher{}).tokenOf(t.Context(), contract.MailboxConfig{Password: "env:WAYBILL_MAILBOX_TOKEN"}), "a password is no token")
}
