// Package preset holds the server settings of large mail providers, so that an address is enough to fill in a form. It only
// tells; it connects to nothing. What it does not know, package autodiscover may find.
package preset

import (
	"slices"
	"strings"
)

// Server is where mail is read or sent. TLS and Auth hold the words of the configurations of imap and smtp.
type Server struct {
	Host string   `json:"host"`
	Port int      `json:"port"`
	TLS  string   `json:"tls"`  // implicit or starttls
	Auth []string `json:"auth"` // password, xoauth2, oauthbearer; the best first
}

// Preset is a provider. The user name is the address, unless a hint says otherwise.
type Preset struct {
	Name    string   `json:"name"`              // for configurations
	Title   string   `json:"title"`             // for people
	Domains []string `json:"domains,omitempty"` // of addresses
	MX      []string `json:"mx"`                // domains of the hosts that take its mail, for addresses in domains of customers
	IMAP    Server   `json:"imap"`
	SMTP    Server   `json:"smtp"`
	Hints   []string `json:"hints,omitempty"` // what somebody must do before it works
}

// All returns every preset, by name.
func All() []Preset {
	all := slices.Clone(presets)
	for i, p := range all {
		all[i] = p.clone()
	}
	return all
}

// ByName finds a preset by its name, in any case.
func ByName(name string) (Preset, bool) {
	return find(func(p Preset) bool { return strings.EqualFold(p.Name, name) })
}

// ByAddress finds the preset of a mail address, or of the domain of one.
func ByAddress(address string) (Preset, bool) {
	domain := canonical(address[strings.LastIndex(address, "@")+1:])
	return find(func(p Preset) bool { return slices.Contains(p.Domains, domain) })
}

// ByMX finds the preset of the provider that takes the mail of a domain, by the name of a host of its MX records.
func ByMX(host string) (Preset, bool) {
	host = canonical(host)
	return find(func(p Preset) bool {
		return slices.ContainsFunc(p.MX, func(domain string) bool { return host == domain || strings.HasSuffix(host, "."+domain) })
	})
}

func find(match func(Preset) bool) (Preset, bool) {
	if i := slices.IndexFunc(presets, match); i >= 0 {
		return presets[i].clone(), true
	}
	return Preset{}, false
}

func canonical(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }

func (p Preset) clone() Preset {
	p.Domains, p.MX, p.Hints = slices.Clone(p.Domains), slices.Clone(p.MX), slices.Clone(p.Hints)
	p.IMAP.Auth, p.SMTP.Auth = slices.Clone(p.IMAP.Auth), slices.Clone(p.SMTP.Auth)
	return p
}
