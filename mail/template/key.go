package template

import (
	"fmt"
	"regexp"
	"strings"
)

// Key is whose template it is, of what, and in which language. Tenant "" is the default one, Locale "" counts where no other fits.
type Key struct {
	Tenant string `json:"tenant,omitempty"`
	Name   string `json:"name"`
	Locale string `json:"locale,omitempty"`
}

// ID is the key as an id of a registry, which ParseID reads.
func (k Key) ID() string { return k.Tenant + "/" + k.Name + "/" + k.Locale }

// Base is the name of a file of the template, without its ending: task-assigned_de. The tenant is not in it.
func (k Key) Base() string {
	if k.Locale == "" {
		return k.Name
	}
	return k.Name + "_" + k.Locale
}

// ParseID reads what ID wrote.
func ParseID(id string) (Key, error) {
	parts := strings.Split(id, "/")
	if len(parts) != 3 {
		return Key{}, fmt.Errorf("%q is not the id of a template, TENANT/NAME/LOCALE", id)
	}
	k := Key{Tenant: parts[0], Name: parts[1], Locale: parts[2]}
	return k, k.Validate()
}

func (k Key) String() string {
	text := k.Name
	if k.Locale != "" {
		text += " in " + k.Locale
	}
	if k.Tenant != "" {
		text += " of tenant " + k.Tenant
	}
	return text
}

var (
	namePattern   = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)
	tenantPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)
	localePattern = regexp.MustCompile(`^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$`) // BCP 47: language, script, region
)

// Validate says what a key must be.
func (k Key) Validate() error {
	switch {
	case !namePattern.MatchString(k.Name):
		return fmt.Errorf("template %q: a name has small letters, digits and hyphens, such as task-assigned", k.Name)
	case k.Tenant != "" && !tenantPattern.MatchString(k.Tenant):
		return fmt.Errorf("template %s: tenant %q: letters, digits, hyphens and underscores are expected", k.Name, k.Tenant)
	case k.Locale != "" && !localePattern.MatchString(k.Locale):
		return fmt.Errorf("template %s: locale %q: a language, or one with a country, is expected, such as de or de-AT", k.Name, k.Locale)
	}
	return nil
}

// Locale brings a locale into the form of BCP 47 as far as it is one: de_at is de-AT. What is none is "".
func Locale(text string) string {
	parts := strings.FieldsFunc(text, func(r rune) bool { return r == '-' || r == '_' })
	for i, p := range parts {
		switch {
		case i == 0:
			parts[i] = strings.ToLower(p)
		case len(p) == 4:
			parts[i] = strings.ToUpper(p[:1]) + strings.ToLower(p[1:])
		default:
			parts[i] = strings.ToUpper(p)
		}
	}
	if locale := strings.Join(parts, "-"); localePattern.MatchString(locale) {
		return locale
	}
	return ""
}

// Candidates are the keys of a name that count for a tenant and a locale, the first that there is a template for wins. Each stands for a
// deployed template; after them come those that are bundled.
func Candidates(tenant, name, locale string) []Key {
	var keys []Key
	tenants := []string{tenant, ""}
	if tenant == "" {
		tenants = tenants[1:]
	}
	for _, t := range tenants {
		for _, l := range locales(locale) {
			keys = append(keys, Key{Tenant: t, Name: name, Locale: l})
		}
	}
	return keys
}

// locales are a locale, its language, and none.
func locales(locale string) []string {
	language, _, _ := strings.Cut(locale, "-")
	var all []string
	for _, l := range []string{locale, language} {
		if l != "" && (len(all) == 0 || all[0] != l) {
			all = append(all, l)
		}
	}
	return append(all, "")
}
