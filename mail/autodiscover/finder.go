// Package autodiscover finds the mail servers of an address, as mail programs do. It asks, in this order of trust,
//
//  1. the presets of large providers, by the domain of the address,
//  2. the autoconfig file of the domain (Mozilla's format, which most hosters publish), over HTTPS alone,
//  3. the SRV records of the domain (RFC 6186, RFC 8314),
//  4. the presets again, by the MX records of the domain,
//  5. a database of providers (ISPDB), when one is configured, since it is told which domain is asked for.
//
// Everything that answers is in the report, with where it came from; nothing is connected to and no password is sent. What is
// not encrypted is refused. DNS proves nothing unless the domain is signed, so a host outside the domain of the address that
// only DNS named is marked Unproven: RFC 6186, section 6, wants a person to confirm it before a password goes there.
package autodiscover

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"github.com/waybill-io/waybill/mail/preset"
)

// Protocols of a Server.
const (
	IMAP = "imap"
	SMTP = "smtp"
)

// Server is a mail server that was found.
type Server struct {
	Protocol string `json:"protocol"` // IMAP or SMTP
	preset.Server
	Username string `json:"username,omitempty"` // empty where the source does not tell; it is then mostly the address
	Source   string `json:"source"`             // "preset gmail", "SRV _imaps._tcp.example.com", a URL
	Unproven bool   `json:"unproven,omitempty"` // another domain's host by the word of unsigned DNS: ask before a password goes there
}

// Attempt is a source that gave nothing, or something that was refused.
type Attempt struct {
	Source string `json:"source"`
	Reason string `json:"reason"`
}

// Report is what was found, the most trusted first, and what was not.
type Report struct {
	Servers  []Server  `json:"servers,omitempty"`
	Attempts []Attempt `json:"attempts,omitempty"`
	Hints    []string  `json:"hints,omitempty"` // of the preset that was found
}

// Resolver is the part of net.Resolver that is used.
type Resolver interface {
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
}

// Finder asks. The zero value is ready to use. Safe from several goroutines.
type Finder struct {
	Resolver Resolver          // net.DefaultResolver
	HTTP     http.RoundTripper // http.DefaultTransport
	// ISPDB is the address of a database of providers, to which the domain is appended, such as
	// https://autoconfig.thunderbird.net/v1.1/; empty: none is asked.
	ISPDB string
	// Timeout bounds the whole search; 15 seconds.
	Timeout time.Duration
}

const defaultTimeout = 15 * time.Second

// Find looks for the servers of an address. The error tells what is wrong with the address, or that ctx ended; that nothing
// was found is told by an empty report.
func (f Finder) Find(ctx context.Context, address string) (Report, error) {
	a, err := parse(address)
	if err != nil {
		return Report{}, err
	}
	if f.Timeout == 0 {
		f.Timeout = defaultTimeout
	}
	searching, cancel := context.WithTimeout(ctx, f.Timeout)
	defer cancel()
	if f.Resolver == nil {
		f.Resolver = net.DefaultResolver
	}

	sources := []func(context.Context, target, *Report){f.byDomain, f.byAutoconfig, f.bySRV, f.byMX, f.byISPDB}
	found := make([]Report, len(sources))
	done := make(chan struct{}, len(sources))
	for i, ask := range sources {
		go func() {
			ask(searching, a, &found[i])
			done <- struct{}{}
		}()
	}
	for range sources {
		<-done
	}
	if err := context.Cause(ctx); err != nil {
		return Report{}, fmt.Errorf("find the mail servers of %s: %w", a.domain, err)
	}
	var report Report
	for _, part := range found {
		report.Servers = append(report.Servers, part.Servers...)
		report.Attempts = append(report.Attempts, part.Attempts...)
		for _, hint := range part.Hints {
			if !slices.Contains(report.Hints, hint) {
				report.Hints = append(report.Hints, hint)
			}
		}
	}
	return report, nil
}

// target is the address that is asked for.
type target struct {
	address string // as given
	local   string
	domain  string // in ASCII, lower case
}

// hostNames is idna.Lookup, which lets pass what no name server is asked for (RFC 5891, section 4.4).
var hostNames = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.VerifyDNSLength(true))

// maxAddress is the longest mail address (RFC 3696, erratum 1690), and longer than any host name.
const maxAddress = 320

func parse(address string) (target, error) {
	at := strings.LastIndex(address, "@")
	a := target{address: address, local: address[:max(at, 0)]}
	if a.local == "" || len(address) > maxAddress || strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return target{}, fmt.Errorf("%q is no mail address", address)
	}
	domain, err := hostNames.ToASCII(strings.TrimSuffix(address[at+1:], "."))
	if err == nil && (!strings.Contains(domain, ".") || net.ParseIP(domain) != nil) {
		err = errors.New("it is no domain with a dot in it")
	}
	if err != nil {
		return target{}, fmt.Errorf("the domain of %q: %w", address, err)
	}
	a.domain = domain
	return a, nil
}

// owns reports whether a host is in the domain of the address.
func (a target) owns(host string) bool {
	return host == a.domain || strings.HasSuffix(host, "."+a.domain)
}

func (r *Report) failed(source string, err error) {
	r.Attempts = append(r.Attempts, Attempt{source, err.Error()})
}

// add takes a server into the report, unless there is no connection to it that protects a password.
func (r *Report) add(s Server) {
	s.Host = strings.ToLower(strings.TrimSuffix(s.Host, "."))
	switch ascii, err := hostNames.ToASCII(s.Host); {
	case err != nil || s.Host == "" || net.ParseIP(s.Host) != nil:
		r.failed(s.Source, fmt.Errorf("%s: %q is no host name", s.Protocol, s.Host))
	case s.Port < 1 || s.Port > 65535:
		r.failed(s.Source, fmt.Errorf("%s: %s has no port from 1 to 65535 but %d", s.Protocol, s.Host, s.Port))
	case s.TLS != "implicit" && s.TLS != "starttls":
		r.failed(s.Source, fmt.Errorf("%s: %s port %d is not encrypted (%s)", s.Protocol, s.Host, s.Port, s.TLS))
	case len(s.Auth) == 0:
		r.failed(s.Source, fmt.Errorf("%s: %s port %d offers no log-in that is supported", s.Protocol, s.Host, s.Port))
	default:
		s.Host = ascii
		r.Servers = append(r.Servers, s)
	}
}
