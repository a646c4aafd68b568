package configuration

import (
	"errors"
	"fmt"
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
	s := &Settings{values: map[string]value{}, known: map[string]Key{}, resolve: o.Secret}
	if s.resolve == nil {
		s.resolve = func(string) (mail.Secret, error) { return "", errors.New("secrets are not resolved here") }
	}
	if o.Environment == nil {
		o.Environment = func(string) (string, bool) { return "", false }
	}
	var given []given
	if o.File != "" {
		entries, err := readFile(o.File)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			given = append(given, of(e, o.File))
		}
	}
	set, err := flags(o.Set)
	if err != nil {
		return nil, err
	}
	if err := s.learn(append(slices.Clone(given), set...), o.Environment); err != nil {
		return nil, err
	}
	errs := []error{s.fromFile(given)}
	for _, name := range s.names {
		errs = append(errs, s.fromEnvironment(s.known[name], o.Environment))
	}
	errs = append(errs, s.fromFlags(set))
	for _, name := range s.names {
		if v, ok := s.values[name]; ok {
			if err := s.known[name].check(v.text); err != nil {
				errs = append(errs, fmt.Errorf("%s: %s: %w", v.from, name, err))
			}
		}
	}
	return s, errors.Join(errs...)
}

// given is a setting with its place.
type given struct{ name, text, from string }

func of(e entry, file string) given {
	return given{e.name, e.text, fmt.Sprintf("%s:%d", file, e.line)}
}

func flags(list []string) (all []given, err error) {
	for _, text := range list {
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil, fmt.Errorf("--set %.40q: KEY=VALUE is expected", name)
		}
		all = append(all, given{strings.TrimSpace(name), value, "--set"})
	}
	return all, nil
}

// learn lists the settings that are known: they depend on the tenants.
func (s *Settings) learn(all []given, environment func(string) (string, bool)) error {
	list := value{}
	for _, g := range all {
		if g.name == tenants && g.from != "--set" {
			list = value{g.text, g.from}
		}
	}
	if text, ok := environment("EMAIL_TENANTS"); ok && text != "" {
		list = value{text, "EMAIL_TENANTS"}
	}
	for _, g := range all {
		if g.name == tenants && g.from == "--set" {
			list = value{g.text, g.from}
		}
	}
	variables := map[string]string{}
	for part := range strings.SplitSeq(list.text, ",") {
		name := strings.TrimSpace(part)
		variable := strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		switch {
		case name == "":
			continue
		case !contract.ValidTenant(name):
			return fmt.Errorf("%s: %s: tenant %q: %s is expected", list.from, tenants, name, contract.TenantRule)
		case variables[variable] != "":
			return fmt.Errorf("%s: %s: %s and %s have the same environment variables, EMAIL_TENANT_%s_...", list.from, tenants, variables[variable], name, variable)
		}
		variables[variable] = name
		s.tenants = append(s.tenants, name)
	}
	keys := Keys()
	for _, t := range s.tenants {
		for _, k := range emailKeys() {
			if k.Name != tenants {
				k.Name, k.Aliases = ofTenant+t+strings.TrimPrefix(k.Name, "email"), nil
				keys = append(keys, k)
			}
		}
	}
	for _, k := range keys {
		s.known[k.Name] = k
		s.names = append(s.names, k.Name)
	}
	return nil
}

func (s *Settings) fromFile(all []given) error {
	var errs []error
	for _, g := range all {
		before, twice := s.values[g.name]
		switch _, ok := s.known[g.name]; {
		case ok && twice:
			s.warnings = append(s.warnings, fmt.Sprintf("%s: %s stands in %s, too; the last one counts", g.from, g.name, before.from))
			fallthrough
		case ok:
			s.put(g.name, g.text, g.from)
		case ours(g.name):
			errs = append(errs, fmt.Errorf("%s: %w", g.from, s.unknown(g.name)))
		default:
			if near := suggest.Nearest(g.name, s.names); near != "" && strings.Contains(g.name, ".") && !slices.Contains(sections, strings.Split(g.name, ".")[0]) {
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
		found = &given{k.Name, text, from}
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
	return slices.Contains(sections, section) && !slices.ContainsFunc(obsolete, func(begin string) bool { return strings.HasPrefix(name, begin) })
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
	hint := ""
	if near := suggest.Nearest(name, s.names); near != "" {
		hint = fmt.Sprintf("; did you mean %s?", near)
	}
	return fmt.Errorf("%s is not a setting%s", name, hint)
}
