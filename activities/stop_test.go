package activities

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/imap"
)

// Errors are counted by the rule that they fall under, and what is no fault of the account is not counted.
func TestTooManyErrors(t *testing.T) {
	refused := &imap.Error{Kind: mail.KindAuth, Op: "log in", Err: errors.New("NO")}
	cut := &imap.Error{Kind: mail.KindNetwork, Op: "connect", Err: errors.New("reset")}
	v := &watch{state: 7}
	v.Config.ErrorPolicy = json.RawMessage(`[{"class":"auth","retryCount":2,"stop":true},{"class":"network","retryCount":3,"stop":true}]`)
	for n, err := range []error{
		refused, cut, fmt.Errorf("wrapped: %w", refused), errors.New("Temporal is away"), cut,
		&imap.Error{Kind: mail.KindReconnect, Op: "wait", Err: errors.New("token")}, &imap.Error{Kind: mail.KindProtocol, Op: "fetch", Err: errors.New("?")},
	} {
		require.Nil(t, v.tooMany(err), n)
	}
	report := v.tooMany(refused)
	require.Equal(t, &contract.MailboxReport{Event: contract.MailboxStopped, Changes: 7, Error: contract.MailboxError{Class: "auth", Message: refused.Error(), Count: 3}}, report)

	v.errors = nil // a connection held
	require.Nil(t, v.tooMany(refused))
}

func TestRulesOfMailbox(t *testing.T) {
	ends := func(c contract.MailboxConfig, kind mail.Kind) bool {
		_, rule := rules(c).For(kind, "")
		return rule.Ends(1000)
	}
	require.True(t, ends(contract.MailboxConfig{}, mail.KindAuth))
	require.False(t, ends(contract.MailboxConfig{}, mail.KindNetwork))
	require.False(t, ends(contract.MailboxConfig{Auth: "xoauth2"}, mail.KindAuth))
	require.False(t, ends(contract.MailboxConfig{Source: "ews", Auth: "oauth"}, mail.KindAuth))
	require.True(t, ends(contract.MailboxConfig{Source: "ews", Auth: "basic"}, mail.KindAuth))
	require.False(t, ends(contract.MailboxConfig{ErrorPolicy: json.RawMessage(`[]`)}, mail.KindAuth))
	require.True(t, ends(contract.MailboxConfig{ErrorPolicy: json.RawMessage(`[{"retryCount":1}]`), Auth: "xoauth2"}, mail.KindNetwork))
	require.True(t, ends(contract.MailboxConfig{ErrorPolicy: json.RawMessage(`{"of":"a later version"}`)}, mail.KindAuth))
}

// A secret that a worker does not have is an error of its own kind.
func TestSecretMissing(t *testing.T) {
	w := &Watcher{}
	for _, source := range []string{"imap", "ews"} {
		_, err := w.open(t.Context(), contract.MailboxConfig{Source: source, Password: "env:WAYBILL_NO_SUCH"})
		require.Equal(t, mail.KindSettings, mail.KindOf(err))
		require.ErrorContains(t, err, "WAYBILL_NO_SUCH")
	}
}

// pushing is a source of which nothing is asked but whether it pushes.
type pushing struct{ source }

func (pushing) Pushes() bool { return true }

// Only a connection that was there proves that the account works: not one that took long to be refused.
func TestConnectionThatHeld(t *testing.T) {
	v := &watch{}
	require.False(t, v.lost(errors.New("no answer within 30s")))
	v.connectedTo(pushing{})
	require.False(t, v.lost(errors.New("reset")), "too short")
	v.connectedTo(pushing{})
	v.since = v.since.Add(-provenAfter)
	require.True(t, v.lost(errors.New("reset")))
	require.False(t, v.lost(errors.New("no answer within 30s")), "it counts once")
}
