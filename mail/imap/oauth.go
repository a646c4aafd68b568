package imap

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/emersion/go-sasl"

	"github.com/waybill-io/waybill/mail"
)

// xoauth2 is the mechanism of mail.XOAUTH2. It serves one log-in.
type xoauth2 struct {
	username string
	token    mail.Secret
	refusal  []byte // what the server said of a token that it did not take
}

// Start implements sasl.Client.
func (x *xoauth2) Start() (string, []byte, error) {
	return "XOAUTH2", mail.XOAUTH2(x.username, x.token), nil
}

// Next answers the challenge that tells the reason with an empty line, and then the server refuses.
func (x *xoauth2) Next(challenge []byte) ([]byte, error) {
	if x.refusal != nil {
		return nil, errors.New("the server asks again after it refused the token")
	}
	x.refusal = challenge
	return []byte{}, nil
}

// TokenError is the server's word on a token that it did not take (RFC 7628, section 3.2.3).
type TokenError struct {
	Status string // "invalid_token"; Google and Microsoft write numbers as HTTP has them
	Scope  string // what the token must allow, where the server says so
	Text   string // of its final answer
}

func (e *TokenError) Error() string {
	var parts []string
	for _, part := range [][2]string{{"status", e.Status}, {"scope wanted", e.Scope}} {
		if part[1] != "" {
			parts = append(parts, fmt.Sprintf("%s %q", part[0], part[1]))
		}
	}
	if e.Text != "" {
		parts = append(parts, e.Text)
	}
	if len(parts) == 0 {
		return "it gave no reason"
	}
	return strings.Join(parts, ", ")
}

func decodeRefusal(challenge []byte) TokenError {
	status, scope, ok := mail.TokenRefusal(challenge)
	if !ok {
		status = printable(string(challenge))
	}
	return TokenError{Status: status, Scope: scope}
}

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return -1
		}
		return r
	}, s[:min(len(s), 200)])
}

// expired matches the goodbye of a server whose session lasts as long as its token: Microsoft ("Session invalidated -
// AccessTokenExpired") and Google ("Session expired, please login again").
var expired = regexp.MustCompile(`(?i)AccessTokenExpired|session (expired|invalidated)`)

var _ sasl.Client = (*xoauth2)(nil)
