package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/waybill-io/waybill/mail"
)

// Format is what a webhook is sent.
type Format string

// The formats.
const (
	CloudEvents Format = "cloudevents" // our own: CloudEvents 1.0, structured JSON
	FullEmail   Format = "full-email"  // ProcessFullEmail of the listener service that applications may have had before
	NewEmail    Format = "new-email"   // NewEmail of that service: the Message-ID alone
)

var formats = []Format{CloudEvents, FullEmail, NewEmail}

// DefaultGiveUp is how long a webhook is tried that does not accept.
const DefaultGiveUp = 72 * time.Hour

// Subscription says who is told of the mail of a mailbox.
type Subscription struct {
	Name   string `json:"name"`
	URL    string `json:"url"`
	Format Format `json:"format,omitempty"` // cloudevents
	// Secrets name what deliveries are signed with, as env:NAME or file:/path. With several each signs, so that a receiver can be
	// given a new one before the old one goes.
	Secrets  []string `json:"secrets,omitempty"`
	Unsigned bool     `json:"unsigned,omitempty"` // no secret, on purpose
	Plain    bool     `json:"allowPlain,omitempty"`
	// Ordered has a mail wait until those before it in its mailbox were accepted.
	Ordered bool `json:"ordered,omitempty"`
	// GiveUp is how long a mail is tried until it becomes a dead letter.
	GiveUp time.Duration `json:"giveUp,omitempty"`
	// What formats of the listener service repeat to the application.
	ID           string `json:"id,omitempty"`
	MailboxID    string `json:"mailboxId,omitempty"`
	SysAdminUnit string `json:"sysAdminUnit,omitempty"`
	TimeZoneID   string `json:"timeZoneId,omitempty"`
	Workspace    string `json:"workspace,omitempty"` // "": Default
}

// Parse reads a subscription that was checked when it was stored.
func Parse(data []byte) (Subscription, error) {
	var s Subscription
	if err := json.Unmarshal(data, &s); err != nil { // fields of later versions are passed over
		return s, fmt.Errorf("read webhook: %w", err)
	}
	if s.Format == "" {
		s.Format = CloudEvents
	}
	if s.GiveUp == 0 {
		s.GiveUp = DefaultGiveUp
	}
	return s, nil
}

// Validate reports everything that is wrong with a subscription at once.
func (s Subscription) Validate() error {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("webhook %q: "+format, append([]any{s.Name}, args...)...))
	}
	if s.Name == "" {
		wrong("a name is expected")
	}
	u, err := url.Parse(s.URL)
	switch {
	case err != nil || u.Host == "":
		wrong("url %q: an address such as https://app.example.com/mail is expected", s.URL)
	case strings.ContainsFunc(s.URL, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		wrong("url %q: an address without blanks is expected; write %%20 for one", s.URL)
	case u.User != nil:
		wrong("url: a password in the address would be kept in Temporal's histories; the deliveries are signed instead")
	case u.Scheme == "https", u.Scheme == "http" && (s.Plain || mail.Loopback(u.Hostname())):
	case u.Scheme == "http":
		wrong("url %q: mail would cross a network in clear text; use https, or allow it explicitly", s.URL)
	default:
		wrong("url %q: https is expected", s.URL)
	}
	if s.Format != "" && !slices.Contains(formats, s.Format) {
		wrong("format %q: cloudevents, full-email or new-email is expected", s.Format)
	}
	if len(s.Secrets) == 0 && !s.Unsigned {
		wrong("a secret to sign with is expected, as env:NAME or file:/path; without one anybody can pretend to be us")
	}
	if len(s.Secrets) > 0 && s.Unsigned {
		wrong("unsigned, and secrets to sign with: one of them is expected")
	}
	for _, secret := range s.Secrets {
		if !strings.HasPrefix(secret, "env:") && !strings.HasPrefix(secret, "file:/") && !strings.HasPrefix(secret, mail.Sealed) {
			wrong("a secret is named as env:NAME or file:/path, or sealed, never written out")
		}
	}
	if s.GiveUp < 0 {
		wrong("give up after %s: a positive time is expected", s.GiveUp)
	}
	return errors.Join(errs...)
}
