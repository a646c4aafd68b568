package dialguard

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Guard opens connections. It is safe for concurrent use; the zero value lets through what is public.
type Guard struct {
	// Resolver resolves names; nil: the system's.
	Resolver *net.Resolver

	networks []netip.Prefix
	hosts    map[string]bool // a name or an address, or one with a port
}

// Denied is a connection that was not opened.
type Denied struct {
	Host    string     // as it was asked for
	Address netip.Addr // what it is
}

func (d *Denied) Error() string {
	return fmt.Sprintf("%s is %s, which is not a public address", d.Host, d.Address)
}

// New returns a guard that lets through what is public and, beside that, networks (10.0.0.0/8), addresses (10.0.0.7) and hosts by name,
// with a port or for all of them (crm.internal:8080, crm.internal). A host is trusted by its name, wherever that leads.
func New(allowed ...string) (*Guard, error) {
	g := &Guard{hosts: map[string]bool{}}
	for _, entry := range allowed {
		if network, err := netip.ParsePrefix(entry); err == nil {
			if network != network.Masked() {
				return nil, fmt.Errorf("%q is an address within a network; write %s for the network", entry, network.Masked())
			}
			if network.Addr().Is4In6() {
				return nil, fmt.Errorf("%q: write the IPv4 network itself, such as 10.0.0.0/8", entry)
			}
			g.networks = append(g.networks, network)
			continue
		}
		if address, err := netip.ParseAddr(entry); err == nil {
			address = address.Unmap().WithZone("")
			g.networks = append(g.networks, netip.PrefixFrom(address, address.BitLen()))
			continue
		}
		host, port, err := net.SplitHostPort(entry)
		if err != nil {
			host, port = entry, ""
		}
		if number, err := strconv.Atoi(port); host == "" || strings.ContainsAny(host, " /@*") || port != "" && (err != nil || number < 1 || number > 65535) {
			return nil, fmt.Errorf("%q is none of a network such as 10.0.0.0/8, an address, a host name or a host name with a port", entry)
		}
		if port == "" {
			g.hosts[plain(host)] = true
		} else {
			g.hosts[net.JoinHostPort(plain(host), port)] = true
		}
	}
	return g, nil
}

// DialContext is for http.Transport and whatever else dials. The error of a connection that is not allowed wraps *Denied.
func (g *Guard) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: 10 * time.Second, Resolver: g.Resolver}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if !g.hosts[plain(host)] && !g.hosts[net.JoinHostPort(plain(host), port)] {
		dialer.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error { return g.check(host, address) }
	}
	return dialer.DialContext(ctx, network, address)
}

// check is called with the address that the socket is about to be connected to.
func (g *Guard) check(host, address string) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", host, err) // what is not understood is not let through
	}
	ip := target.Addr().Unmap().WithZone("")
	for _, network := range g.networks {
		if network.Contains(ip) {
			return nil
		}
	}
	if !public(ip) {
		return &Denied{Host: host, Address: ip}
	}
	return nil
}

// special4 are the blocks of the IANA IPv4 Special-Purpose Address Registry that are not globally reachable, with those that are and
// lead to relays; multicast; and one address that is public by its number only.
var special4 = prefixes(
	"0.0.0.0/8",          // this network; 0.0.0.0 is this machine
	"10.0.0.0/8",         // private (RFC 1918)
	"100.64.0.0/10",      // shared by carriers (RFC 6598)
	"127.0.0.0/8",        // loopback
	"168.63.129.16/32",   // the host of an Azure machine
	"169.254.0.0/16",     // link-local, where clouds keep a machine's credentials (169.254.169.254)
	"172.16.0.0/12",      // private
	"192.0.0.0/24",       // IETF protocol assignments
	"192.0.2.0/24",       // documentation
	"192.88.99.0/24",     // 6to4 relays, deprecated
	"192.168.0.0/16",     // private
	"198.18.0.0/15",      // benchmarks
	"198.51.100.0/24",    // documentation
	"203.0.113.0/24",     // documentation
	"224.0.0.0/4",        // multicast
	"240.0.0.0/4",        // reserved
	"255.255.255.255/32", // broadcast
)

// global6 is what IANA gives out as global unicast; ::1, fc00::/7, fe80::/10, ff00::/8, 64:ff9b::/96 and ::ffff:0:0/96 lie outside.
var global6 = netip.MustParsePrefix("2000::/3")

// special6 are blocks within it that are not globally reachable or carry an IPv4 address.
var special6 = prefixes(
	"2001::/23",     // IETF protocol assignments, with Teredo
	"2001:db8::/32", // documentation
	"2002::/16",     // 6to4
	"3fff::/20",     // documentation
)

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}

// public reports whether an address is one of the public internet.
func public(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	special := special4
	if !address.Is4() {
		if special = special6; !global6.Contains(address) {
			return false
		}
	}
	for _, network := range special {
		if network.Contains(address) {
			return false
		}
	}
	return address.IsValid()
}

// plain is a host as names are compared.
func plain(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }
