package configuration

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/analytics/ndjson"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/testsuite/process"
)

func analyticsOf(t *testing.T, text string) (Analytics, error) {
	t.Helper()
	s, err := Read(Options{File: file(t, "w.properties", text), Secret: func(reference string) (mail.Secret, error) {
		require.Equal(t, "env:KEY", reference)
		return "a2V5", nil
	}})
	require.NoError(t, err)
	return s.Analytics()
}

func TestAnalytics(t *testing.T) {
	folder := t.TempDir()
	certificate, _ := process.Certificate(t, folder)
	elasticsearch := func(change func(c *analytics.Config)) Analytics {
		c := analytics.Config{
			Addresses: []string{"http://localhost:9200"}, ConnectTimeout: time.Second, SocketTimeout: 5 * time.Second, Shards: 1,
			Names: analytics.Names{Prefix: "activiti", TenantPrefix: "activiti-tenant-"},
		}
		change(&c)
		return Analytics{Elasticsearch: &c}
	}
	for text, want := range map[string]Analytics{
		"":                                       {},
		"elastic-search.rest-client.address=es1": {},
		"elastic-search.server.type=embedded":    {},
		"elastic-search.server.type=rest\nevent.processing.enabled=false\nelastic-search.rest-client.keystore=/missing": {},
		"elastic-search.server.type=REST": elasticsearch(func(*analytics.Config) {}),
		"elastic-search.server.type=rest\nelastic-search.rest-client.address=es1, ::1\nelastic-search.rest-client.port=443\nelastic-search.rest-client.schema=HTTPS\n" +
			"elastic-search.rest-client.connect-timeout=20\nelastic-search.rest-client.socket-timeout=30\nelastic-search.rest-client.auth.enabled=true\n" +
			"elastic-search.rest-client.username=u\nelastic-search.rest-client.password=p\nelastic-search.rest-client.keystore=" + certificate + "\n" +
			"elastic-search.rest-client.keystore.type=pem\nelastic-search.default.index.name=way\nelastic-search.tenant.index.prefix=bill-\n" +
			"elastic-search.index.shards=3\nelastic-search.index.replicas=0\nelastic-search.index.retention=2": elasticsearch(func(c *analytics.Config) {
			c.Addresses = []string{"https://es1:443", "https://[::1]:443"}
			c.ConnectTimeout, c.SocketTimeout = 20*time.Millisecond, 30*time.Millisecond
			c.Username, c.Password = "u", "p"
			c.Trust = analytics.Trust{File: certificate, Type: analytics.PEM}
			c.Names = analytics.Names{Prefix: "way", TenantPrefix: "bill-"}
			c.Shards, c.Replicas, c.Retention = 3, new(0), 48*time.Hour
		}),
		"elastic-search.server.type=rest\nelastic-search.rest-client.api-key=env:KEY": elasticsearch(func(c *analytics.Config) { c.APIKey = "a2V5" }),
		"elastic-search.server.type=rest\nelastic-search.rest-client.auth.enabled=false\nelastic-search.rest-client.username=u\n" +
			"elastic-search.rest-client.keystore.password=of-none": elasticsearch(func(*analytics.Config) {}),
		"elastic-search.server.type=file\nelastic-search.file.path=" + folder + "\nelastic-search.file.size=2": {Files: &ndjson.Config{
			Folder: folder, Size: 2 << 20, Names: analytics.Names{Prefix: "activiti", TenantPrefix: "activiti-tenant-"},
		}},
	} {
		got, err := analyticsOf(t, text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
}

func TestAnalyticsMistakes(t *testing.T) {
	folder := t.TempDir()
	certificate, _ := process.Certificate(t, folder)
	store := filepath.Join(folder, "es.p12")
	packed, err := pkcs12.Modern.EncodeTrustStore([]*x509.Certificate{parsed(t, certificate)}, "right")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(store, packed, 0o600))

	const rest, client = "elastic-search.server.type=rest\n", "elastic-search.rest-client."
	for text, want := range map[string]string{
		rest + client + "auth.enabled=true\n" + client + "username=u":                          "default: elastic-search.rest-client.password: it is not set, and elastic-search.rest-client.auth.enabled is true",
		rest + client + "username=u":                                                           ":2: elastic-search.rest-client.username: it is set, and elastic-search.rest-client.auth.enabled is not: true logs in",
		rest + client + "api-key=k\n" + client + "auth.enabled=false":                          ":2: elastic-search.rest-client.api-key: it is set, and elastic-search.rest-client.auth.enabled is false",
		rest + client + "api-key=k\n" + client + "auth.enabled=true\n" + client + "username=u": ":2: elastic-search.rest-client.api-key: it is set, and an account is, too; keep one",
		rest + client + "keystore=/missing/es.jks":                                             ":2: elastic-search.rest-client.keystore: read the trust store: open /missing/es.jks",
		rest + client + "keystore=" + certificate:                                              "as jks: this is PEM; the type is pem",
		rest + client + "keystore=" + store + "\n" + client + "keystore.password=wrong":        "as jks: the password is wrong",
		rest + "elastic-search.default.index.name=Activiti":                                    `:2: elastic-search.default.index.name: the index prefix "Activiti": 1 to 100 lower-case letters`,
		rest + "elastic-search.tenant.index.prefix=acti":                                       `the index prefix "activiti" begins with that of tenants, "acti"`,
		"elastic-search.server.type=file":                                                      ":1: elastic-search.server.type: it is file, and elastic-search.file.path is not set",
		"elastic-search.server.type=file\nelastic-search.file.path=" + certificate:             "cert.pem is no folder",
	} {
		_, err := analyticsOf(t, text)
		require.ErrorContains(t, err, want, text)
		require.NotContains(t, err.Error(), "wrong\"")
	}
}

func TestOldServerTypesAreTold(t *testing.T) {
	s, err := Read(Options{Set: []string{"elastic-search.server.type=embedded"}})
	require.NoError(t, err)
	require.Equal(t, []string{"elastic-search.server.type is embedded (--set), which is a server or a protocol that there is no more: nothing is indexed; rest indexes to a server of your own"}, s.Notes())
}

func parsed(t *testing.T, file string) *x509.Certificate {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	block, _ := pem.Decode(text)
	c, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	return c
}
