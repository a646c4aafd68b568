package activities

import (
	"fmt"
	"os"
	"strings"

	"github.com/waybill-io/waybill/mail"
)

// keyName is the variable with the key of sealed secrets.
const keyName = "WAYBILL_SECRET_KEY"

// Secret resolves a reference: "env:NAME", "file:/path", whose last newline does not count, or "sealed:" and what starter secret
// seal or the gateway made of it. An error names the reference, never the text.
func Secret(reference string) (mail.Secret, error) {
	kind, name, _ := strings.Cut(reference, ":")
	switch kind {
	case "env":
		if text, ok := os.LookupEnv(name); ok {
			return mail.Secret(text), nil
		}
		return "", fmt.Errorf("secret %q: the environment of the worker has no variable %s", reference, name)
	case "sealed":
		if os.Getenv(keyName) == "" {
			return "", fmt.Errorf("a sealed secret cannot be read: %s, which has the key of those who sealed it, is not set", keyName)
		}
		key, err := mail.ParseKey(os.Getenv(keyName))
		if err != nil {
			return "", fmt.Errorf("read a sealed secret with the key in %s: %w", keyName, err)
		}
		return key.Open(reference)
	case "credential":
		return "", fmt.Errorf("secret %q: it is a token, which log-ins with OAuth take alone (--auth xoauth2, oauthbearer or oauth)", reference)
	case "file":
		text, err := os.ReadFile(name)
		if err != nil {
			return "", fmt.Errorf("secret %q: %w", reference, err)
		}
		return mail.Secret(strings.TrimRight(string(text), "\r\n")), nil
	}
	return "", fmt.Errorf("a secret is named as env:NAME, file:/path, sealed:... or credential:NAME, not as %d characters of something else", len(reference))
}
