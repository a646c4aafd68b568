package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/waybill-io/waybill/mail"
)

// Verdict is what a call of a webhook that delivers nothing has shown.
type Verdict struct {
	OK    bool
	Cause string // what answered, or why nothing did
	Cure  string // what to do; "" when it is OK
}

// Check calls a webhook as Post does, by the same way, with the request OPTIONS (RFC 9110, section 9.3.7), which delivers nothing. It is
// signed like a delivery, so that a receiver which looks at signatures first tells whether it has the secret. Whether mail is accepted
// only a delivery shows: OPTIONS may be answered by a proxy before the receiver.
func (p *Poster) Check(ctx context.Context, secrets []mail.Secret, id, address string, now time.Time) Verdict {
	r, err := newRequest(ctx, http.MethodOptions, secrets, Delivery{ID: id, URL: address}, now)
	if err != nil {
		return Verdict{Cause: "the URL cannot be called: " + reason(err), Cure: "mend the URL"}
	}
	begun := time.Now()
	answer, err := p.client.Do(r)
	if err != nil {
		return failed(r.URL, err, p.client.Timeout)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection can be used again
	return judge(answer, time.Since(begun))
}

// judge reads an answer. Most receivers know nothing but POST, so what merely says that is fine.
func judge(answer *http.Response, took time.Duration) Verdict {
	v := Verdict{Cause: fmt.Sprintf("answered OPTIONS with %d %s after %s",
		answer.StatusCode, http.StatusText(answer.StatusCode), took.Round(time.Millisecond))}
	switch code := answer.StatusCode; {
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		v.Cure = "deliveries bring a signature and no other credentials: has the receiver the same secret, " +
			"and does nothing before it ask for a log-in?"
	case code == http.StatusNotFound, code == http.StatusGone:
		v.Cure = "is the path of the URL right? A receiver that says so to everything but POST can be left as it is, " +
			"as long as no deliveries wait"
	case code == http.StatusProxyAuthRequired:
		v.Cure = "the proxy of the worker (HTTPS_PROXY, HTTP_PROXY) wants a log-in"
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout:
		v.Cure = "the receiver has too much to do; deliveries are tried again when it has time"
	case code/100 == 3:
		v.Cause += redirect(answer)
		v.Cure = "deliveries follow no redirects, since a signature is for one address: give the address that it leads to"
	case code == http.StatusBadGateway, code == http.StatusServiceUnavailable, code == http.StatusGatewayTimeout:
		v.Cure = "something answers in the place of the receiver, which is down or does not answer: start it; " +
			"what waits is delivered then"
	case code >= 500 && code != http.StatusNotImplemented:
		v.Cure = "the receiver fails: see its log"
	default:
		allowed := methodsOf(answer.Header)
		if v.OK = len(allowed) == 0 || slices.Contains(allowed, http.MethodPost); !v.OK {
			v.Cause += ", and takes only " + cut(strings.Join(allowed, ", "))
			v.Cure = "is the path of the URL right? Mail is delivered by POST, which this address does not take"
		}
	}
	return v
}

// methodsOf are those that an address takes, by its own word.
func methodsOf(h http.Header) (list []string) {
	for _, line := range h.Values("Allow") {
		for method := range strings.SplitSeq(line, ",") {
			if method = strings.ToUpper(strings.TrimSpace(method)); method == "*" {
				return nil
			} else if method != "" {
				list = append(list, method)
			}
		}
	}
	return list
}

// redirect is where an answer leads, without what may be secret in it.
func redirect(answer *http.Response) string {
	to, err := answer.Location()
	if err != nil {
		return ""
	}
	to.User, to.RawQuery, to.Fragment = nil, "", ""
	return ", to " + cut(to.String())
}

// failed names why there was no answer.
func failed(u *url.URL, err error, within time.Duration) Verdict {
	if proxied, ok := errors.AsType[*net.OpError](err); ok && proxied.Op == "proxyconnect" {
		return Verdict{
			Cause: fmt.Sprintf("the proxy of the worker does not lead there: %s", cut(proxied.Err.Error())),
			Cure:  "see to the proxy, or to HTTPS_PROXY, HTTP_PROXY and NO_PROXY in the environment of the workers",
		}
	}
	if v, ok := certificate(u, err); ok {
		return v
	}
	if unknown, ok := errors.AsType[*net.DNSError](err); ok {
		return unresolved(unknown)
	}
	operation := ""
	if of, ok := errors.AsType[*net.OpError](err); ok {
		operation = of.Op
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return Verdict{
			Cause: fmt.Sprintf("nothing listens at %s: the connection was refused", u.Host),
			Cure:  "start the receiver, or mend the host and port of the URL",
		}
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return Verdict{
			Cause: fmt.Sprintf("no way leads from the worker to %s", u.Host),
			Cure:  "see to the network of the workers: routes, VPN, firewall",
		}
	case errors.Is(err, http.ErrSchemeMismatch):
		return Verdict{
			Cause: fmt.Sprintf("%s speaks HTTP without TLS at this port", u.Host),
			Cure:  "give the port that speaks HTTPS",
		}
	case operation == "remote error", operation == "local error": // as crypto/tls names its alerts
		return Verdict{
			Cause: fmt.Sprintf("%s refused the TLS handshake: %s", u.Host, reason(err)),
			Cure:  "the receiver must offer TLS 1.2 or later for this host name, and ask for no certificate of the client",
		}
	case timedOut(err) && operation == "dial":
		return Verdict{
			Cause: fmt.Sprintf("no connection to %s within %s", u.Host, within),
			Cure:  "a firewall may drop what the workers send, or the host is down",
		}
	case timedOut(err):
		return Verdict{
			Cause: fmt.Sprintf("no answer from %s within %s", u.Host, within),
			Cure: "the receiver is too slow, or hangs, or a firewall drops what the workers send: " +
				"deliveries wait no longer than that either",
		}
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Verdict{
			Cause: fmt.Sprintf("%s ended the connection without an answer", u.Host),
			Cure: "see the log of the receiver, and of proxies before it; does the port speak " +
				strings.ToUpper(u.Scheme) + "?",
		}
	}
	return Verdict{Cause: cut(reason(err)), Cure: "does an HTTP server answer at this address?"}
}

func timedOut(err error) bool {
	var timeout net.Error
	return os.IsTimeout(err) || errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded)
}

// unresolved names why a host has no address.
func unresolved(err *net.DNSError) Verdict {
	if err.IsNotFound {
		return Verdict{
			Cause: fmt.Sprintf("the host %s has no address", err.Name),
			Cure:  "is the host in the URL right, and does the name server of the workers know it?",
		}
	}
	return Verdict{
		Cause: fmt.Sprintf("the name server does not say what address %s has: %s", err.Name, err.Err),
		Cure:  "see to the name server of the workers (/etc/resolv.conf)",
	}
}

// certificate names what is wrong with the certificate of a receiver; ok is false when it is not that.
func certificate(u *url.URL, err error) (v Verdict, ok bool) {
	if other, ok := errors.AsType[x509.HostnameError](err); ok {
		names := other.Certificate.DNSNames
		for _, ip := range other.Certificate.IPAddresses {
			names = append(names, ip.String())
		}
		return Verdict{
			Cause: fmt.Sprintf("the certificate of %s is for other names: %s", u.Host, cut(strings.Join(names, ", "))),
			Cure:  "give the receiver a certificate for " + u.Hostname() + ", or a name of its certificate in the URL",
		}, true
	}
	if unknown, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		issuer := "somebody unknown"
		if unknown.Cert != nil {
			issuer = cut(unknown.Cert.Issuer.String())
		}
		return Verdict{
			Cause: fmt.Sprintf("the certificate of %s is signed by %s, whom the worker does not trust", u.Host, issuer),
			Cure: "have the receiver send its intermediate certificates, too; an authority of your own belongs to those " +
				"that the workers' system trusts (SSL_CERT_FILE names a file with them)",
		}, true
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if c := invalid.Cert; invalid.Reason == x509.Expired && c != nil {
			return Verdict{
				Cause: fmt.Sprintf("the certificate of %s is valid from %s to %s only", u.Host, stamp(c.NotBefore), stamp(c.NotAfter)),
				Cure:  "renew the certificate of the receiver; is the clock of the worker right?",
			}, true
		}
		return invalidCertificate(u, invalid), true
	}
	if other, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return invalidCertificate(u, other.Err), true
	}
	return Verdict{}, false
}

func invalidCertificate(u *url.URL, err error) Verdict {
	return Verdict{
		Cause: fmt.Sprintf("the certificate of %s is not valid: %s", u.Host, cut(err.Error())),
		Cure:  "give the receiver another certificate",
	}
}

// reason is an error of the HTTP client without the method and the address, which are told elsewhere.
func reason(err error) string {
	if of, ok := errors.AsType[*url.Error](err); ok {
		err = of.Err
	}
	return err.Error()
}

// cut bounds what a stranger wrote.
func cut(text string) string {
	const limit = 300
	if len(text) > limit {
		text = text[:limit] + "..."
	}
	return strings.ToValidUTF8(text, "")
}
