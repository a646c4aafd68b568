package smtp

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"

	"github.com/emersion/go-msgauth/dkim"

	"github.com/waybill-io/waybill/mail"
)

// DKIM signs mails in the name of a domain (RFC 6376): rsa-sha256 or ed25519-sha256 (RFC 8463), relaxed/relaxed. Receivers look up the public
// key as the TXT record SELECTOR._domainkey.DOMAIN.
type DKIM struct {
	Domain   string `json:"domain"`
	Selector string `json:"selector"`
	// Key is the private key as PEM: RSA of 1024 bits or more, better 2048 (RFC 8301, section 3.2), or Ed25519; PKCS #8, or PKCS #1 for RSA.
	Key mail.Secret `json:"key"`
}

// signedHeaders are what a reader sees or a mail program acts upon (RFC 6376, section 5.4.1). From and Subject are signed once more than they are
// there, so that nobody can add a second one that some program shows instead (section 8.15).
var signedHeaders = []string{
	"From", "From", "To", "Cc", "Reply-To", "Subject", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "MIME-Version", "Content-Type",
	"Auto-Submitted",
}

const (
	weakRSA  = 1024 // fewer bits are refused, as verifiers do
	shortRSA = 2048 // fewer are warned of
)

var dnsName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?)*$`)

// signer reads the configuration. The error holds nothing of the key.
func (d DKIM) signer() (*dkim.SignOptions, error) {
	if !dnsName.MatchString(d.Domain) || !dnsName.MatchString(d.Selector) {
		return nil, fmt.Errorf("dkim: domain %q and selector %q must be names as they stand in the DNS, such as example.com and mail2026", d.Domain, d.Selector)
	}
	key, err := privateKey(d.Key)
	if err != nil {
		return nil, fmt.Errorf("dkim: the private key of %s._domainkey.%s: %w", d.Selector, d.Domain, err)
	}
	return &dkim.SignOptions{
		Domain: d.Domain, Selector: d.Selector, Signer: key, Hash: crypto.SHA256, HeaderKeys: signedHeaders,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
	}, nil
}

// privateKey reads a key. What the parsers say is not passed on: it may repeat what they read.
func privateKey(text mail.Secret) (crypto.Signer, error) {
	block, _ := pem.Decode([]byte(text.Reveal()))
	if block == nil {
		return nil, errors.New("it is not PEM, which begins with -----BEGIN PRIVATE KEY----- and keeps its line ends")
	}
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE":
		return nil, errors.New("it is the public one, which belongs into the DNS")
	default:
		return nil, errors.New("it must be a PRIVATE KEY (PKCS #8) or RSA PRIVATE KEY, and not encrypted")
	}
	if err != nil {
		return nil, errors.New("it cannot be read: it is damaged, or no RSA or Ed25519 key of 1024 bits or more")
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if bits := key.N.BitLen(); bits < weakRSA {
			return nil, fmt.Errorf("it has %d bits, which receivers refuse: make one of %d", bits, shortRSA)
		}
		return key, nil
	case ed25519.PrivateKey:
		return key, nil
	}
	return nil, errors.New("it must be an RSA or Ed25519 key")
}

func (d DKIM) warnings() []string {
	o, err := d.signer()
	if err != nil {
		return nil
	}
	if key, ok := o.Signer.(*rsa.PrivateKey); ok && key.N.BitLen() < shortRSA {
		return []string{fmt.Sprintf("the DKIM key %s._domainkey.%s has %d bits: make one of %d, since receivers trust shorter ones less", d.Selector, d.Domain, key.N.BitLen(), shortRSA)}
	}
	return nil
}
