package oauth

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/waybill-io/waybill/mail"
)

// maxToken bounds a token. Those of the large providers have 2 to 4 KB.
const maxToken = 64 << 10

// Claims reads what a JSON Web Token says (RFC 7519) into a value, as JSON. It is false when the token is none, or has more than 64 KB. The
// signature is not looked at: whoever asks must trust where the token came from, or not depend on what it says.
func Claims(token mail.Secret, into any) bool {
	parts := strings.Split(token.Reveal(), ".")
	if len(parts) != 3 || len(token) > maxToken {
		return false
	}
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	return err == nil && json.Unmarshal(text, into) == nil
}
