package analytics

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/events"
)

// redacted stands for a secret.
const redacted = "***"

// redactor takes what we have sent to prove who we are out of texts of the server: some echo what they got, above all those that stand before it.
func redactor(c Config, urls []*url.URL) *strings.Replacer {
	var secrets []string
	account := func(name, password string) {
		secrets = append(secrets, password)
		if password != "" {
			secrets = append(secrets, encoded(name+":"+password)...)
			secrets = append(secrets, encoded(password)...)
		}
	}
	account(c.Username, c.Password.Reveal())
	for _, u := range urls {
		password, _ := u.User.Password()
		account(u.User.Username(), password)
	}
	if key := c.APIKey.Reveal(); key != "" {
		secrets = append(append(secrets, key), encoded(key)...)
		if plain, err := base64.StdEncoding.DecodeString(key); err == nil { // id:secret
			_, secret, _ := strings.Cut(string(plain), ":")
			secrets = append(secrets, string(plain), secret)
		}
	}
	var all []string
	for _, s := range secrets {
		all = append(all, s, url.QueryEscape(s), url.PathEscape(s), url.UserPassword("", s).String()[1:])
		if text, err := json.Marshal(s); err == nil { // a string always is text
			all = append(all, strings.Trim(string(text), `"`))
		}
	}
	all = slices.DeleteFunc(all, func(s string) bool { return s == "" })
	slices.SortFunc(all, func(a, b string) int { // what holds another comes before it
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	var pairs []string
	for _, s := range slices.Compact(all) {
		pairs = append(pairs, s, redacted)
	}
	return strings.NewReplacer(pairs...)
}

// encoded are the forms of a text in base64, with and without padding.
func encoded(text string) []string {
	return []string{
		base64.StdEncoding.EncodeToString([]byte(text)), base64.RawStdEncoding.EncodeToString([]byte(text)),
		base64.URLEncoding.EncodeToString([]byte(text)), base64.RawURLEncoding.EncodeToString([]byte(text)),
	}
}

// failed is a refusal as it may be told: without secrets, and bounded. Secrets go first, so that no part of one is left.
func (s *Store) failed(status int, why *cause) *Error {
	return &Error{Status: status, Type: events.CutTo(s.secrets.Replace(why.Type), maxType), Reason: events.CutTo(s.secrets.Replace(why.text()), maxReason)}
}

// told is an error as it may be told: some of those of net/http have a part of the answer in them.
func (s *Store) told(err error) error {
	text := events.CutTo(s.secrets.Replace(err.Error()), maxReason)
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}
