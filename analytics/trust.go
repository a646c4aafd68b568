package analytics

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"

	keystore "github.com/pavlo-v-chernykh/keystore-go/v4"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/waybill-io/waybill/mail"
)

// Types of trust stores.
const (
	JKS    = "jks" // as for Java, which reads PKCS #12 under this name, too
	PKCS12 = "pkcs12"
	PEM    = "pem"
)

// Trust is a file with the certificates that are trusted, in place of the authorities of the system.
type Trust struct {
	File     string
	Type     string // JKS, PKCS12 or PEM
	Password mail.Secret
}

const maxTrust = 4 << 20

// Check reads the file, and tells what is wrong with it.
func (t Trust) Check() error {
	_, err := t.pool()
	return err
}

// pool reads the file; nil without one.
func (t Trust) pool() (*x509.CertPool, error) {
	if t.File == "" {
		return nil, nil
	}
	data, err := t.read()
	if err != nil {
		return nil, fmt.Errorf("read the trust store: %w", err)
	}
	pool := x509.NewCertPool()
	certificates, err := t.certificates(data, pool)
	if err != nil {
		return nil, fmt.Errorf("read the trust store %s as %s: %w", t.File, t.Type, err)
	}
	for _, c := range certificates {
		pool.AddCert(c)
	}
	if pool.Equal(x509.NewCertPool()) {
		return nil, fmt.Errorf("read the trust store %s as %s: no certificate that is trusted is in it", t.File, t.Type)
	}
	return pool, nil
}

func (t Trust) read() ([]byte, error) {
	f, err := os.Open(t.File)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxTrust+1))
	if err == nil && len(data) > maxTrust {
		err = fmt.Errorf("%s: at most %d bytes are read", t.File, maxTrust)
	}
	return data, err
}

// certificates are those of the file; those of PEM go into the pool.
func (t Trust) certificates(data []byte, pool *x509.CertPool) ([]*x509.Certificate, error) {
	text := bytes.Contains(data, []byte("-----BEGIN "))
	switch t.Type {
	case JKS, PKCS12:
		switch {
		case text:
			return nil, errors.New("this is PEM; the type is pem")
		case bytes.HasPrefix(data, []byte{0xfe, 0xed, 0xfe, 0xed}):
			return t.java(data)
		case bytes.HasPrefix(data, []byte{0xce, 0xce, 0xce, 0xce}):
			return nil, errors.New("this is JCEKS; keytool -importkeystore -deststoretype pkcs12 makes PKCS #12 of it")
		}
		return t.pkcs12(data)
	case PEM:
		if !pool.AppendCertsFromPEM(data) && !text {
			return nil, errors.New("this is no PEM; the type is jks or pkcs12")
		}
		return nil, nil
	}
	return nil, errors.New("the type must be jks, pkcs12 or pem")
}

// java reads a key store of Java. What it trusts is what Java's trust manager does: certificates, and of keys the first of their chain.
func (t Trust) java(data []byte) (all []*x509.Certificate, err error) {
	if t.Password == "" {
		return nil, errors.New("its password is needed, which proves that nobody has changed it")
	}
	store := keystore.New()
	if err := store.Load(bytes.NewReader(data), []byte(t.Password.Reveal())); err != nil {
		return nil, fmt.Errorf("the password is wrong, or the file is damaged: %w", err)
	}
	for _, alias := range store.Aliases() {
		var encoded []byte
		if store.IsTrustedCertificateEntry(alias) {
			entry, err := store.GetTrustedCertificateEntry(alias)
			if err != nil {
				return nil, fmt.Errorf("certificate %q: %w", alias, err)
			}
			encoded = entry.Certificate.Content
		} else if chain, err := store.GetPrivateKeyEntryCertificateChain(alias); err == nil && len(chain) > 0 {
			encoded = chain[0].Content
		} else {
			continue
		}
		c, err := x509.ParseCertificate(encoded)
		if err != nil {
			return nil, fmt.Errorf("certificate %q: %w", alias, err)
		}
		all = append(all, c)
	}
	return all, nil
}

// pkcs12 reads a trust store as keytool makes it, or a key with its chain, as elasticsearch-certutil does.
func (t Trust) pkcs12(data []byte) ([]*x509.Certificate, error) {
	password := t.Password.Reveal()
	all, err := pkcs12.DecodeTrustStore(data, password)
	if err == nil {
		return all, nil
	}
	if errors.Is(err, pkcs12.ErrIncorrectPassword) {
		return nil, errors.New("the password is wrong")
	}
	_, leaf, chain, failed := pkcs12.DecodeChain(data, password)
	if failed == nil {
		return append(chain, leaf), nil
	}
	return nil, fmt.Errorf("%w; keytool -importcert -storetype pkcs12 makes a store of certificates that are trusted", err)
}
