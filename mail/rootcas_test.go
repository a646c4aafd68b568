package mail

import (
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRootCAs(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	t.Cleanup(server.Close)
	certificate := server.Certificate()
	good := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}))
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("k3y")}))
	broken := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}))

	cases := map[string]struct{ text, fails string }{
		"one":               {good, ""},
		"with a comment":    {"Example CA\n" + good + "\n", ""},
		"empty":             {"", "no certificate"},
		"DER":               {string(certificate.Raw), "must be PEM"},
		"a key beside it":   {good + key, "block 2 is a PRIVATE KEY"},
		"a broken one":      {good + broken, "certificate 2"},
		"cut off":           {good + good[:len(good)/2], "follows certificate 1 is cut off"},
		"cut off at once":   {good[:len(good)/2], "cut off"},
		"not a certificate": {"hello", "no certificate"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "ca.pem")
			require.NoError(t, os.WriteFile(file, []byte(c.text), 0o600))
			pool, err := rootCAs(file)
			if c.fails != "" {
				require.ErrorContains(t, err, c.fails)
				require.ErrorContains(t, err, file)
				require.NotContains(t, err.Error(), "k3y")
				return
			}
			require.NoError(t, err)
			_, err = certificate.Verify(x509.VerifyOptions{Roots: pool, DNSName: "example.com"})
			require.NoError(t, err)
			system, err := x509.SystemCertPool()
			require.NoError(t, err)
			system.AddCert(certificate)
			require.True(t, pool.Equal(system), "the system's are still there")
		})
	}
	_, err := rootCAs(filepath.Join(t.TempDir(), "none.pem"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestAuthoritiesAreReadOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ca.pem")
	write := func(text string, changed time.Time) {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		require.NoError(t, os.Chtimes(file, changed, changed))
	}
	var a Authorities
	none, err := a.Of("")
	require.NoError(t, err)
	require.Nil(t, none, "those of the system")
	_, err = a.Of(file)
	require.ErrorIs(t, err, os.ErrNotExist)
	now := time.Now()
	server := httptest.NewTLSServer(nil)
	t.Cleanup(server.Close)
	write(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})), now)
	first, err := a.Of(file)
	require.NoError(t, err)
	again, err := a.Of(file)
	require.NoError(t, err)
	require.Same(t, first, again)
	write("nonsense", now.Add(time.Minute))
	_, err = a.Of(file)
	require.ErrorContains(t, err, "there is no certificate", "it is read when it has changed")
}
