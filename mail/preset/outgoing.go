package preset

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"github.com/waybill-io/waybill/mail"
)

// ErrUnknown tells that nobody has said which server sends the mail of an address.
var ErrUnknown = errors.New("the server that sends its mail is not known")

// Outgoing is the server that sends the mail of an address: that of a URL (see ParseSMTP), or with "" that of the provider, else
// ErrUnknown.
func Outgoing(url, address string) (Server, error) {
	if url != "" {
		return ParseSMTP(url)
	}
	if p, known := ByAddress(address); known {
		return p.SMTP, nil
	}
	return Server{}, ErrUnknown
}

// ParseSMTP reads a URL such as smtps://smtp.example.com:465, or smtp://smtp.example.com:587 with STARTTLS, without TLS on this machine.
func ParseSMTP(text string) (Server, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Scheme != "smtp" && u.Scheme != "smtps" {
		return Server{}, errors.New("an address such as smtps://smtp.example.com:465 or smtp://smtp.example.com:587 (STARTTLS) is expected")
	}
	s := Server{Host: u.Hostname(), Port: 465, TLS: "implicit"}
	if u.Scheme == "smtp" {
		s.Port, s.TLS = 587, "starttls"
		if mail.Loopback(s.Host) {
			s.TLS = "none"
		}
	}
	if u.Port() == "" {
		return s, nil
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil || port == 0 {
		return Server{}, fmt.Errorf("port %q is not between 1 and 65535", u.Port())
	}
	s.Port = int(port)
	return s, nil
}
