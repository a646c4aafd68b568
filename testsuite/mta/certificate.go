package mta

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// certify writes a certificate for 127.0.0.1, the key of it, and the authority that has signed it.
func (s *Server) certify() {
	s.t.Helper()
	issue := func(template, issuer *x509.Certificate, signer *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		s.check(err)
		template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62))
		s.check(err)
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
		template.BasicConstraintsValid = true
		if issuer == nil {
			issuer, signer = template, key
		}
		der, err := x509.CreateCertificate(rand.Reader, template, issuer, &key.PublicKey, signer)
		s.check(err)
		certificate, err := x509.ParseCertificate(der)
		s.check(err)
		return certificate, key
	}
	authority, signer := issue(&x509.Certificate{Subject: pkix.Name{CommonName: "authority of a test"}, IsCA: true, KeyUsage: x509.KeyUsageCertSign}, nil, nil)
	certificate, key := issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: "mx.example.org"}, DNSNames: []string{"mx.example.org", "localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, authority, signer)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	s.check(err)

	s.RootCAs = x509.NewCertPool()
	s.RootCAs.AddCert(authority)
	s.CAFile = filepath.Join(s.root, "etc/ca.pem")
	s.check(os.WriteFile(s.CAFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Raw}), 0o644))
	s.check(os.WriteFile(filepath.Join(s.root, "etc/cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}), 0o644))
	s.check(os.WriteFile(filepath.Join(s.root, "etc/key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
}
