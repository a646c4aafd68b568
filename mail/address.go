package mail

import netmail "net/mail"

// Address is one mailbox of a mail: a display name, which may be empty, and the address without angle brackets.
type Address struct {
	Name    string `json:"name,omitempty"`
	Address string `json:"address"`
}

// String formats the address as RFC 5322 section 3.4 writes it, the name encoded by RFC 2047 where it must be.
func (a Address) String() string {
	return (&netmail.Address{Name: a.Name, Address: a.Address}).String()
}
