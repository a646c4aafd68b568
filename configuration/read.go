package configuration

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors/suggest"
	"github.com/waybill-io/waybill/mail"
)

// Options say where settings come from.
type Options struct {
	File string   // "": none
	Set  []string // KEY=VALUE, of the command line
	// Environment gives the value of a variable; nil: there are none.
	Environment func(name string) (string, bool)
	Variables   []string // the names of those that there are, to tell which mean nothing
	// Secret resolves a reference.
	Secret func(reference string) (mail.Secret, error)
}

// value is a setting that somebody has given.
type value struct {
	text string
	from string // file:line, the variable, --set
}

// Settings are what a worker has been told.
type Settings struct {
	values   map[string]value // without empty ones
	known    map[string]Key
	names    []string // of known, in the order of the list
	tenants  []string
	ignored  []string
	warnings []string
	resolve  func(reference string) (mail.Secret, error)
}

// Read reads and checks settings. The error has every mistake.
func Read(o Options) (*Settings, error) {
	if o.Secret == nil {
		o.Secret = func(string) (mail.Secret, error) { return "", errors.New("secrets are not resolved here") }
	}
	if o.Environment == nil {
		o.Environment = func(string) (string, bool) { return "", false }
	}
	var file []given
	if o.File != "" {
		entries, err := readFile(o.File)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			file = append(file, of(e, o.File))
		}
	}
	set, err := flags(o.Set)
	if err != nil {
		return nil, err
	}
	s := settings(o)
	if err := s.learn(file, set, o); err != nil {
		return nil, err
	}
	errs := []error{s.take(file, set, o.Environment)}
	for _, name := range s.names {
		if v, ok := s.values[name]; ok {
			if err := s.known[name].check(v.text); err != nil {
				errs = append(errs, fmt.Errorf("%s: %s: %w", v.from, name, err))
			}
		}
	}
	return s, errors.Join(errs...)
}

func settings(o Options) *Settings {
	return &Settings{values: map[string]value{}, known: map[string]Key{}, resolve: o.Secret}
}

// given is a setting with its place.
type given struct {
	name, text, from string
	nested           bool // see entry
}

func of(e entry, file string) given {
	return given{e.name, e.text, fmt.Sprintf("%s:%d", file, e.line), e.nested}
}

func flags(list []string) (all []given, err error) {
	for _, text := range list {
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil, fmt.Errorf("--set %.40q: KEY=VALUE is expected", name)
		}
		all = append(all, given{name: strings.TrimSpace(name), text: value, from: "--set"})
	}
	return all, nil
}

// learn lists the settings that are known: they depend on the tenants.
func (s *Settings) learn(file, set []given, o Options) error {
	others := func(g given) bool { return g.name != tenants }
	first, keys := settings(o), Keys()
	first.know(keys[slices.IndexFunc(keys, func(k Key) bool { return k.Name == tenants })])
	if err := first.take(slices.DeleteFunc(slices.Clone(file), others), slices.DeleteFunc(slices.Clone(set), others), o.Environment); err != nil {
		return err
	}
	list := first.values[tenants]
	for part := range strings.SplitSeq(list.text, ",") {
		name := strings.TrimSpace(part)
		switch {
		case name == "":
			continue
		case !contract.ValidTenant(name):
			return fmt.Errorf("%s: %s: tenant %q: %s is expected", list.from, tenants, name, contract.TenantRule)
		case slices.Contains(s.tenants, name):
			return fmt.Errorf("%s: %s: tenant %q stands there twice", list.from, tenants, name)
		}
		s.tenants = append(s.tenants, name)
		for _, k := range emailKeys() {
			if k.Name != tenants {
				keys = append(keys, k.of(name))
			}
		}
	}
	s.know(keys...)
	return s.variables(list.from, o)
}

func (s *Settings) know(keys ...Key) {
	for _, k := range keys {
		s.known[k.Name] = k
		s.names = append(s.names, k.Name)
	}
}

// variables sees that none is of two settings, as names of tenants may have it, and tells which of a tenant are of none. from is where the tenants are listed.
func (s *Settings) variables(from string, o Options) error {
	owners := map[string]string{}
	for _, name := range s.names {
		for _, variable := range s.known[name].Variables() {
			if owner := owners[variable]; owner != "" {
				return fmt.Errorf("%s: %s: %s and %s have the same variable, %s; name one of the tenants otherwise", from, tenants, owner, name, variable)
			}
			owners[variable] = name
		}
	}
	known := slices.Sorted(maps.Keys(owners))
	for _, variable := range o.Variables {
		text, _ := o.Environment(variable)
		plain := strings.TrimSuffix(variable, "_FILE")
		if text == "" || !strings.HasPrefix(variable, "EMAIL_TENANT_") || owners[plain] != "" {
			continue
		}
		s.warnings = append(s.warnings, variable+" is the variable of no setting"+meant(plain, known))
	}
	return nil
}

// take takes the values of the settings that are known, with their weight.
func (s *Settings) take(file, set []given, environment func(string) (string, bool)) error {
	errs := []error{s.fromFile(file)}
	for _, name := range s.names {
		errs = append(errs, s.fromEnvironment(s.known[name], environment))
	}
	return errors.Join(append(errs, s.fromFlags(set))...)
}

func (s *Settings) fromFile(all []given) error {
	var errs []error
	for _, g := range all {
		before, twice := s.values[g.name]
		switch _, ok := s.known[g.name]; {
		case ok && g.nested:
			errs = append(errs, fmt.Errorf("%s: %s: a list of lists or maps is no value of a setting", g.from, g.name))
		case ok && twice:
			s.warnings = append(s.warnings, fmt.Sprintf("%s: %s stands in %s, too; the last one counts", g.from, g.name, before.from))
			fallthrough
		case ok:
			s.put(g.name, g.text, g.from)
		case ours(g.name):
			errs = append(errs, fmt.Errorf("%s: %w", g.from, s.unknown(g.name)))
		default:
			known := begins(g.name, chart) || slices.Contains(sections, strings.Split(g.name, ".")[0])
			if near := suggest.Nearest(g.name, s.names); near != "" && strings.Contains(g.name, ".") && !known {
				s.warnings = append(s.warnings, fmt.Sprintf("%s: %s has no meaning here; did you mean %s?", g.from, g.name, near))
			}
			s.ignored = append(s.ignored, g.name)
		}
	}
	return errors.Join(errs...)
}

func (s *Settings) put(name, text, from string) {
	if s.known[name].Type != Secret {
		text = strings.TrimSpace(text)
	}
	if text == "" {
		delete(s.values, name)
		return
	}
	s.values[name] = value{text, from}
}

// fromEnvironment takes the variable of a setting, or the one with _FILE after its name, which names a file with the value. Several must say the same.
func (s *Settings) fromEnvironment(k Key, environment func(string) (string, bool)) error {
	var found *given
	for _, name := range k.Variables() {
		text, _ := environment(name)
		file, _ := environment(name + "_FILE")
		from := name
		switch {
		case text != "" && file != "":
			return fmt.Errorf("%s is set, and %s_FILE is, too; keep one", name, name)
		case file != "":
			text, from = "file:"+file, name+"_FILE"
		case text == "":
			continue
		}
		if k.Type != Secret && (file != "" || strings.HasPrefix(text, "sealed:")) {
			secret, err := s.resolve(text)
			if err != nil {
				return fmt.Errorf("%s: %w", from, err)
			}
			text = secret.Reveal()
		}
		if found != nil && found.text != text {
			return fmt.Errorf("%s is set, and %s is, too, to something else; keep one: both mean %s", found.from, from, k.Name)
		}
		found = &given{name: k.Name, text: text, from: from}
	}
	if found != nil {
		s.put(k.Name, found.text, found.from)
	}
	return nil
}

func (s *Settings) fromFlags(all []given) error {
	var errs []error
	for _, g := range all {
		if _, ok := s.known[g.name]; !ok {
			errs = append(errs, fmt.Errorf("--set: %w", s.unknown(g.name)))
			continue
		}
		s.put(g.name, g.text, g.from)
	}
	return errors.Join(errs...)
}

// ours tells whether a name is in one of our sections, and has not lost its meaning.
func ours(name string) bool {
	section, _, _ := strings.Cut(name, ".")
	return slices.Contains(sections, section) && !begins(name, obsolete)
}

func begins(name string, with []string) bool {
	return slices.ContainsFunc(with, func(begin string) bool { return strings.HasPrefix(name, begin) })
}

// unknown says what would be right.
func (s *Settings) unknown(name string) error {
	if rest, ok := strings.CutPrefix(name, ofTenant); ok {
		tenant, _, _ := strings.Cut(rest, ".")
		if !slices.Contains(s.tenants, tenant) {
			hint := "; add it there"
			if near := suggest.Nearest(tenant, s.tenants); near != "" {
				hint = fmt.Sprintf("; did you mean %q?", near)
			}
			return fmt.Errorf("%s: %s does not list %q%s", name, tenants, tenant, hint)
		}
	}
	return fmt.Errorf("%s is not a setting%s", name, meant(name, s.names))
}

func meant(name string, known []string) string {
	if near := suggest.Nearest(name, known); near != "" {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	return ""
}
