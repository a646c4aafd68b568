package mail

import (
	"context"
	"encoding/json"
	"strings"
)

// Tokens gives access tokens. refused is one that a server did not take, "" at first: a newer one is then wanted.
type Tokens interface {
	Token(ctx context.Context, refused Secret) (Secret, error)
}

// XOAUTH2 is the log-in with an access token of Google and Microsoft that came before RFC 7628; Microsoft offers no other.
func XOAUTH2(user string, token Secret) []byte {
	return []byte("user=" + user + "\x01auth=Bearer " + token.Reveal() + "\x01\x01")
}

// SASLName is the form of a name in RFC 5801, which RFC 7628 uses.
func SASLName(name string) string { return strings.NewReplacer("=", "=3D", ",", "=2C").Replace(name) }

// TokenRefusal reads what a server says of a token that it did not take (RFC 7628, section 3.2.2): a status such as invalid_token, for which
// Google and Microsoft write numbers as HTTP has them, and the scope that is wanted, where it says so. ok is false when it says something else.
func TokenRefusal(challenge []byte) (status, scope string, ok bool) {
	var said struct {
		Status json.RawMessage `json:"status"` // a string, but a number has been seen
		Scope  string          `json:"scope"`
	}
	if json.Unmarshal(challenge, &said) != nil {
		return "", "", false
	}
	return strings.Trim(string(said.Status), `"`), said.Scope, true
}

// TokenMayBeGood reports of the status of a refusal that the server could not tell (RFC 6749, section 4.1.2.1).
func TokenMayBeGood(status string) bool {
	return len(status) == 3 && status[0] == '5' || status == "429" || status == "temporarily_unavailable" || status == "server_error"
}
