package mail

import "net"

// Loopback reports whether a host is this machine: the only one to which mail and passwords go in the clear unasked.
func Loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
