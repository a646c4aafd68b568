package mail_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
)

func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LocalHost": true, "localhost.": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true, "::ffff:127.0.0.1": true, "::1%lo": true,
		"": false, "10.0.0.1": false, "0.0.0.0": false, "::": false, "::ffff:0.0.0.0": false, "127.1": false, "a.localhost": false,
		"localhost.example.com": false, "127.0.0.1.example.com": false,
	} {
		require.Equal(t, want, mail.Loopback(host), host)
		if want {
			require.True(t, mail.Here(host), host)
		}
	}
}

// However this machine is written, it is this machine.
func TestHere(t *testing.T) {
	own, err := os.Hostname()
	require.NoError(t, err)
	for host, want := range map[string]bool{
		"0.0.0.0": true, "::": true, "::ffff:0.0.0.0": true, "::%lo": true, "0": true, "127.1": true, "2130706433": true, "0x7F000001": true, "0x7f.1": true,
		"１２７.0.0.1": true, "127。0。0。1": true, "ｌocalhost": true, "a.localhost": true, own: true, strings.ToUpper(own) + ".": true,
		"": false, "10.0.0.1": false, "2001:db8::1": false, "mail.example.com": false, "localhost.example.com": false, "127.0.0.1.example.com": false,
		"mx1": false, "0xyz.example": false,
	} {
		require.Equal(t, want, mail.Here(host), host)
	}
}
