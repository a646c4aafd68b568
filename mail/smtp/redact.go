package smtp

import (
	"encoding/base64"
	"errors"
	"strings"
)

// secrets are all forms in which a server may repeat what has been said to it to log in.
func (s *session) secrets() []string {
	var forms []string
	for _, response := range s.sent {
		if string(response) != s.owner.cfg.Username { // LOGIN
			forms = append(forms, string(response), base64.StdEncoding.EncodeToString(response))
		}
	}
	return append(forms, s.secret.Reveal())
}

// redact removes secrets from the text of a server that repeats what it got.
func redact(err error, secrets ...string) error {
	text := redacted(err.Error(), secrets)
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}

// redacted removes secrets from a text, also those that a server has cut short, of which the beginning is left.
func redacted(text string, secrets []string) string {
	const telling = 12 // bytes that are no coincidence
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		begin := secret[:min(len(secret), telling)]
		before, rest, found := strings.Cut(text, begin)
		for text = before; found; text += before {
			for tail := secret[len(begin):]; rest != "" && tail != "" && rest[0] == tail[0]; {
				rest, tail = rest[1:], tail[1:]
			}
			text += "********"
			before, rest, found = strings.Cut(rest, begin)
		}
	}
	return text
}
