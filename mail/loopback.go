package mail

import (
	"net/netip"
	"os"
	"strings"

	"golang.org/x/net/idna"
)

// Loopback reports whether a host is this machine: the only one to which mail and passwords go in the clear unasked.
func Loopback(host string) bool {
	host = plain(host)
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// Here reports whether a host may be this machine however it is written, to keep others away from what listens here. It is no leave to
// send anything in the clear. A name of which only a name server knows that it leads here is not found out.
func Here(host string) bool {
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		host = ascii // as the HTTP client reads it: digits and dots have other shapes, too
	}
	host = plain(host)
	if ip, err := netip.ParseAddr(host); err == nil {
		ip = ip.Unmap().WithZone("")
		return ip.IsLoopback() || ip.IsUnspecified() // a connection to the unspecified address ends here
	}
	own, err := os.Hostname()
	own = plain(own)
	short, _, _ := strings.Cut(own, ".")
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && (host == own || host == short) || number(host)
}

// plain is a host as names are compared.
func plain(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }

// number reports whether a host that is no address ends in a number, as no name does: C libraries read 127.1 and 0x7f000001 as addresses.
func number(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	digits, hexadecimal := strings.CutPrefix(last, "0x")
	if hexadecimal {
		return strings.Trim(digits, "0123456789abcdef") == ""
	}
	return digits != "" && strings.Trim(digits, "0123456789") == ""
}
