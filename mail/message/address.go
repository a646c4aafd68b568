package message

import (
	netmail "net/mail"
	"strings"
)

// addresses reads an address list by the book, and when that fails piece by piece.
func (p *parser) addresses(h header, key string) []Address {
	raw := h.get(key)
	if strings.TrimSpace(raw) == "" {
		return nil
	}
	strict := netmail.AddressParser{WordDecoder: &words}
	list, err := strict.ParseList(raw)
	if err == nil {
		addresses := make([]Address, 0, len(list))
		for _, a := range list {
			addresses = append(addresses, Address{Name: clean(a.Name), Address: clean(a.Address)})
		}
		return addresses
	}
	p.defect("%s is not a valid address list: %.80s", key, raw)
	var addresses []Address
	for _, item := range splitOutsideQuotes(raw, ',') {
		for _, item := range splitOutsideQuotes(item, ';') { // as Outlook separates them
			if a := looseAddress(item); a != (Address{}) {
				addresses = append(addresses, a)
			}
		}
	}
	return addresses
}

func looseAddress(item string) Address {
	name, address := "", strings.TrimSpace(item)
	if open := strings.LastIndexByte(item, '<'); open >= 0 {
		name = strings.Trim(strings.TrimSpace(item[:open]), `"' `)
		address, _, _ = strings.Cut(item[open+1:], ">")
		address = strings.TrimSpace(address)
	}
	if !strings.Contains(address, "@") || strings.ContainsAny(address, " \t") {
		if name == "" {
			name = address
		}
		return Address{Name: decodeWords(name)}
	}
	return Address{Name: decodeWords(name), Address: clean(address)}
}
