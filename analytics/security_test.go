package analytics

import (
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/testsuite/elasticsearch"
	"github.com/waybill-io/waybill/testsuite/process"
)

// keytool makes a trust store as an administrator does.
func keytool(t *testing.T, certificate, kind string) Trust {
	t.Helper()
	program, err := exec.LookPath("keytool")
	if err != nil {
		process.Missing(t, "keytool is not installed (Debian: apt-get install default-jdk-headless)")
	}
	file := filepath.Join(t.TempDir(), "es."+kind)
	c := exec.CommandContext(t.Context(), program, "-importcert", "-noprompt", "-alias", "elasticsearch", "-file", certificate, "-keystore", file, "-storetype", kind, "-storepass", "changeit")
	output, err := c.CombinedOutput()
	require.NoError(t, err, string(output))
	return Trust{File: file, Type: kind, Password: "changeit"}
}

// A server with TLS and accounts, with every way to trust it and to log in.
func TestSecurity(t *testing.T) {
	t.Parallel()
	secured := elasticsearch.Start(t, elasticsearch.Options{Security: true})
	with := func(change func(c *Config)) Config {
		c := Config{
			Addresses: []string{secured.URL}, Username: elasticsearch.Username, Password: elasticsearch.Password,
			Trust: Trust{File: secured.CAFile, Type: PEM}, SocketTimeout: time.Minute,
		}
		change(&c)
		return c
	}
	write := func(c Config) error {
		t.Helper()
		s, err := Open(c)
		require.NoError(t, err)
		defer s.Close()
		_, err = s.Write(t.Context(), batch("acme", "1"))
		return err
	}
	for _, trust := range []Trust{{File: secured.CAFile, Type: PEM}, keytool(t, secured.CAFile, JKS), keytool(t, secured.CAFile, PKCS12)} {
		require.NoError(t, write(with(func(c *Config) { c.Trust = trust })), trust.Type)
	}

	// An API key with the privileges of docs/configuration.md, and no others.
	admin, err := Open(with(func(*Config) {}))
	require.NoError(t, err)
	defer admin.Close()
	var key struct{ Encoded string }
	privileges := body(object{"name": "waybill", "role_descriptors": object{"waybill": object{
		"cluster": []string{"monitor", "manage_index_templates"},
		"indices": []object{{"names": []string{"activiti-*"}, "privileges": []string{"manage", "read", "write"}}},
	}}})
	require.NoError(t, admin.call(t.Context(), esapi.SecurityCreateAPIKeyRequest{Body: privileges}, &key))
	keyed := with(func(c *Config) { c.Username, c.Password, c.APIKey = "", "", mail.Secret(key.Encoded) })
	s, err := Open(keyed)
	require.NoError(t, err)
	defer s.Close()
	_, err = s.Write(t.Context(), batch("new", "1"))
	require.NoError(t, err)
	require.NoError(t, s.Create(t.Context(), "new", 2))
	_, err = s.WriteTo(t.Context(), 2, batch("new", "2"))
	require.NoError(t, err)
	require.NoError(t, s.Swap(t.Context(), "new", 1, 2))
	all, err := s.Generations(t.Context(), "new")
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.NoError(t, s.Drop(t.Context(), "new", 1))
	require.NoError(t, s.Each(t.Context(), Selection{Tenant: "new", Index: "tasks"}, func(h Hit) error {
		require.Equal(t, "2.task", h.ID)
		return nil
	}))

	// One for some tenants alone keeps none of these waiting for the others, whether those have indexes or not.
	_, err = admin.Write(t.Context(), batch("locked", "1"))
	require.NoError(t, err)
	var some struct{ Encoded string }
	privileges = body(object{"name": "some", "role_descriptors": object{"some": object{
		"cluster": []string{"monitor", "manage_index_templates"},
		"indices": []object{{"names": []string{"activiti-dead-letters*", "activiti-tenant-well-*"}, "privileges": []string{"manage", "read", "write"}}},
	}}})
	require.NoError(t, admin.call(t.Context(), esapi.SecurityCreateAPIKeyRequest{Body: privileges}, &some))
	partial, err := Open(with(func(c *Config) { c.Username, c.Password, c.APIKey = "", "", mail.Secret(some.Encoded) }))
	require.NoError(t, err)
	defer partial.Close()
	written, err := partial.Write(t.Context(), slices.Concat(batch("locked", "2"), batch("well", "2"), batch("strange", "2")))
	require.NoError(t, err)
	require.Equal(t, Written{New: 4, Dead: 8}, written)
	dead := lettersOf(t, partial, "locked")
	require.Len(t, dead, 4)
	written, err = admin.RetryDeadLetters(t.Context(), dead...)
	require.NoError(t, err)
	require.Equal(t, Written{New: 4}, written)

	// What is refused, and what is not trusted. No secret is told.
	err = write(with(func(c *Config) { c.Password = "hunter2" }))
	require.True(t, is(err, http.StatusUnauthorized), err)
	require.ErrorContains(t, err, "check the account or the API key")
	require.NotContains(t, err.Error(), "hunter2")
	keyed.Names = Names{Prefix: "elsewhere"}
	err = write(keyed)
	require.True(t, is(err, http.StatusForbidden), err)
	err = write(with(func(c *Config) { c.Trust = Trust{} }))
	require.ErrorContains(t, err, "certificate")
	err = write(with(func(c *Config) { c.Addresses = []string{"https://localhost" + secured.URL[len("https://127.0.0.1"):]} }))
	require.ErrorContains(t, err, "certificate is valid for", "the name is verified, too")
}
