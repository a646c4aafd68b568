package mail

import (
	"encoding"
	"fmt"
	"log/slog"
)

// Secret is a password or a token. It prints as stars wherever a value is formatted (fmt with any verb, JSON,
// slog), so that a configuration can be logged or put into an error; Reveal is the only way to the text.
type Secret string

const stars = "********"

// Reveal returns the text. Call it where the secret goes over the wire and nowhere else.
func (s Secret) Reveal() string { return string(s) }

// masked keeps "not set" visible, because that is what a reader of a log looks for.
func (s Secret) masked() string {
	if s == "" {
		return ""
	}
	return stars
}

// Format implements fmt.Formatter and not merely fmt.Stringer: a verb that does not fit, such as %d, would print
// the text of a Stringer.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.masked())) }

// MarshalText covers JSON and YAML. It is one-way: what was marshalled cannot be used to log in.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.masked()), nil }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.masked()) }

var (
	_ fmt.Formatter          = Secret("")
	_ encoding.TextMarshaler = Secret("")
	_ slog.LogValuer         = Secret("")
)
