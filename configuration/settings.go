package configuration

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/waybill-io/waybill/mail"
)

// Text is the value of a setting, else its default; "" for none. It is not for secrets.
func (s *Settings) Text(name string) string {
	if v, ok := s.values[name]; ok {
		return v.text
	}
	return s.known[name].Default
}

// Given tells whether somebody has set it.
func (s *Settings) Given(name string) bool {
	_, ok := s.values[name]
	return ok
}

// From is where a value comes from: file:line, the name of a variable, --set, or default.
func (s *Settings) From(name string) string {
	if v, ok := s.values[name]; ok {
		return v.from
	}
	return "default"
}

// Bool is a setting that Read has checked.
func (s *Settings) Bool(name string) bool {
	b, _ := parseBool(s.Text(name)) // "" is false
	return b
}

// Int is a setting that Read has checked; 0 for none.
func (s *Settings) Int(name string) int {
	n, _ := strconv.Atoi(s.Text(name))
	return n
}

// Secret is the value of a secret, its reference resolved. The error names the setting and where it stands.
func (s *Settings) Secret(name string) (mail.Secret, error) {
	v, ok := s.values[name]
	if !ok {
		return "", nil
	}
	if !reference(v.text) {
		return mail.Secret(v.text), nil
	}
	secret, err := s.resolve(v.text)
	if err == nil && secret == "" {
		err = errors.New("the secret is empty")
	}
	if err != nil {
		return "", fmt.Errorf("%s: %s: %w", v.from, name, err)
	}
	return secret, nil
}

// Reference is the value of a secret by reference, for what is kept where the secret itself must not be. The error says that it is none.
func (s *Settings) Reference(name string) (string, error) {
	v, ok := s.values[name]
	switch {
	case !ok, reference(v.text):
		return v.text, nil
	case slices.Contains(s.known[name].Variables(), v.from):
		return "env:" + v.from, nil
	}
	return "", fmt.Errorf("%s: %s: a reference is expected, env:NAME, file:/path or what `starter secret seal` prints: a history will hold it", v.from, name)
}

func reference(text string) bool {
	kind, _, ok := strings.Cut(text, ":")
	return ok && slices.Contains([]string{"env", "file", "sealed"}, kind)
}

// Variable is the value of a setting by one of its environment variables. known is false for a variable of none, or when the setting has no value.
func (s *Settings) Variable(variable string) (text string, known bool, err error) {
	for _, name := range s.names {
		k := s.known[name]
		if !s.Given(name) || !slices.Contains(k.Variables(), variable) {
			continue
		}
		if k.Type == Secret {
			secret, err := s.Secret(name)
			return secret.Reveal(), true, err
		}
		return s.Text(name), true, nil
	}
	return "", false, nil
}

// Unmarked tells that handled mail is to get neither flag nor keyword.
func (s *Settings) Unmarked() bool { return !s.Bool(marks) }

// Warnings are what was probably meant otherwise.
func (s *Settings) Warnings() []string { return slices.Clone(s.warnings) }

// Notes are what is told once when a worker starts: what has no meaning here, or none yet.
func (s *Settings) Notes() []string {
	var notes []string
	if len(s.ignored) > 0 {
		sorted := slices.Compact(slices.Sorted(slices.Values(s.ignored)))
		notes = append(notes, fmt.Sprintf("settings that have no meaning here are ignored (%d): %s", len(sorted), strings.Join(sorted, ", ")))
	}
	if kind := s.Text(serverType); slices.ContainsFunc(embedded, func(old string) bool { return strings.EqualFold(kind, old) }) {
		notes = append(notes, fmt.Sprintf("%s is %s (%s), which is a server or a protocol that there is no more: nothing is indexed; rest indexes to a server of your own", serverType, kind, s.From(serverType)))
	}
	return notes
}

// masked is the value of a setting without what is secret; references are shown.
func (s *Settings) masked(name string) string {
	text := s.Text(name)
	switch s.known[name].Type {
	case Secret:
		if !reference(text) || strings.HasPrefix(text, mail.Sealed) {
			return fmt.Sprint(mail.Secret(text))
		}
	case URL:
		if u, err := url.Parse(text); err == nil && u.User != nil {
			u.User = url.User("xxxxx") // as url.Redacted has it, which shows the name
			return u.String()
		}
	}
	return text
}

// Table lists the settings that have a value, and where it comes from: for a tenant those that count, of which some are of email.*.
func (s *Settings) Table() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SETTING\tVALUE\tFROM")
	for _, name := range s.names {
		text, from := s.masked(name), s.From(name)
		if rest, ok := strings.CutPrefix(name, ofTenant); ok {
			tenant, short, _ := strings.Cut(rest, ".")
			text, from = s.section(tenant).counts(short)
		} else if short, ok := strings.CutPrefix(name, "email."); ok {
			text, from = s.section("").counts(short)
		}
		if text != "" {
			fmt.Fprintf(w, "%s\t%s\t%s\n", name, text, from)
		}
	}
	_ = w.Flush() // to memory
	return b.String()
}
