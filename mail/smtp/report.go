package smtp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Report is what a check of a mail server has found. It holds no password.
type Report struct {
	OK     bool         `json:"ok"`
	Server string       `json:"server"` // host and port
	Steps  []StepReport `json:"steps"`  // in the order in which they were taken; those that were not come last, as skipped

	TLS          *TLSReport `json:"tls,omitempty"`
	Capabilities []string   `json:"capabilities,omitempty"` // as the server writes them, "SIZE 10240000"
	Mechanism    string     `json:"mechanism,omitempty"`    // of the log-in
	Receipt      *Receipt   `json:"receipt,omitempty"`      // of the mail
}

// StepReport is one step of a check.
type StepReport struct {
	Name         string `json:"name"` // dns, connect, tls, greeting, capabilities, login, send
	Result       string `json:"result"`
	Found        string `json:"found"`
	Milliseconds int64  `json:"milliseconds"`

	Code         int    `json:"code,omitempty"`         // reply code of a refusal
	EnhancedCode string `json:"enhancedCode,omitempty"` // RFC 3463
	Setting      string `json:"setting,omitempty"`      // the one to change, such as email.port; "": it is not in the settings
	Advice       string `json:"advice,omitempty"`
}

// Results of a step.
const (
	ResultOK      = "ok"
	ResultFailed  = "failed"
	ResultSkipped = "skipped"
)

const (
	stepDNS          = "dns"
	stepConnect      = "connect"
	stepTLS          = "tls"
	stepGreeting     = "greeting"
	stepCapabilities = "capabilities"
	stepLogin        = "login"
	stepSend         = "send"
)

// Failed is the step that failed; nil when none did.
func (r Report) Failed() *StepReport {
	for i := range r.Steps {
		if r.Steps[i].Result == ResultFailed {
			return &r.Steps[i]
		}
	}
	return nil
}

// TLSReport is the certificate that a server shows, and how the connection is encrypted where it is trusted.
type TLSReport struct {
	Version string    `json:"version,omitempty"`
	Cipher  string    `json:"cipher,omitempty"`
	Subject string    `json:"subject"`
	Issuer  string    `json:"issuer"`
	Names   []string  `json:"names"` // hosts that it is for
	From    time.Time `json:"from"`
	Until   time.Time `json:"until"`
	Problem string    `json:"problem,omitempty"` // why it is not trusted
}

func certificateReport(c *x509.Certificate) *TLSReport {
	r := &TLSReport{Subject: c.Subject.String(), Issuer: c.Issuer.String(), Names: append([]string{}, c.DNSNames...), From: c.NotBefore, Until: c.NotAfter}
	for _, ip := range c.IPAddresses {
		r.Names = append(r.Names, ip.String())
	}
	return r
}

func stateReport(state tls.ConnectionState) *TLSReport {
	r := certificateReport(state.PeerCertificates[0])
	r.Version, r.Cipher = tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite)
	return r
}

func (r *TLSReport) words() string {
	return fmt.Sprintf("%s, %s; certificate of %s for %s, issued by %s, until %s",
		r.Version, r.Cipher, r.Subject, strings.Join(r.Names, ", "), r.Issuer, r.Until.Format(time.DateOnly))
}

// distrust tells in words why a certificate is not trusted; nil when that is not what failed.
func distrust(err error) *TLSReport {
	var failure *tls.CertificateVerificationError
	if !errors.As(err, &failure) || len(failure.UnverifiedCertificates) == 0 {
		return nil
	}
	r := certificateReport(failure.UnverifiedCertificates[0])
	var (
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		unknown x509.UnknownAuthorityError
	)
	switch {
	case errors.As(err, &name):
		r.Problem = fmt.Sprintf("it is for %s, not for %s", strings.Join(r.Names, ", "), name.Host)
		if len(r.Names) == 0 {
			r.Problem = "it names no host"
		}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && time.Now().Before(r.From):
		r.Problem = "it begins only at " + r.From.Format(time.DateTime)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		r.Problem = "it ended at " + r.Until.Format(time.DateTime)
	case errors.As(err, &unknown):
		r.Problem = "its issuer, " + r.Issuer + ", is not trusted here"
	default:
		r.Problem = failure.Err.Error()
	}
	return r
}
