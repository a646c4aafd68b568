package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
)

// What is asked about and is not there is told so, with the exit code of it.
func TestMailboxThingsNotFound(t *testing.T) {
	crm := []contract.RegistryEntry{{ID: "crm", Value: json.RawMessage(`{"name":"crm","url":"https://crm.example.com"}`)}}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"deadletter", "retry", "support", "3", "99"}, exitNotFound, `mailbox "support" has no dead letters [99]`},
		{[]string{"deadletter", "retry", "support", "3"}, exitOK, ""},
		{[]string{"deadletter", "retry", "support", "--all"}, exitOK, ""},
		{[]string{"webhook", "remove", "cmr", "--mailbox", "support"}, exitNotFound, `mailbox "support" has no webhook "cmr"`},
		{[]string{"webhook", "remove", "crm", "--mailbox", "suport"}, exitNotFound, `mailbox "suport" has no webhook "crm"`},
		{[]string{"webhook", "remove", "crm", "--mailbox", "support"}, exitOK, ""},
		{[]string{"webhook", "list", "suport"}, exitNotFound, "starter mailbox add suport"},
		{[]string{"webhook", "list", "support"}, exitOK, ""},
		{[]string{"webhook", "add", "crm", "--mailbox", "new", "--url", "https://x", "--unsigned"}, exitOK, "warning: no mailbox new is watched yet: `starter mailbox add new`"},
		{[]string{"webhook", "add", "crm", "--mailbox", "support", "--url", "https://x", "--unsigned"}, exitOK, ""},
	} {
		s := newShell(&fakeTemporal{answers: map[string]any{
			contract.MailboxID("support") + " " + contract.MailboxQuery:    contract.MailboxState{},
			contract.MailboxID("support") + " " + contract.RetryDeadUpdate: contract.DeadLetterAnswer{Done: []int64{3}, Kept: []int64{}},
			contract.WebhooksID("support") + " " + contract.RegistryQuery:  crm,
			contract.WebhooksID("support") + " " + contract.RemoveUpdate:   nil,
			contract.WebhooksID("support") + " " + contract.PutUpdate:      nil,
			contract.WebhooksID("new") + " " + contract.PutUpdate:          nil,
		}})
		require.Equal(t, c.code, s.run(t.Context(), c.args...), "%v: %s", c.args, s.err.String())
		require.Contains(t, s.err.String(), c.want, c.args)
		if c.want == "" {
			require.Empty(t, s.err.String(), c.args)
		}
	}
}

func TestMailboxThingsRefused(t *testing.T) {
	for want, args := range map[string][]string{
		"an address without blanks":        {"webhook", "add", "crm", "--mailbox", "support", "--url", "https://x/ y", "--unsigned"},
		"--give-up 0s: a positive time":    {"webhook", "add", "crm", "--mailbox", "support", "--url", "https://x", "--unsigned", "--give-up", "0"},
		"give up after -1s":                {"webhook", "add", "crm", "--mailbox", "support", "--url", "https://x", "--unsigned", "--give-up", "-1s"},
		"a time that has been is expected": {"mailbox", "resync", "support", "--since", "2999-01-01T00:00:00Z"},
	} {
		server := &fakeTemporal{}
		s := newShell(server)
		require.Equal(t, exitUsage, s.run(t.Context(), args...), args)
		require.Contains(t, s.err.String(), want)
		require.Empty(t, server.told)
	}
}
