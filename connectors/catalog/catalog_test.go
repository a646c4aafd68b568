package catalog

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/email"
)

func TestListsAgree(t *testing.T) {
	for _, config := range []email.Config{{}, {Host: "localhost"}} {
		all, err := All(Deps{Email: config})
		require.NoError(t, err)
		definitions := Definitions()
		require.Len(t, all, len(definitions))
		names := map[string]bool{}
		for i, c := range all {
			require.Equal(t, definitions[i], c.Definition())
			require.False(t, names[c.Definition().Name], "names are unique")
			names[c.Definition().Name] = true
		}
	}
}

func TestWithoutAServerACallSaysSo(t *testing.T) {
	all, err := All(Deps{})
	require.NoError(t, err)
	_, err = connectors.Do(t.Context(), all[0], connectors.Call{Action: "SEND", IdempotencyKey: "k", Inputs: map[string]any{"to": "a@example.com", "text": "x"}})
	require.ErrorContains(t, err, "set EMAIL_HOST")
	require.Equal(t, connectors.Permanent, connectors.AsError(err).Kind)
}

func TestWrongSettingsAreNamed(t *testing.T) {
	_, err := All(Deps{Email: email.Config{Port: 25}})
	require.ErrorContains(t, err, "EMAIL_HOST is not set")
	_, err = All(Deps{Email: email.Config{Host: "localhost", Auth: true}})
	require.ErrorContains(t, err, "EMAIL_SMTP_AUTH needs")
}
