package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/mail/service"
)

func TestCredentialOfSettings(t *testing.T) {
	o := service.OAuth{Credential: "email", AuthorizationURL: "https://a", TokenURL: "https://t", ClientID: "i", ClientSecret: "env:S", Scope: "a  b"}
	c, changed := merged(contract.CredentialConfig{Name: "email", Notify: []string{"ann@example.com"}, ClientID: "old"}, o)
	require.True(t, changed)
	require.Equal(t, contract.CredentialConfig{
		Name: "email", Notify: []string{"ann@example.com"}, AuthorizationURL: "https://a", TokenURL: "https://t", ClientID: "i", ClientSecret: "env:S", Scopes: []string{"a", "b"},
	}, c, "what the settings do not say stays")
	_, changed = merged(c, o)
	require.False(t, changed)
	require.NoError(t, c.Validate())
}

func TestCredentialsNeedAKey(t *testing.T) {
	t.Setenv("WAYBILL_SECRET_KEY", "")
	require.Nil(t, new(credentials).tokens())
	t.Setenv("WAYBILL_SECRET_KEY", "k")
	_, err := new(credentials).tokens()("email").Token(t.Context(), "")
	require.EqualError(t, err, "the worker is not connected to Temporal yet")
}
