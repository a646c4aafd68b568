package activities

import (
	"context"
	"math"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/oauth"
)

// tokenOf is what the token says that a mailbox is logged in to with, or what its credential knows; nil when it is logged in to without one,
// or there is none to read.
func (w *Watcher) tokenOf(ctx context.Context, c contract.MailboxConfig) *contract.Token {
	if !c.OAuth() {
		return nil
	}
	if name := CredentialOf(c.Password); name != "" {
		expires, err := w.credentials.Expires(ctx, name)
		if err != nil {
			return nil // likewise
		}
		return &contract.Token{Expires: expires}
	}
	token, err := Secret(c.Password)
	if err != nil || token == "" {
		return nil // the log-in fails with the reason
	}
	return &contract.Token{Expires: expiry(token)}
}

// expiry is when a token ends by its own word: the claim exp of a JSON Web Token (RFC 7519, section 4.1.4). It is zero when the token is
// none, or does not say. The signature is not looked at: this is for people to read, and the mail server judges the token.
func expiry(token mail.Secret) time.Time {
	var claims struct {
		Expires *float64 `json:"exp"` // seconds since 1970, which may have a fraction
	}
	if !oauth.Claims(token, &claims) || claims.Expires == nil {
		return time.Time{}
	}
	seconds := *claims.Expires
	if seconds <= 0 || seconds > maxExpiry {
		return time.Time{}
	}
	return time.Unix(int64(math.Floor(seconds)), 0).UTC()
}

// maxExpiry is the end of the year 9999, beyond which a time has no text.
const maxExpiry = 253402300799
