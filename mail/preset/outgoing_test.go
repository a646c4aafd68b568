package preset

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOutgoing(t *testing.T) {
	for name, test := range map[string]struct {
		url, address string
		host         string
		port         int
		tls          string
	}{
		"of the provider":            {"", "ann@gmail.com", "smtp.gmail.com", 465, "implicit"},
		"named, whoever provides":    {"smtps://smtp.example.com", "ann@gmail.com", "smtp.example.com", 465, "implicit"},
		"STARTTLS":                   {"smtp://smtp.example.com", "", "smtp.example.com", 587, "starttls"},
		"another port":               {"smtp://smtp.example.com:2525", "", "smtp.example.com", 2525, "starttls"},
		"this machine, in the clear": {"smtp://127.0.0.1:25", "", "127.0.0.1", 25, "none"},
		"this machine, by TLS":       {"smtps://localhost:465", "", "localhost", 465, "implicit"},
	} {
		s, err := Outgoing(test.url, test.address)
		require.NoError(t, err, name)
		require.Equal(t, []any{test.host, test.port, test.tls}, []any{s.Host, s.Port, s.TLS}, name)
	}
	_, err := Outgoing("", "ann@example.com")
	require.ErrorIs(t, err, ErrUnknown)
	for _, url := range []string{"smtp.example.com", "https://smtp.example.com", "smtp://", "smtp://ann:hunter2@smtp.example.com", "smtp://smtp.example.com:0", "smtp://smtp.example.com:99999", "smtp://%zz"} {
		_, err := Outgoing(url, "ann@gmail.com")
		require.Error(t, err, url)
		require.NotContains(t, err.Error(), "hunter2")
	}
}
