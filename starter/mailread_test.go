package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/testsuite/mailserver"
)

func startDevelopmentMail(t *testing.T) *mailserver.Server {
	server, err := mailserver.Start(mailserver.Options{Dir: t.TempDir(), OpenPassword: developmentPassword})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close(context.WithoutCancel(t.Context()))) })
	return server
}

func TestMailRead(t *testing.T) {
	server := startDevelopmentMail(t)
	first, _ := sendMail(t, server, "--from", "Zoë <zoe@example.com>", "--to", "ada@example.org", "--cc", "bob@example.org", "--subject", "Größe", "--body", "one\ntwo = Ü")
	second, _ := sendMail(t, server, "--from", "zoe@example.com", "--to", "ada@example.org", "--subject", "again", "--body", "three \x1b[2J")

	s := newShell(&fakeTemporal{})
	require.Equal(t, exitOK, s.run(t.Context(), "mail", "read", "ada@example.org", "--imap", server.IMAPAddr(), "--output", "json"), s.err.String())
	var mails []readMail
	require.NoError(t, json.Unmarshal(s.out.Bytes(), &mails))
	require.Len(t, mails, 2)
	require.NotNil(t, mails[0].Date)
	require.WithinDuration(t, time.Now(), *mails[0].Date, time.Minute)
	mails[0].Date = nil
	require.Equal(t, readMail{
		UID: 1, From: []string{"Zoë <zoe@example.com>"}, To: []string{"ada@example.org"}, Cc: []string{"bob@example.org"},
		Subject: "Größe", MessageID: first.MessageID, Text: "one\ntwo = Ü\n",
	}, mails[0])
	require.Equal(t, second.MessageID, mails[1].MessageID)

	s = newShell(&fakeTemporal{})
	require.Equal(t, exitOK, s.run(t.Context(), "mail", "read", "ada@example.org", "--imap", server.IMAPAddr(), "--last", "1"), s.err.String())
	head, text, _ := strings.Cut(s.out.String(), "\n\n")
	require.Contains(t, head, "From: zoe@example.com\nTo: ada@example.org\nSubject: again\nDate: ")
	require.Equal(t, "three  [2J\n", text, "what others write must not steer the terminal")

	s = newShell(&fakeTemporal{})
	require.Equal(t, exitOK, s.run(t.Context(), "mail", "read", "eve@example.org", "--imap", server.IMAPAddr()), s.err.String())
	require.Equal(t, "no mail for eve@example.org\n", s.out.String())
}

func TestMailReadRefused(t *testing.T) {
	address := closedPort(t)
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--imap", address}, exitUnreachable, "no mail server answers at " + address},
		{[]string{"--imap", "mail.example.com:143"}, exitUsage, "in the clear to mail.example.com"},
		{[]string{"--imap", "localhost"}, exitUsage, "host:port is expected"},
		{[]string{"--last", "0"}, exitUsage, "at least 1 is expected"},
	} {
		s := newShell(&fakeTemporal{})
		require.Equal(t, test.code, s.run(t.Context(), append([]string{"mail", "read", "ada@example.org"}, test.args...)...))
		require.Contains(t, s.err.String(), test.want)
	}
}
