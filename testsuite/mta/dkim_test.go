package mta_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/smtp"
	"github.com/waybill-io/waybill/testsuite/mta"
)

// domain makes a key for mails of example.com, and the record that the DNS has of it.
func domain(t *testing.T, selector string, key crypto.Signer) (signer *smtp.DKIM, name, record string) {
	t.Helper()
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	kind, public := "ed25519", []byte(nil)
	switch key := key.Public().(type) {
	case ed25519.PublicKey:
		public = key
	default:
		kind = "rsa"
		public, err = x509.MarshalPKIXPublicKey(key)
		require.NoError(t, err)
	}
	signer = &smtp.DKIM{Domain: "example.com", Selector: selector, Key: mail.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))}
	return signer, selector + "._domainkey.example.com", "v=DKIM1; k=" + kind + "; p=" + base64.StdEncoding.EncodeToString(public)
}

// testSignatures has mails of all sorts signed, sent through every server, which adds to them, and verified by a library that is not ours.
func testSignatures(t *testing.T, s *mta.Server) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	records := map[string]string{}
	var signers []*smtp.DKIM
	for selector, key := range map[string]crypto.Signer{"rsa": rsaKey, "ed": edKey} {
		signer, name, record := domain(t, selector, key)
		signers, records[name] = append(signers, signer), record
	}
	sent := 0
	for _, signer := range signers {
		config := settings(s)
		config.DKIM = signer
		tr := transport(t, config)
		mails := corpus()
		if s.Kind != mta.OpenSMTPD {
			mails["utf8"] = smtp.Mail{From: mail.Address{Address: "jürgen@example.com"}, To: []mail.Address{{Address: "café@example.com"}}, Subject: "Größe", Text: "straße\n"}
		}
		for name, m := range mails {
			m.Cc, m.Bcc = nil, nil
			_, err := tr.Send(t.Context(), m)
			require.NoError(t, err, name)
			sent++
		}
		require.NoError(t, tr.Close())
	}
	all := arrived(t, s, sent)
	for i, wrong := range mta.Verify(t, records, all...) {
		require.Equal(t, []string{""}, wrong, "%.3000s", all[i].Raw)
	}
	// What was changed on the way is found.
	changes := [][2]string{{"\nTo: ", "\nTo: <boss@example.com>, "}, {"\nFrom: ", "\nFrom: <boss@example.com>\nFrom: "}, {"\n\n", "\n\nmore\n"}}
	var changed []mta.Delivered
	for _, change := range changes {
		raw := bytes.ReplaceAll(all[0].Raw, []byte("\r\n"), []byte("\n"))
		changed = append(changed, mta.Delivered{Raw: bytes.Replace(raw, []byte(change[0]), []byte(change[1]), 1)})
	}
	for i, wrong := range mta.Verify(t, records, changed...) {
		require.Len(t, wrong, 1)
		require.NotEmpty(t, wrong[0], "%q", changes[i])
	}
}
