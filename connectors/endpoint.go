package connectors

import (
	"net/url"
	"strings"

	"github.com/waybill-io/waybill/mail"
)

// Endpoint is the address of a service that secrets are sent to, without a slash at its end: an https URL, or http on this machine.
func (s *Settings) Endpoint(name string) string {
	text := s.Text(name)
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		s.Errorf(name, "is not an address such as https://api.example.com") // url.Error shows the address, which may hold a password
	case u.Scheme == "http" && !mail.Loopback(u.Hostname()):
		s.Errorf(name, "must begin with https, since secrets are sent there; http is for this machine")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		s.Errorf(name, "must be an address without user, query and fragment")
	}
	return strings.TrimRight(text, "/")
}
