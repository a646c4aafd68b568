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

// ParseAddress reads an address with or without a name, as RFC 5322 section 3.4 has it: Ann <ann@example.com>.
func ParseAddress(text string) (Address, error) {
	a, err := netmail.ParseAddress(text)
	if err != nil {
		return Address{}, err
	}
	return Address{Name: a.Name, Address: a.Address}, nil
}

// ParseAddressList reads addresses that are separated by commas.
func ParseAddressList(text string) ([]Address, error) {
	list, err := netmail.ParseAddressList(text)
	if err != nil {
		return nil, err
	}
	addresses := make([]Address, len(list))
	for i, a := range list {
		addresses[i] = Address{Name: a.Name, Address: a.Address}
	}
	return addresses, nil
}
