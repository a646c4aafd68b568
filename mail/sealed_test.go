package mail_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
)

func TestSealed(t *testing.T) {
	key, err := mail.ParseKey(mail.NewKey() + "\n")
	require.NoError(t, err)
	other, err := mail.ParseKey(mail.NewKey())
	require.NoError(t, err)
	sealed := key.Seal("hunter2")
	require.NotContains(t, sealed, "hunter2")
	require.Equal(t, sealed, key.Seal("hunter2"), "settings that are sent again do not differ")
	require.NotEqual(t, sealed[:20], key.Seal("hunter3")[:20])
	secret, err := key.Open(sealed)
	require.NoError(t, err)
	require.Equal(t, "hunter2", secret.Reveal())
	_, err = other.Open(sealed)
	require.ErrorContains(t, err, "another key")
	for _, broken := range []string{"sealed:", "sealed:AAAA", "sealed:?", sealed[:len(sealed)-4]} {
		_, err := key.Open(broken)
		require.ErrorContains(t, err, "cannot be read", broken)
	}
	for _, wrong := range []string{"", "hunter2", "aHVudGVyMg=="} {
		_, err := mail.ParseKey(wrong)
		require.ErrorContains(t, err, "base64 of 32 bytes")
	}
}
