package configuration

import (
	"errors"
	"fmt"
	netmail "net/mail"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Type is what a value must be.
type Type string

// The types.
const (
	Text    Type = "text"
	Secret  Type = "secret"       // text, or a reference to it: env:NAME, file:/path, sealed:...
	Bool    Type = "true/false"   // in any case
	Number  Type = "number"       // from Least to Most
	Rate    Type = "rate"         // a number above 0, which may have a fraction
	Millis  Type = "milliseconds" // from Least to Most
	Choice  Type = "choice"       // one of Choices
	List    Type = "list"         // separated by commas
	Address Type = "address"      // of mail
	URL     Type = "url"          // http or https
	Host    Type = "host"         // name or IP address
	Hosts   Type = "hosts"        // separated by commas
	File    Type = "file"         // that can be read
	Cron    Type = "cron"         // as Quartz has it: six or seven fields, seconds first
)

// Key is a setting that is known.
type Key struct {
	Name        string
	Type        Type
	Default     string
	Meaning     string
	Aliases     []string // environment variables that mean the same, beside those of its name
	Least, Most int
	Choices     []string
}

// Variables are the environment variables of a setting: its name in upper case with _ for dots and hyphens; where it has capitals, also with _ before
// them; and its aliases.
func (k Key) Variables() []string {
	plain := strings.NewReplacer(".", "_", "-", "_").Replace(k.Name)
	var parted strings.Builder
	for i, r := range plain {
		if i > 0 && unicode.IsUpper(r) && unicode.IsLower(rune(plain[i-1])) {
			parted.WriteByte('_')
		}
		parted.WriteRune(r)
	}
	all := []string{strings.ToUpper(plain), strings.ToUpper(parted.String())}
	return slices.Compact(append(all, k.Aliases...))
}

// of is the setting of a tenant that stands for one of email.
func (k Key) of(tenant string) Key {
	aliases := k.Aliases // all begin with EMAIL
	k.Name, k.Aliases = ofTenant+tenant+strings.TrimPrefix(k.Name, "email"), nil
	for _, begin := range (Key{Name: ofTenant + tenant}).Variables() {
		for _, alias := range aliases {
			k.Aliases = append(k.Aliases, begin+strings.TrimPrefix(alias, "EMAIL"))
		}
	}
	return k
}

// check tells what is wrong with a value, without the name of the setting. It shows no secret.
func (k Key) check(text string) error {
	if k.Type == Secret {
		if strings.HasPrefix(text, "ENC(") {
			return errors.New("it is encrypted with a key of the old product; write the secret, or a reference to it: env:NAME, file:/path, or what `starter secret seal` prints")
		}
		return nil
	}
	shown := fmt.Sprintf("%q", text)
	if strings.Contains(text, "@") && k.Type != Address {
		shown = "the value, which is not shown because a secret may stand before its @,"
	}
	if strings.Contains(text, "${") {
		return fmt.Errorf("%s: placeholders are not expanded; write the value, or set the variable %s", shown, k.Variables()[0])
	}
	if strings.ContainsFunc(text, unicode.IsControl) {
		return errors.New("it has a line end or another control character")
	}
	var err error
	switch k.Type {
	case Bool:
		if _, err = parseBool(text); err != nil {
			return fmt.Errorf("%s is neither true nor false", shown)
		}
	case Number, Millis:
		if n, err := strconv.Atoi(text); err != nil || n < k.Least || n > k.Most {
			return fmt.Errorf("%s is not a number from %d to %d", shown, k.Least, k.Most)
		}
	case Rate:
		if n, err := strconv.ParseFloat(text, 64); err != nil || !(n > 0 && n <= maxRate) {
			return fmt.Errorf("%s is not a number above 0, up to %d", shown, maxRate)
		}
	case Choice:
		if !slices.ContainsFunc(k.Choices, func(c string) bool { return strings.EqualFold(c, text) }) {
			return fmt.Errorf("%s is not one of %s", shown, strings.Join(k.Choices, ", "))
		}
	case Address:
		if _, err := netmail.ParseAddress(text); err != nil {
			return fmt.Errorf("%q is not an address such as desk@example.com", text)
		}
	case URL:
		if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("%s is not a URL such as https://waybill.example.com", shown)
		}
	case Host, Hosts:
		hosts := []string{text}
		if k.Type == Hosts {
			hosts = strings.Split(text, ",")
		}
		for _, host := range hosts {
			if _, err := netip.ParseAddr(strings.TrimSpace(host)); err != nil && !hostName.MatchString(strings.TrimSpace(host)) {
				return fmt.Errorf("%s is not a host name or IP address alone; a port is of %s.port", shown, k.Name[:strings.LastIndexByte(k.Name, '.')])
			}
		}
	case File:
		f, err := os.Open(text)
		if err != nil {
			return err
		}
		return f.Close()
	case Cron:
		if n := len(strings.Fields(text)); n != 6 && n != 7 {
			return fmt.Errorf("%s has %d fields; Quartz has six or seven, seconds first, such as 0/30 * * * * ?", shown, n)
		}
	}
	return nil
}

// hostName has underscores, too, which names in networks of containers have.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$`)

// maxRate bounds how many a second.
const maxRate = 100_000

func parseBool(text string) (bool, error) { return strconv.ParseBool(strings.ToLower(text)) }
