// Package dialguard keeps connections that others may choose the target of (a URL in a model, a webhook that a customer entered) out of
// the networks of the house: server-side request forgery.
//
// The check is made when a connection is opened, on the address that it goes to. What was written does not matter: names that resolve
// to an inner address, also only at the second look-up (DNS rebinding), addresses in other shapes (2130706433, 0x7f.1, ::ffff:127.0.0.1,
// full-width digits) and redirects all end at the same address. An address is let through when IANA's special-purpose registries
// have it as globally reachable. What carries another address in it, such as 64:ff9b::a00:1 (NAT64) or 2002:a00:1:: (6to4), is not: where it
// leads is decided by a gateway that we do not know.
//
// A proxy would resolve names where the guard does not see it, so a transport with this guard must not use one.
package dialguard
