package imap

import (
	"bytes"
	"net"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
	"github.com/stretchr/testify/require"
)

// TestOtherServer runs the whole loop against a second implementation, which speaks IMAP4rev2.
func TestOtherServer(t *testing.T) {
	user := imapmemserver.NewUser("ann", "s3cret")
	require.NoError(t, user.Create("INBOX", nil))
	store := imapmemserver.New()
	store.AddUser(user)
	server := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return store.NewSession(), nil, nil
		},
		Caps:         imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapIMAP4rev2: {}},
		InsecureAuth: true,
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })

	session, status := open(t, Config{
		Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, TLS: TLSNone, Username: "ann", Password: "s3cret",
	})
	require.True(t, status.Idle && status.UIDPlus && status.Keywords, "%+v", status)
	ctx := t.Context()

	found, err := session.Next(ctx, 0, 10)
	require.NoError(t, err)
	require.Empty(t, found)

	go func() {
		_, _ = user.Append("INBOX", literal{strings.NewReader(string(mailOf(1)))}, &imap.AppendOptions{})
	}()
	for len(found) == 0 {
		_, err := session.Wait(ctx)
		require.NoError(t, err)
		found, err = session.Next(ctx, 0, 10)
		require.NoError(t, err)
	}
	var raw bytes.Buffer
	_, err = session.Fetch(ctx, found[0].UID, &raw, 0)
	require.NoError(t, err)
	require.Equal(t, string(mailOf(1)), raw.String())

	require.NoError(t, session.Acknowledge(ctx, []UID{found[0].UID}, Ack{Seen: true, Keyword: "handled", MoveTo: "Done"}))
	found, err = session.Next(ctx, 0, 10)
	require.NoError(t, err)
	require.Empty(t, found)
}

type literal struct{ *strings.Reader }

func (l literal) Size() int64 { return l.Reader.Size() }
