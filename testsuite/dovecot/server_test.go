package dovecot

import (
	"crypto/tls"
	"fmt"
	"testing"

	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/stretchr/testify/require"
)

// inbox logs in over TLS and tells UIDVALIDITY and the number of messages.
func inbox(t *testing.T, s *Server, password string) (uidValidity, messages uint32, err error) {
	t.Helper()
	c, err := imapclient.DialTLS(fmt.Sprintf("%s:%d", s.Host, s.TLSPort), &imapclient.Options{
		TLSConfig: &tls.Config{RootCAs: s.RootCAs},
	})
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	if err := c.Login("test", password).Wait(); err != nil {
		return 0, 0, err
	}
	data, err := c.Select("INBOX", nil).Wait()
	require.NoError(t, err)
	return data.UIDValidity, data.NumMessages, nil
}

func TestServer(t *testing.T) {
	s := Start(t, Options{})
	s.Deliver("test", []byte("Subject: one\n\nbody\n"))
	validity, messages, err := inbox(t, s, "secret")
	require.NoError(t, err)
	require.Equal(t, uint32(1), messages)

	_, _, err = inbox(t, s, "wrong")
	require.ErrorContains(t, err, "AUTHENTICATIONFAILED")
	s.SetPassword("test", "changed")
	_, _, err = inbox(t, s, "secret")
	require.Error(t, err)

	s.Kill()
	s.Deliver("test", []byte("Subject: two\n\nbody\n"))
	s.Restart()
	again, messages, err := inbox(t, s, "changed")
	require.NoError(t, err)
	require.Equal(t, validity, again)
	require.Equal(t, uint32(2), messages)

	s.ResetMailbox("test")
	other, messages, err := inbox(t, s, "changed")
	require.NoError(t, err)
	require.NotEqual(t, validity, other)
	require.Zero(t, messages)
}
