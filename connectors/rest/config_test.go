package rest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/connectortest"
)

func TestWithoutSettingsItWorks(t *testing.T) {
	c := connect(t, nil)
	require.Equal(t, defaultResponse, c.config.maxResponse)
	require.Equal(t, ports{80, 443}, c.config.ports)
	require.Equal(t, 5, c.config.breaker.buffer)
	require.Equal(t, "1s", c.config.breaker.wait.String())
	require.Equal(t, 20, c.config.breaker.rate)
}

func TestWrongSettingsAreNamed(t *testing.T) {
	house := newAuthority(t)
	cert, key := house.issue(t, "waybill")
	_, otherKey := house.issue(t, "other")
	empty := filepath.Join(t.TempDir(), "empty.pem")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	for _, test := range []struct{ settings, want string }{
		{"REST_HOST=https://api.example.com/v1", "REST_HOST is no host such as api.example.com"},
		{"REST_HOST=https://ann:" + secret + "@api.example.com", "without an account"},
		{"REST_HOST=ann:" + secret + "@api.example.com:8443", "without an account"},
		{"REST_HOST=a:" + secret + "@b:0", "REST_HOST"},
		{"REST_AUTH_HOSTS=a,https://ann:" + secret + "@b", "REST_AUTH_HOSTS entry 2 is no host such as"},
		{"REST_HOST=user@api.example.com", "REST_HOST"},
		{"REST_HOST=ftp://api.example.com", "REST_HOST"},
		{"REST_HOST=api.example.com:0", "the port is none"},
		{"REST_HOST=2130706433", "neither a host name nor an address"},
		{"REST_HTTP_PORT=http", "REST_HTTP_PORT"},
		{"REST_AUTH=digest REST_HOST=a", `REST_AUTH "digest" is none of basic`},
		{"REST_AUTH=basic REST_HOST=a REST_AUTH_USER=ann", "needs REST_AUTH_USER and REST_AUTH_PASSWORD"},
		{"REST_AUTH=basic REST_HOST=a REST_AUTH_USER=a:b REST_AUTH_PASSWORD=" + secret, "without a colon"},
		{"REST_AUTH=bearer REST_HOST=a", "needs REST_AUTH_TOKEN"},
		{"REST_AUTH=bearer REST_HOST=a REST_AUTH_TOKEN=" + secret + "\nX:y", "one line"},
		{"REST_AUTH=bearer REST_AUTH_TOKEN=" + secret, "needs REST_HOST or REST_AUTH_HOSTS"},
		{"REST_AUTH=client-credentials REST_HOST=a REST_AUTH_CLIENT_SECRET=" + secret, "needs REST_AUTH_CLIENT_ID"},
		{"REST_AUTH=mtls REST_HOST=a", "needs REST_TLS_CERT and REST_TLS_KEY"},
		{"REST_AUTH_PASSWORD=" + secret, "REST_AUTH is not set"},
		{"REST_AUTH_HOSTS=a,*.b", "REST_AUTH_HOSTS"},
		{"REST_AUTH_ENDPOINT=http://login.example.com/token", "REST_AUTH_ENDPOINT"},
		{"REST_AUTH_ENDPOINT=https://a:" + secret + "@login.example.com/token", "REST_AUTH_ENDPOINT"},
		{"REST_AUTH_CLIENT_METHOD=none", "REST_AUTH_CLIENT_METHOD"},
		{"REST_TLS_CERT=" + cert, "belong together"},
		{"REST_HOST=a REST_TLS_CERT=" + cert + " REST_TLS_KEY=" + otherKey, "REST_TLS_CERT and REST_TLS_KEY: "},
		{"REST_TLS_CERT=" + cert + " REST_TLS_KEY=" + key, "needs REST_HOST"},
		{"REST_CA=" + empty, "there is no certificate"},
		{"REST_CA=" + key, "not a CERTIFICATE"},
		{"REST_ALLOWED_NETWORKS=10.0.0.1/8", "write 10.0.0.0/8"},
		{"REST_MAX_RESPONSE_BYTES=1507329", "1 to 1507328"},
		{"REST_CIRCUIT_BREAKER_FAILURE_RATE=0", "1 to 100"},
		{"EVENT_NOT_MATCH_STATUS=40", "200 to 599"},
		{"WEBHOOK_SIGNATURE=md5", "none of standard, github, hmac-sha256"},
		{"WEBHOOK_SIGNATURE=hmac-sha256 WEBHOOK_SECRET=" + secret, "WEBHOOK_SIGNATURE_HEADER"},
		{"WEBHOOK_SIGNATURE_HEADER=X-A", "for hmac-sha256 only"},
		{"WEBHOOK_SECRET_PREVIOUS=" + secret, "WEBHOOK_SECRET is not set"},
	} {
		settings := map[string]string{}
		for entry := range strings.SplitSeq(test.settings, " ") {
			name, value, _ := strings.Cut(entry, "=")
			settings[name] = value
		}
		template := Template()
		_, err := template.Make(connectors.Instance{Definition: template.Definition, Settings: connectortest.Settings(template.Definition, settings)})
		require.ErrorContains(t, err, test.want, test.settings)
		require.NotContains(t, err.Error(), secret)
	}
}

func TestOneMistakeIsToldOnce(t *testing.T) {
	for _, settings := range []map[string]string{
		{"REST_HOST": "https://ann@api.example.com", "REST_AUTH": "bearer", "REST_AUTH_TOKEN": secret},
		{"REST_AUTH_HOSTS": "https://ann@api.example.com", "REST_AUTH": "bearer", "REST_AUTH_TOKEN": secret},
		{"REST_HOST": "api.example.com:0"},
		{"REST_HOST": "2130706433"},
	} {
		s := connectortest.Settings(Template().Definition, settings)
		read(s)
		require.Error(t, s.Err())
		require.NotContains(t, s.Err().Error(), "\n", "each error is a line")
	}
}

func TestWarnings(t *testing.T) {
	settings := map[string]string{"REST_HOST": "http://orders:8080", "REST_AUTH_HOSTS": "https://a, http://localhost:1", "REST_AUTH": "bearer", "REST_AUTH_TOKEN": secret}
	require.Equal(t, []string{"the credentials of connector rest go to orders:8080 in the clear; have it take https"}, connect(t, settings).Warnings())
	require.Empty(t, connect(t, map[string]string{"REST_HOST": "http://orders:8080"}).Warnings())
}
