package imap

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/testsuite/dovecot"
)

func TestAccountFindsByMessageID(t *testing.T) {
	t.Parallel()
	server := dovecot.Start(t, dovecot.Options{})
	account := openAccount(t, dovecotConfig(server))
	for _, messageID := range []string{"<1@example.com>", "<21@example.com>", `<"a b"@example.com>`, "<1@example.com>"} {
		raw := fmt.Appendf(nil, "From: ann@example.com\r\nMessage-ID: %s\r\n\r\nHello.\r\n", messageID)
		require.NoError(t, account.Append(t.Context(), "inbox", raw))
	}
	for messageID, uids := range map[string][]UID{"<1@example.com>": {1, 4}, "<21@example.com>": {2}, `<"a b"@example.com>`: {3}, "<3@example.com>": nil} {
		found, err := account.Find(t.Context(), "inbox", messageID)
		require.NoError(t, err)
		require.Len(t, found, len(uids), messageID)
		for i, uid := range uids {
			require.Equal(t, id(account.s.status.UIDValidity, uid), found[i].ID)
			require.False(t, found[i].Arrived.IsZero())
		}
	}
	_, err := account.Find(t.Context(), "nowhere", "<1@example.com>")
	require.Equal(t, mail.KindFolderMissing, mail.KindOf(err))
	err = account.Append(t.Context(), "nowhere", []byte("Subject: Hello\r\n\r\nHello.\r\n"))
	require.ErrorContains(t, err, "append to nowhere")
	found, err := account.Find(t.Context(), "INBOX", "<1@example.com>")
	require.NoError(t, err, "the connection is as good as before")
	require.Len(t, found, 2)
}
