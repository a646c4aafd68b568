package mail

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// rootCAs returns the certificate authorities of the system and those in a PEM file (RFC 7468), for servers whose
// certificate comes from an authority of the house. What the file holds besides certificates is refused: a private key there
// is a file in the wrong place.
func rootCAs(pemFile string) (*x509.CertPool, error) {
	text, err := os.ReadFile(pemFile)
	if err != nil {
		return nil, fmt.Errorf("read certificate authorities: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("read the certificate authorities of the system: %w", err)
	}
	if err := add(pool, text); err != nil {
		return nil, fmt.Errorf("read certificate authorities of %s: %w", pemFile, err)
	}
	return pool, nil
}

// add is x509.CertPool.AppendCertsFromPEM, which passes over what it cannot read, with reasons.
func add(pool *x509.CertPool, text []byte) error {
	count := 0
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		text, count = rest, count+1
		if block.Type != "CERTIFICATE" {
			return fmt.Errorf("block %d is a %s, not a CERTIFICATE", count, block.Type)
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return fmt.Errorf("certificate %d: %w", count, err)
		}
		pool.AddCert(certificate)
	}
	switch {
	case bytes.Contains(text, []byte("-----BEGIN")):
		return fmt.Errorf("what follows certificate %d is cut off or is not PEM", count)
	case count == 0:
		return errors.New("there is no certificate; it must be PEM, beginning with -----BEGIN CERTIFICATE-----")
	}
	return nil
}

// Authorities keeps what it reads as long as the files do not change, since a pool takes more memory than the connections that it is
// for. It is safe for concurrent use; the zero value is ready.
type Authorities struct {
	mu   sync.Mutex
	kept map[string]authorities // by file
}

type authorities struct {
	pool    *x509.CertPool
	changed time.Time // the file
}

// Of returns the authorities of the system and those of a PEM file; nil, which stands for the former, without a file.
func (a *Authorities) Of(pemFile string) (*x509.CertPool, error) {
	if pemFile == "" {
		return nil, nil
	}
	about, err := os.Stat(pemFile)
	if err != nil {
		return nil, fmt.Errorf("read certificate authorities: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if known, ok := a.kept[pemFile]; ok && known.changed.Equal(about.ModTime()) {
		return known.pool, nil
	}
	pool, err := rootCAs(pemFile)
	if err != nil {
		return nil, err
	}
	if a.kept == nil {
		a.kept = map[string]authorities{}
	}
	a.kept[pemFile] = authorities{pool, about.ModTime()}
	return pool, nil
}
