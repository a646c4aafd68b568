package rest

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"

	"github.com/waybill-io/waybill/mail"
)

// origin is a scheme, a host and a port (RFC 6454).
type origin struct {
	scheme string // "": https, and http on this machine
	host   string // lower case, without brackets
	port   int    // 0: that of the scheme
	ports  ports
}

// ports are those of the schemes; 0: 80 and 443.
type ports struct{ http, https int }

// parseOrigin reads what a setting says. Its errors do not repeat it: it may hold a password, where none belongs.
func parseOrigin(text string) (origin, error) {
	var o origin
	rest := text
	if scheme, after, found := strings.Cut(text, "://"); found {
		o.scheme, rest = strings.ToLower(scheme), strings.TrimSuffix(after, "/")
	}
	if strings.Contains(rest, "@") {
		return origin{}, errors.New("is no host such as api.example.com or https://api.example.com:8443, without an account, which has settings of its own")
	}
	o.host = rest
	if host, port, err := net.SplitHostPort(rest); err == nil {
		o.host = host
		if o.port, err = strconv.Atoi(port); err != nil || o.port < 1 || o.port > 65535 {
			return origin{}, errors.New("is wrong: the port is none, 1 to 65535")
		}
	}
	o.host = strings.TrimSuffix(strings.TrimPrefix(o.host, "["), "]")
	if !slices.Contains([]string{"", "http", "https"}, o.scheme) || strings.ContainsAny(o.host, "/ ?#*\\[]%") || o.host == "" {
		return origin{}, errors.New("is no host such as api.example.com or https://api.example.com:8443, without a path")
	}
	host, err := asciiHost(o.host)
	if err != nil {
		return origin{}, fmt.Errorf("is wrong: %w", err)
	}
	o.host = host
	return o, nil
}

func (o origin) portOf(scheme string) int {
	switch {
	case o.port != 0:
		return o.port
	case scheme == "http" && o.ports.http != 0:
		return o.ports.http
	case scheme == "http":
		return 80
	case o.ports.https != 0:
		return o.ports.https
	}
	return 443
}

// errClear tells that credentials would have to go over the network in the clear.
var errClear = errors.New("credentials are not sent over http")

// trusts tells whether a request to this origin gets the credentials. It is errClear for a host that would get them over https.
func (c *config) trusts(scheme, host string, port int) (bool, error) {
	var clear error
	for _, o := range c.trusted {
		switch {
		case o.host != host || o.portOf(scheme) != port:
		case o.scheme == scheme, o.scheme == "" && (scheme == "https" || mail.Loopback(host)):
			return true, nil
		case scheme == "http":
			clear = errClear
		}
	}
	return false, clear
}

// originOf are scheme, host and port of a URL, as they are compared.
func originOf(u *url.URL) (scheme, host string, port int) {
	scheme, host = u.Scheme, u.Hostname()
	if ascii, err := asciiHost(host); err == nil {
		host = ascii
	}
	o := origin{}
	if n, err := strconv.Atoi(u.Port()); err == nil {
		o.port = n
	}
	return scheme, host, o.portOf(scheme)
}

// asciiHost is a host as it is looked up, or why it is none. Numbers that C libraries read as addresses, such as 0x7f.1 and 2130706433, are
// refused: nobody has a reason to write an address like that.
func asciiHost(host string) (string, error) {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if address, err := netip.ParseAddr(host); err == nil {
		if address.Zone() != "" {
			return "", errors.New("an address with a zone is of this machine only")
		}
		return address.Unmap().String(), nil
	}
	ascii, err := idna.Lookup.ToASCII(host)
	if err != nil || strings.Contains("."+host, "..") {
		if err == nil || strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" || len(host) > 253 {
			return "", errors.New("it is no host name")
		}
		ascii = host // names of services may have an underscore
	}
	if address, err := netip.ParseAddr(ascii); err == nil {
		return address.String(), nil
	}
	last := ascii[strings.LastIndexByte(ascii, '.')+1:]
	digits, hexadecimal := strings.CutPrefix(last, "0x")
	if last == "" || strings.Trim(digits, "0123456789") == "" || hexadecimal && strings.Trim(digits, "0123456789abcdef") == "" {
		return "", errors.New("it is neither a host name nor an address")
	}
	return ascii, nil
}
