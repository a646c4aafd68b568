package smtp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"math/big"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
)

func pemOf(t *testing.T, key any) mail.Secret {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return mail.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

var rsaKeys = sync.OnceValue(func() map[int]*rsa.PrivateKey {
	keys := map[int]*rsa.PrivateKey{}
	for _, bits := range []int{1024, 2048} {
		keys[bits], _ = rsa.GenerateKey(rand.Reader, bits)
	}
	return keys
})

// record is the public key as it stands in the DNS.
func record(t *testing.T, public crypto.PublicKey) string {
	t.Helper()
	if key, ok := public.(ed25519.PublicKey); ok {
		return "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(key)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der)
}

func verify(t *testing.T, raw, dns string) error {
	t.Helper()
	verified, err := dkim.VerifyWithOptions(strings.NewReader(raw), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
		require.Equal(t, "mail2026._domainkey.example.com", name)
		return []string{dns}, nil
	}})
	require.NoError(t, err)
	require.Len(t, verified, 1)
	require.Equal(t, "example.com", verified[0].Domain)
	return verified[0].Err
}

func TestDKIM(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	for name, key := range map[string]crypto.Signer{"RSA": rsaKeys()[2048], "Ed25519": ed} {
		t.Run(name, func(t *testing.T) {
			p := &peer{}
			cfg := p.start(t)
			cfg.DKIM = &DKIM{Domain: "example.com", Selector: "mail2026", Key: pemOf(t, key)}
			m := simple("bob@example.org")
			m.Text, m.HTML, m.AutoSubmitted, m.InReplyTo = "Größe\n.\n..\n \n\n\n", "<p>ä</p>", "auto-generated", "<p@x>"
			m.Subject = strings.Repeat("long ", 40)
			m.Inline = []Attachment{{Name: "a.png", ContentID: "a@b", ContentType: "image/png", Content: []byte("PNG")}}
			m.Attachments = []Attachment{{Name: "zeros", Open: func() (io.ReadCloser, error) {
				return io.NopCloser(io.LimitReader(zeros{}, 1<<20)), nil
			}}}
			_, err := send(t, cfg, m)
			require.NoError(t, err)
			raw := p.mails()[0].raw
			require.EqualValues(t, len(raw), p.mails()[0].options.Size, "the size that was announced")

			require.True(t, strings.HasPrefix(raw, "DKIM-Signature: "), "it stands first")
			field, _, _ := strings.Cut(raw, "\r\nDate:")
			tags := map[string]string{}
			for tag := range strings.SplitSeq(strings.TrimPrefix(field, "DKIM-Signature:"), ";") {
				if name, value, found := strings.Cut(strings.TrimSpace(tag), "="); found {
					tags[name] = value
				}
			}
			algorithm := map[string]string{"RSA": "rsa-sha256", "Ed25519": "ed25519-sha256"}[name]
			require.Equal(t, []string{"1", algorithm, "relaxed/relaxed", "example.com", "mail2026"}, []string{tags["v"], tags["a"], tags["c"], tags["d"], tags["s"]})
			require.Equal(t, "From:From:To:Cc:Reply-To:Subject:Subject:Date:Message-ID:In-Reply-To:References:MIME-Version:Content-Type:Auto-Submitted", tags["h"])

			dns := record(t, key.Public())
			require.NoError(t, verify(t, raw, dns))
			for what, changed := range map[string]string{
				"the body":         strings.Replace(raw, "AAAA", "AAAB", 1),
				"the subject":      strings.Replace(raw, "long long", "short long", 1),
				"a second From":    strings.Replace(raw, "\r\nTo:", "\r\nFrom: eve@example.com\r\nTo:", 1),
				"a second subject": strings.Replace(raw, "\r\nTo:", "\r\nSubject: eve\r\nTo:", 1),
				"Auto-Submitted":   strings.Replace(raw, "auto-generated", "no", 1),
			} {
				require.NotEqual(t, raw, changed, what)
				require.Error(t, verify(t, changed, dns), what)
			}
			require.NoError(t, verify(t, "Received: by a relay\r\n"+strings.Replace(raw, "\r\nSubject: ", "\r\nsubject:   ", 1), dns), "relays may fold and add")
		})
	}
}

func TestDKIMKeys(t *testing.T) {
	good := DKIM{Domain: "example.com", Selector: "mail2026", Key: pemOf(t, rsaKeys()[2048])}
	pkcs1 := mail.Secret(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKeys()[1024])}))
	config := func(d DKIM) Config { return Config{Host: "mail.example.com", DKIM: &d} }
	require.NoError(t, config(good).Validate())
	require.Empty(t, config(good).Warnings())
	short := good
	short.Key = pkcs1
	require.NoError(t, config(short).Validate())
	require.Contains(t, strings.Join(config(short).Warnings(), ""), "1024 bits")

	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	public, err := x509.MarshalPKIXPublicKey(rsaKeys()[2048].Public())
	require.NoError(t, err)
	text := good.Key.Reveal()
	for name, c := range map[string]struct {
		change func(*DKIM)
		says   string
	}{
		"no key":           {func(d *DKIM) { d.Key = "" }, "not PEM"},
		"line ends lost":   {func(d *DKIM) { d.Key = mail.Secret(strings.ReplaceAll(text, "\n", " ")) }, "not PEM"},
		"damaged":          {func(d *DKIM) { d.Key = mail.Secret(text[:200] + "AAAA" + text[204:]) }, "cannot be read"},
		"weak":             {func(d *DKIM) { d.Key = weakKey() }, ""},
		"elliptic curve":   {func(d *DKIM) { d.Key = pemOf(t, ec) }, "RSA or Ed25519"},
		"the public one":   {func(d *DKIM) { d.Key = mail.Secret(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})) }, "public one"},
		"encrypted":        {func(d *DKIM) { d.Key = mail.Secret(strings.ReplaceAll(text, "PRIVATE KEY", "ENCRYPTED PRIVATE KEY")) }, "not encrypted"},
		"no domain":        {func(d *DKIM) { d.Domain = "" }, "domain"},
		"domain, tag":      {func(d *DKIM) { d.Domain = "example.com; l=0" }, "domain"},
		"selector, record": {func(d *DKIM) { d.Selector = "mail2026\r\nX" }, "selector"},
	} {
		t.Run(name, func(t *testing.T) {
			d := good
			c.change(&d)
			err := config(d).Validate()
			require.ErrorContains(t, err, c.says)
			for line := range strings.Lines(d.Key.Reveal()) {
				if line = strings.TrimSpace(line); len(line) > 10 && !strings.HasPrefix(line, "-") {
					require.NotContains(t, err.Error(), line)
				}
			}
			_, err = New(config(d))
			require.Error(t, err)
		})
	}
}

// weakKey is an RSA key of 512 bits, which the library makes no more: as it stood in documentation of DKIM long ago.
func weakKey() mail.Secret {
	p, _ := rand.Prime(rand.Reader, 256)
	q, _ := rand.Prime(rand.Reader, 256)
	one := big.NewInt(1)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	d := new(big.Int).ModInverse(big.NewInt(65537), phi)
	if d == nil {
		return weakKey()
	}
	key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537}, D: d, Primes: []*big.Int{p, q}}
	return mail.Secret(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}
