package activities

import (
	"fmt"
	"os"
	"strings"

	"github.com/waybill-io/waybill/mail"
)

// Secret resolves a reference: "env:NAME" or "file:/path", whose last newline does not count. An error names the reference,
// never the text.
func Secret(reference string) (mail.Secret, error) {
	kind, name, _ := strings.Cut(reference, ":")
	switch kind {
	case "env":
		if text, ok := os.LookupEnv(name); ok {
			return mail.Secret(text), nil
		}
		return "", fmt.Errorf("secret %q: the environment of the worker has no variable %s", reference, name)
	case "file":
		text, err := os.ReadFile(name)
		if err != nil {
			return "", fmt.Errorf("secret %q: %w", reference, err)
		}
		return mail.Secret(strings.TrimRight(string(text), "\r\n")), nil
	}
	return "", fmt.Errorf("a secret is named as env:NAME or file:/path, not as %d characters of something else", len(reference))
}
