package activities

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/mail"
)

// Credentials gives log-ins the access tokens of credentials. A worker keeps a token until shortly before its end, so that thousands of log-ins
// ask a credential's workflow once; and of those whose token is refused one alone asks it for a newer one.
type Credentials struct {
	client *client.Client
	now    func() time.Time

	mu    sync.Mutex
	known map[string]*credentialTokens
}

// NewCredentials returns the credentials of a namespace. They need the key in WAYBILL_SECRET_KEY.
func NewCredentials(c *client.Client) *Credentials {
	return &Credentials{client: c, now: time.Now, known: map[string]*credentialTokens{}}
}

// Tokens are those of a credential, which need not be there yet. They are the same for the same name.
func (c *Credentials) Tokens(name string) mail.Tokens { return c.tokens(name) }

func (c *Credentials) tokens(name string) *credentialTokens {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.known[name]
	if t == nil {
		t = &credentialTokens{Credentials: c, name: name, turn: make(chan struct{}, 1)}
		c.known[name] = t
	}
	return t
}

// credentialTokens is what a worker knows of a credential.
type credentialTokens struct {
	*Credentials
	name string

	turn    chan struct{} // held by the one that asks; it guards what follows
	token   mail.Secret
	access  contract.CredentialAccess
	fetched time.Time
}

// keptWithoutEnd is how long a token is kept whose end the provider did not tell.
const keptWithoutEnd = time.Minute

// Token implements mail.Tokens.
func (t *credentialTokens) Token(ctx context.Context, refused mail.Secret) (mail.Secret, error) {
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if t.token != "" && t.token != refused && t.now().Before(t.keptUntil()) {
		return t.token, nil
	}
	err := t.read(ctx)
	if err == nil && (t.token == refused || t.ended()) && t.renewable() {
		err = t.renew(ctx)
	}
	if t.token != "" && !t.ended() && (err == nil || t.token != refused) {
		return t.token, nil // also when Temporal does not answer: it is good for a while
	}
	if err == nil {
		err = errors.New(t.access.Problem)
		if t.access.Problem == "" {
			err = errors.New("it has no token that is valid")
		}
	}
	return "", fmt.Errorf("credential %q: %w", t.name, err)
}

// keptUntil is when the workflow, which renews tokens ahead of their end, is asked again.
func (t *credentialTokens) keptUntil() time.Time {
	if t.access.Expires.IsZero() {
		return t.fetched.Add(keptWithoutEnd)
	}
	life := t.access.Expires.Sub(t.access.Issued)
	return t.access.Issued.Add(life - life/10)
}

func (t *credentialTokens) ended() bool {
	return t.token == "" || !t.access.Expires.IsZero() && !t.now().Before(t.access.Expires)
}

// renewable tells whether asking for a newer token makes sense. The workflow would say the same, but each time in its history, and a server that
// refuses everything has a thousand mailboxes ask.
func (t *credentialTokens) renewable() bool {
	return !t.access.Waits && !t.now().Before(t.access.RenewFrom)
}

func (t *credentialTokens) read(ctx context.Context) error {
	access, err := t.client.CredentialAccess(ctx, t.name)
	if err != nil {
		return err
	}
	return t.take(access)
}

func (t *credentialTokens) renew(ctx context.Context) error {
	access, err := t.client.RefreshCredential(ctx, t.name, contract.RefreshCredential{Version: t.access.Version})
	if err != nil {
		return err
	}
	return t.take(access)
}

// take opens a token.
func (t *credentialTokens) take(access contract.CredentialAccess) error {
	var token mail.Secret
	if access.Sealed != "" {
		key, err := secretKey()
		if err != nil {
			return err
		}
		if token, err = key.Open(access.Sealed); err != nil {
			return err
		}
	}
	t.token, t.access, t.fetched = token, access, t.now()
	return nil
}

// Expires is when the token ends that a credential has now; zero: the provider did not say.
func (c *Credentials) Expires(ctx context.Context, name string) (time.Time, error) {
	access, err := c.client.CredentialAccess(ctx, name)
	switch {
	case err != nil:
		return time.Time{}, err
	case access.Sealed == "":
		return time.Time{}, errors.New(access.Problem)
	}
	return access.Expires, nil
}

// CredentialOf is the name in a reference "credential:NAME", "" of others.
func CredentialOf(reference string) string {
	name, ok := strings.CutPrefix(reference, contract.CredentialPrefix)
	if !ok {
		return ""
	}
	return name
}

var _ mail.Tokens = (*credentialTokens)(nil)
