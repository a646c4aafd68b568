package connectors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waybill-io/waybill/mail"
)

// Settings are the config entries of an instance with their values. What is wrong with those that are asked for is collected: see Err.
type Settings struct {
	definition *Definition
	lookup     func(name string) (string, error)
	errs       []error
}

// NewSettings returns the settings of a definition. lookup knows the values that come from outside of it, "" for none, references
// resolved; the definition's own values stand behind them.
func NewSettings(d *Definition, lookup func(name string) (string, error)) *Settings {
	return &Settings{definition: d, lookup: lookup}
}

// Text is the value of a setting, "" for none.
func (s *Settings) Text(name string) string {
	entry := s.definition.setting(name)
	if entry == nil {
		s.Errorf(name, "is not a setting of %s; it has %s", s.definition.Name, settingNames(s.definition.Config))
		return ""
	}
	value, err := s.value(*entry)
	switch {
	case err != nil:
		s.Errorf(name, "%w", err)
	case value == "" && entry.Required:
		s.Errorf(name, "is required: %s", entry.Description)
	}
	return value
}

// value is what comes from outside, else what the definition says.
func (s *Settings) value(entry Config) (string, error) {
	value, err := s.lookup(entry.Name)
	if err != nil {
		return "", err
	}
	if value == "" && !reference.MatchString(entry.Value) {
		value = entry.Value
	}
	return value, nil
}

// Has tells whether a setting has a value. Unlike Text it does not mind when one that is required has none.
func (s *Settings) Has(name string) bool {
	entry := s.definition.setting(name)
	if entry == nil {
		return false
	}
	value, err := s.value(*entry)
	return value != "" && err == nil
}

// Secret is a value that no log shows.
func (s *Settings) Secret(name string) mail.Secret { return mail.Secret(s.Text(name)) }

// Bool is true or false, false for none.
func (s *Settings) Bool(name string) bool {
	text := s.Text(name)
	if text == "" {
		return false
	}
	b, err := strconv.ParseBool(text)
	if err != nil {
		s.Errorf(name, "%q is neither true nor false", s.shown(name, text))
	}
	return b
}

// Int is a number from least to most, otherwise for none.
func (s *Settings) Int(name string, otherwise, least, most int) int {
	text := s.Text(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		s.Errorf(name, "%q is not a number from %d to %d", s.shown(name, text), least, most)
		return otherwise
	}
	return n
}

// Duration is a time as 1m30s, or milliseconds as a plain number; otherwise for none.
func (s *Settings) Duration(name string, otherwise time.Duration) time.Duration {
	text := s.Text(name)
	if text == "" {
		return otherwise
	}
	d, err := parseDuration(text)
	if err != nil {
		s.Errorf(name, "%q is not a time such as 30s, or 30000 for milliseconds", s.shown(name, text))
		return otherwise
	}
	return d
}

// List are values separated by commas.
func (s *Settings) List(name string) []string {
	var all []string
	for part := range strings.SplitSeq(s.Text(name), ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

// Errorf tells that the value of a setting is wrong.
func (s *Settings) Errorf(name, format string, args ...any) {
	s.errs = append(s.errs, fmt.Errorf("%s %w", s.definition.Variable(name), fmt.Errorf(format, args...)))
}

// Err is everything that was wrong with what was asked for.
func (s *Settings) Err() error { return errors.Join(s.errs...) }

// shown is a value as an error may show it.
func (s *Settings) shown(name, text string) string {
	if entry := s.definition.setting(name); entry != nil && entry.Secure || SecretName(name) {
		return "(hidden)"
	}
	return text
}

// given tells whether any value comes from outside.
func (s *Settings) given() bool {
	return slices.ContainsFunc(s.definition.Config, func(c Config) bool {
		value, err := s.lookup(c.Name)
		return value != "" || err != nil
	})
}

// missing are the required settings without a value.
func (s *Settings) missing() []string {
	var names []string
	for _, c := range s.definition.Config {
		if value, err := s.value(c); c.Required && err == nil && value == "" {
			names = append(names, s.definition.Variable(c.Name))
		}
	}
	return names
}

func settingNames(config []Config) string {
	names := make([]string, len(config))
	for i, c := range config {
		names[i] = c.Name
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func parseDuration(text string) (time.Duration, error) {
	if ms, err := strconv.ParseInt(text, 10, 32); err == nil && ms >= 0 {
		return time.Duration(ms) * time.Millisecond, nil
	}
	d, err := time.ParseDuration(text)
	if err == nil && d < 0 {
		err = errors.New("is negative")
	}
	return d, err
}

// unconfigured stands for an instance that nobody has set up.
type unconfigured struct {
	definition *Definition
	missing    []string
}

func (u unconfigured) Definition() *Definition { return u.definition }

func (u unconfigured) Call(context.Context, Call) (map[string]any, error) {
	return nil, &Error{Kind: Permanent, Code: CodeNotConfigured,
		Public: fmt.Sprintf("connector %s is not configured: set %s for the worker, then retry", u.definition.Name, strings.Join(u.missing, ", "))}
}

var _ Connector = unconfigured{}
