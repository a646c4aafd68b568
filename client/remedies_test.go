package client

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
)

// What is read of a mailbox that does not work says what is wrong once, and what to do about it in the words of whoever asks.
func TestFindingsOfMailbox(t *testing.T) {
	operator, application := remedies{name: "support"}, remedies{name: "l2abc", listener: "0b8a"}
	m := Mailbox{Name: "support"}
	m.Config.Password = "env:P"
	m.Stopped = &contract.MailboxError{Count: 9, Message: "refused"}
	m.judge(time.Now())
	require.Equal(t, "errors in a row: 9: refused; mend it, then `starter mailbox resume support`", m.Cause)
	require.Equal(t, Finding{Check: "connection", Cause: "stopped: errors in a row: 9: refused", Cure: "mend what the cause says, then `starter mailbox resume support`"}, operator.connection(m))
	require.Equal(t, "mend what the cause says, then `POST /api/listeners/resume` with [\"0b8a\"]", application.connection(m).Cure)
	m.Config.Listener = &contract.Listener{ID: "0b8a"}
	m.judge(time.Now())
	require.Contains(t, m.Cause, "`POST /api/listeners/resume` with [\"0b8a\"]")

	require.Contains(t, operator.logIn(m, contract.CheckResult{Message: "NO"}, nil).Cure, "mend the secret env:P")
	missing := operator.logIn(m, contract.CheckResult{Message: "the account has no folder \"Order\"", Folders: []string{"INBOX", "Orders"}}, nil)
	require.False(t, missing.OK)
	require.Contains(t, missing.Cure, "--folder")
	require.Contains(t, missing.Cure, "the account has INBOX, Orders")
	require.Equal(t, Finding{Check: "log-in from a worker", OK: true}, operator.logIn(m, contract.CheckResult{OK: true, Folders: []string{"INBOX"}}, nil))
	require.Equal(t, strings.Repeat("a, ", 19)+"a and 2 others", some(strings.Split(strings.Repeat("a", 22), "")))
}

// An application can call and has no command line; nothing tells it to use one alone.
func TestApplicationsAreToldCalls(t *testing.T) {
	r := remedies{name: "l2abc", listener: "0b8a"}
	m := Mailbox{Name: "l2abc"}
	m.Config.Auth, m.Config.Password = "xoauth2", "sealed:x"
	m.Paused = true
	m.judge(time.Now())
	bad := contract.Verdict{Cause: "c", Cure: "mend it"}
	findings := []Finding{
		r.watched(fmt.Errorf("%w (add it with `starter mailbox add`)", ErrNotFound)), r.connection(m),
		r.logIn(m, contract.CheckResult{Message: "NO"}, nil), r.logIn(m, contract.CheckResult{Message: "no folder", Folders: []string{"INBOX"}}, nil),
		r.token(m, contract.CheckResult{Token: &contract.Token{Expires: time.Unix(1, 0)}}, nil, time.Now())[0],
		r.webhook("application", contract.WebhookCheck{Settings: bad}, nil)[0], r.testMessage(contract.TestedMailbox{Problem: "not known"}, time.Second),
	}
	for _, f := range findings {
		require.False(t, f.OK)
		require.NotContains(t, f.Cause+f.Cure, "starter", f)
		require.Contains(t, f.Cure, "/api/listeners", f)
		require.NotContains(t, f.Cause+f.Cure, "l2abc", f)
	}
	require.Equal(t, `no mailbox with the Id "0b8a" is watched`, findings[0].Cause)
	m.DeadLetters = []contract.DeadLetter{{Reason: "too large"}}
	require.Contains(t, r.dead(m)[0].Cure, "no call of the API")
}

func TestFindingsOfToken(t *testing.T) {
	now := time.Date(2030, 3, 2, 9, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		password    string
		expires     time.Time
		ok          bool
		cause, cure string
	}{
		"good":          {"file:/run/token", now.Add(43*time.Minute + 30*time.Second), true, "the token expires at 2030-03-02T09:43:30Z (in 43 m)", ""},
		"for days":      {"file:/run/token", now.Add(72 * time.Hour), true, "(in 3 days)", ""},
		"for hours":     {"file:/run/token", now.Add(5 * time.Hour), true, "(in 5 h)", ""},
		"soon":          {"file:/run/token", now.Add(5 * time.Minute), false, "(in 5 m)", "writes a new token to /run/token"},
		"at once":       {"env:TOKEN", now.Add(30 * time.Second), false, "(in 30 s)", "restart the workers"},
		"over":          {"sealed:abc", now.Add(-90 * time.Minute), false, "the token expired at 2030-03-02T07:30:00Z (90 m ago)", "a new token"},
		"does not say":  {"file:/run/token", time.Time{}, true, "does not say", ""},
		"this very now": {"file:/run/token", now, false, "expired", "writes a new token"},
	} {
		t.Run(name, func(t *testing.T) {
			m := Mailbox{}
			m.Config.Auth, m.Config.Password = "xoauth2", test.password
			f := remedies{name: "support"}.token(m, contract.CheckResult{Token: &contract.Token{Expires: test.expires}}, nil, now)
			require.Len(t, f, 1)
			require.Equal(t, test.ok, f[0].OK)
			require.Contains(t, f[0].Cause, test.cause)
			require.Contains(t, f[0].Cure, test.cure)
			require.Equal(t, test.ok, f[0].Cure == "")
			require.NotContains(t, f[0].Cause+f[0].Cure, "abc")
		})
	}
	m := Mailbox{}
	require.Empty(t, remedies{}.token(m, contract.CheckResult{}, nil, now), "a password has no end")
	m.Config.Auth = "oauth"
	m.Config.Password = "env:TOKEN"
	require.Contains(t, remedies{}.token(m, contract.CheckResult{Message: "no variable TOKEN"}, nil, now)[0].Cause, "cannot be read: no variable TOKEN")
	require.False(t, remedies{}.token(m, contract.CheckResult{}, errors.New("nobody"), now)[0].OK)
}

func TestFindingsOfTestMessage(t *testing.T) {
	r := remedies{name: "support"}
	for name, test := range map[string]struct {
		result      contract.TestedMailbox
		cause, cure string
	}{
		"handled":            {contract.TestedMailbox{How: "sent by smtp.example.com:465", Folder: "INBOX", Arrived: 1230 * time.Millisecond, Handled: true, After: 2 * time.Second}, "sent by smtp.example.com:465; it came into INBOX after 1.23s and was handled after 2s", ""},
		"not handled":        {contract.TestedMailbox{How: "sent", Folder: "INBOX", Arrived: time.Second, Problem: "mail waits: no trigger"}, "was not handled within 30s: mail waits: no trigger", "see the other checks"},
		"in another folder":  {contract.TestedMailbox{How: "sent", MessageID: "<1@x>", Problem: "it is in the folder Junk, which is not watched"}, "did not come into a folder that is watched: it is in the folder Junk", "<1@x>"},
		"nowhere":            {contract.TestedMailbox{How: "sent"}, "did not come", "See its log"},
		"it cannot be sent":  {contract.TestedMailbox{Problem: "535 no"}, "cannot be made, because nothing was sent: 535 no", "by hand"},
		"it cannot say more": {contract.TestedMailbox{}, "cannot be made", "by hand"},
	} {
		f := r.testMessage(test.result, 30*time.Second)
		require.Contains(t, f.Cause, test.cause, name)
		require.Contains(t, f.Cure, test.cure, name)
		require.Equal(t, test.cure == "", f.OK, name)
	}
}
