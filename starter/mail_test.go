package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/testsuite/mailserver"
)

func sendMail(t *testing.T, server *mailserver.Server, args ...string) (sent sentMail, stored []byte) {
	s := newShell(&fakeTemporal{})
	args = append([]string{"mail", "send", "--smtp", server.SMTPAddr(), "--output", "json"}, args...)
	require.Equal(t, exitOK, s.run(t.Context(), args...), s.err.String())
	require.NoError(t, json.Unmarshal(s.out.Bytes(), &sent))
	messages, err := server.Messages(sent.Recipients[0], "INBOX")
	require.NoError(t, err)
	return sent, messages[len(messages)-1].Raw
}

func startMailserver(t *testing.T) *mailserver.Server {
	server, err := mailserver.Start(mailserver.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close(context.WithoutCancel(t.Context()))) })
	return server
}

func TestMailSend(t *testing.T) {
	sent, stored := sendMail(t, startMailserver(t), "--from", "Zoë <zoe@example.com>", "--to", "support@localhost, ada@localhost",
		"--cc", "bob@localhost", "--subject", "Größe", "--body", "one\n.two\nthree = Ü")
	require.Equal(t, "zoe@example.com", sent.From)
	require.Equal(t, []string{"support@localhost", "ada@localhost", "bob@localhost"}, sent.Recipients)

	m, err := mail.ReadMessage(bytes.NewReader(stored))
	require.NoError(t, err)
	require.Equal(t, "<"+sent.MessageID+">", m.Header.Get("Message-ID"))
	require.Equal(t, "=?utf-8?q?Zo=C3=AB?= <zoe@example.com>", m.Header.Get("From"))
	require.Equal(t, "=?utf-8?q?Gr=C3=B6=C3=9Fe?=", m.Header.Get("Subject"))
	require.Contains(t, string(stored), "\r\none\r\n.two\r\nthree =3D =C3=9C\r\n")
}

// A broken mail must arrive as broken as it is: that is what one sends it for.
func TestMailSendBytes(t *testing.T) {
	raw := "From: Ada <ada@example.com>\r\nTo: support@localhost\r\nMessage-ID: <1@example.com>\r\nSubject: \xff\xfe no charset\r\n" +
		"X-Long: " + strings.Repeat("x", 1500) + "\r\n\r\n.a dot, no end of line, and \x80 bytes\r\n..\r\nlast"
	file := filepath.Join(t.TempDir(), "broken.eml")
	require.NoError(t, os.WriteFile(file, []byte(raw), 0o600))
	server := startMailserver(t)

	sent, stored := sendMail(t, server, "--eml", file)
	require.Equal(t, sentMail{MessageID: "1@example.com", From: "ada@example.com", Recipients: []string{"support@localhost"}, Bytes: len(raw)}, sent)
	require.True(t, strings.HasSuffix(string(stored), raw+"\r\n"), "SMTP ends the last line, and nothing else changes")

	sent, stored = sendMail(t, server, "--eml", file, "--from", "eve@example.com", "--to", "other@localhost")
	require.Equal(t, "eve@example.com", sent.From)
	require.Equal(t, []string{"other@localhost"}, sent.Recipients)
	require.Contains(t, string(stored), raw)
}

func TestMailSendUnreachable(t *testing.T) {
	s := newShell(&fakeTemporal{})
	address := closedPort(t)
	require.Equal(t, exitUnreachable, s.run(t.Context(), "mail", "send", "--from", "a@b.c", "--to", "a@b.c", "--smtp", address))
	require.Contains(t, s.err.String(), "no mail server answers at "+address)
}
