package configuration

import (
	"errors"
	"fmt"
	netmail "net/mail"
	"net/url"
	"os"
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

// check tells what is wrong with a value, without the name of the setting. It shows no secret.
func (k Key) check(text string) error {
	if k.Type == Secret {
		if strings.HasPrefix(text, "ENC(") {
			return errors.New("it is encrypted with a key of the old product; write the secret, or a reference to it: env:NAME, file:/path, or what `starter secret seal` prints")
		}
		return nil
	}
	if strings.Contains(text, "${") {
		return fmt.Errorf("%q: placeholders are not expanded; write the value, or set the variable %s", text, k.Variables()[0])
	}
	if strings.ContainsFunc(text, unicode.IsControl) {
		return errors.New("it has a line end or another control character")
	}
	var err error
	switch k.Type {
	case Bool:
		if _, err = parseBool(text); err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
	case Number, Millis:
		if n, err := strconv.Atoi(text); err != nil || n < k.Least || n > k.Most {
			return fmt.Errorf("%q is not a number from %d to %d", text, k.Least, k.Most)
		}
	case Rate:
		if n, err := strconv.ParseFloat(text, 64); err != nil || !(n > 0 && n <= maxRate) {
			return fmt.Errorf("%q is not a number above 0, up to %d", text, maxRate)
		}
	case Choice:
		if !slices.ContainsFunc(k.Choices, func(c string) bool { return strings.EqualFold(c, text) }) {
			return fmt.Errorf("%q is not one of %s", text, strings.Join(k.Choices, ", "))
		}
	case Address:
		if _, err := netmail.ParseAddress(text); err != nil {
			return fmt.Errorf("%q is not an address such as desk@example.com", text)
		}
	case URL:
		if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("%q is not a URL such as https://waybill.example.com", text)
		}
	case File:
		f, err := os.Open(text)
		if err != nil {
			return err
		}
		return f.Close()
	case Cron:
		if n := len(strings.Fields(text)); n != 6 && n != 7 {
			return fmt.Errorf("%q has %d fields; Quartz has six or seven, seconds first, such as 0/30 * * * * ?", text, n)
		}
	}
	return nil
}

// maxRate bounds how many a second.
const maxRate = 100_000

func parseBool(text string) (bool, error) { return strconv.ParseBool(strings.ToLower(text)) }
