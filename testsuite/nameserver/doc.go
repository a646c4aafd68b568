// Package nameserver is a DNS server in this process for tests of what happens when a name leads somewhere, or somewhere else the next time. It
// answers questions for IPv4 addresses over UDP, and knows none of IPv6.
package nameserver
