package analytics

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	keystore "github.com/pavlo-v-chernykh/keystore-go/v4"
	"github.com/stretchr/testify/require"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/testsuite/process"
)

// A field of a document that the mapping does not have would be kept and never found.
func TestEveryFieldIsMapped(t *testing.T) {
	var names []string
	var walk func(of reflect.Type)
	walk = func(of reflect.Type) {
		for f := range of.Fields() {
			if f.Anonymous {
				walk(f.Type)
				continue
			}
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			names = append(names, name)
		}
	}
	walk(reflect.TypeFor[events.Document]())
	slices.Sort(names)
	require.Equal(t, names, slices.Sorted(maps.Keys(properties())))
	names = nil
	walk(reflect.TypeFor[DeadLetter]())
	slices.Sort(names)
	require.Equal(t, names, slices.Sorted(maps.Keys(letterProperties())))
}

func TestNames(t *testing.T) {
	for tenant, want := range map[string]string{
		"": "activiti-tasks", "acme": "activiti-tenant-acme-tasks", "a_b.c-1": "activiti-tenant-a_b.c-1-tasks",
		"Acme":     "",
		"Über/Co*": "", "*": "", strings.Repeat("x", 300): "", "a~b": "", "-": "", "_": "",
	} {
		got := Names{}.Alias(tenant, events.Tasks)
		if want == "" {
			require.Regexp(t, `^activiti-tenant-[a-z0-9._-]*~[0-9a-f]{16}-tasks$`, got)
			require.Less(t, len(got), 128)
			continue
		}
		require.Equal(t, want, got)
	}
	seen := map[string]string{}
	for _, tenant := range []string{"", "a", "A", "a-", "a/", "a~", "a b", "a+b", "Ab", "aB", "AB", "ab", "ä", "ö"} {
		p := Names{}.Of(tenant)
		require.NotContains(t, seen, p, tenant)
		seen[p] = tenant
	}
	for _, n := range []Names{{Prefix: "A"}, {Prefix: "-a"}, {TenantPrefix: "a*"}, {TenantPrefix: "ä"}, {Prefix: "a b"}, {Prefix: strings.Repeat("x", 101)}, {Prefix: "abc", TenantPrefix: "ab"}} {
		require.ErrorContains(t, n.Check(), "the index prefix", n)
	}
	require.NoError(t, Names{}.Check())
}

func TestID(t *testing.T) {
	d := func(ref string) *events.Document {
		return &events.Document{Process: events.Process{Instance: "i"}, Event: events.Event{Ref: ref}}
	}
	require.Equal(t, "i", ID(d("")))
	require.Equal(t, "i."+strings.Repeat("x", 510), ID(d(strings.Repeat("x", 510))))
	seen := map[string]bool{}
	for _, ref := range []string{strings.Repeat("x", 511), strings.Repeat("x", 512), strings.Repeat("ä", 300), strings.Repeat("ä", 301), "a" + strings.Repeat("ä", 300)} {
		id := ID(d(ref))
		require.LessOrEqual(t, len(id), maxID)
		require.True(t, utf8.ValidString(id))
		require.False(t, seen[id])
		seen[id] = true
	}
}

func TestConfig(t *testing.T) {
	good := Config{Addresses: []string{"https://es1:9200"}}
	require.NoError(t, good.Check())
	for want, change := range map[string]func(*Config){
		"no address":                           func(c *Config) { c.Addresses = nil },
		`"es1:9200" is not the address`:        func(c *Config) { c.Addresses = []string{"es1:9200"} },
		`"h:1" is not the address`:             func(c *Config) { c.Addresses = []string{"ftp://u:hunter2@h:1"} },
		`"h:2" is not the address`:             func(c *Config) { c.Addresses = []string{"ftp://u:p@hunter2@h:2"} },
		`"h:x" is not the address`:             func(c *Config) { c.Addresses = []string{"https://u:a@hunter2@@h:x"} },
		"an API key and an account":            func(c *Config) { c.APIKey, c.Username, c.Password = "k", "u", "p" },
		"needs a user name and a password":     func(c *Config) { c.Username = "u" },
		"must be at least 1":                   func(c *Config) { c.Shards = -1 },
		"the type must be jks, pkcs12 or pem":  func(c *Config) { c.Trust = Trust{File: "/dev/null", Type: "der"} },
		"this is no PEM; the type is jks or p": func(c *Config) { c.Trust = Trust{File: "/dev/null", Type: PEM} },
	} {
		c := good
		change(&c)
		_, err := Open(c)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "hunter2")
	}
	for text, want := range map[string]int{"http://es1:9200": 1, "http://127.0.0.1:9200": 0, "http://localhost": 0, "https://es1": 0} {
		require.Len(t, Config{Addresses: []string{text}, Username: "u", Password: "p"}.Warnings(), want, text)
		require.Empty(t, Config{Addresses: []string{text}}.Warnings(), text)
	}
	require.Len(t, Config{Addresses: []string{"http://es1"}, Trust: Trust{File: "f"}}.Warnings(), 1)
}

// Stores as other programs than keytool make them, and what is wrong with stores.
func TestTrust(t *testing.T) {
	dir := t.TempDir()
	certificate, key := process.Certificate(t, dir)
	parsed, raw := decode(t, certificate, key)
	write := func(name string, data []byte, err error) string {
		require.NoError(t, err)
		name = filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(name, data, 0o600))
		return name
	}
	private, err := x509.ParsePKCS8PrivateKey(raw)
	require.NoError(t, err)
	packed, err := pkcs12.Modern.Encode(private, parsed, nil, "right")
	withKey := write("key.p12", packed, err)
	packed, err = pkcs12.Passwordless.EncodeTrustStore([]*x509.Certificate{parsed}, "")
	open := write("open.p12", packed, err)
	packed, err = pkcs12.Modern.EncodeTrustStore(nil, "right")
	empty := write("empty.p12", packed, err)
	chain := []keystore.Certificate{{Type: "X509", Content: parsed.Raw}}
	java := func(fill func(s keystore.KeyStore) error) ([]byte, error) {
		s := keystore.New()
		require.NoError(t, fill(s))
		var b bytes.Buffer
		err := s.Store(&b, []byte("right"))
		return b.Bytes(), err
	}
	packed, err = java(func(s keystore.KeyStore) error {
		return s.SetPrivateKeyEntry("http", keystore.PrivateKeyEntry{CreationTime: time.Now(), PrivateKey: raw, CertificateChain: chain}, []byte("right"))
	})
	jksKey := write("key.jks", packed, err)
	packed, err = java(func(keystore.KeyStore) error { return nil })
	jksEmpty := write("empty.jks", packed, err)
	jceks := write("old.jceks", []byte{0xce, 0xce, 0xce, 0xce, 0}, nil)
	broken := write("broken.pem", []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), nil)

	for name, test := range map[string]struct {
		trust Trust
		want  string // of the error
	}{
		"pem":               {Trust{certificate, PEM, ""}, ""},
		"key":               {Trust{withKey, PKCS12, "right"}, ""},
		"key of jks":        {Trust{jksKey, JKS, "right"}, ""},
		"PKCS #12 as jks":   {Trust{withKey, JKS, "right"}, ""},
		"jks as PKCS #12":   {Trust{jksKey, PKCS12, "right"}, ""},
		"no password":       {Trust{open, PKCS12, ""}, ""},
		"wrong password":    {Trust{withKey, PKCS12, "hunter2"}, "as pkcs12: the password is wrong"},
		"wrong for jks":     {Trust{jksKey, JKS, "hunter2"}, "as jks: the password is wrong, or the file is damaged"},
		"no password: jks":  {Trust{jksKey, JKS, ""}, "its password is needed"},
		"empty":             {Trust{empty, PKCS12, "right"}, "no certificate that is trusted is in it"},
		"empty jks":         {Trust{jksEmpty, JKS, "right"}, "no certificate that is trusted is in it"},
		"broken":            {Trust{broken, PEM, ""}, "no certificate that is trusted is in it"},
		"private key":       {Trust{key, PEM, ""}, "no certificate that is trusted is in it"},
		"pem as jks":        {Trust{certificate, JKS, "right"}, "this is PEM; the type is pem"},
		"jks as pem":        {Trust{jksKey, PEM, ""}, "this is no PEM; the type is jks or pkcs12"},
		"jceks":             {Trust{jceks, JKS, "right"}, "this is JCEKS; keytool"},
		"something else":    {Trust{"/proc/self/exe", PKCS12, "right"}, "at most 4194304 bytes are read"},
		"not there":         {Trust{filepath.Join(dir, "none"), PEM, ""}, "no such file"},
		"password, no file": {Trust{"", JKS, "right"}, ""},
	} {
		err := test.trust.Check()
		if test.want == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, test.want, name)
		require.NotContains(t, err.Error(), "hunter2", name)
	}
	pool, err := Trust{withKey, PKCS12, "right"}.pool()
	require.NoError(t, err)
	_, err = parsed.Verify(x509.VerifyOptions{Roots: pool, DNSName: "example.com"})
	require.NoError(t, err)
}

func decode(t *testing.T, certificate, key string) (*x509.Certificate, []byte) {
	t.Helper()
	block := func(name string) []byte {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		b, _ := pem.Decode(text)
		return b.Bytes
	}
	c, err := x509.ParseCertificate(block(certificate))
	require.NoError(t, err)
	return c, block(key)
}
