package access

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"

	"github.com/waybill-io/waybill/external"
)

// Claims of the tokens of a provider. The first is process-engine's.
const (
	mayClaim    = "can_access_external_tasks" // must be true
	topicsClaim = "external_task_topics"      // a list of texts; without it: all
	tenantClaim = "external_task_tenant"      // a text, "": what has no tenant; without it: all
)

// algorithms are those that have a key which only the provider knows.
var algorithms = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA,
}

const (
	// askFor is how long the provider may take to answer.
	askFor = 10 * time.Second
	// Anybody can make tokens with signatures that are not known, and each has the provider asked for new keys.
	askEvery, askAtOnce = time.Second, 5
	tellEvery           = 10 * time.Second
)

// issuer is an OpenID provider.
type issuer struct {
	url, audience string
	logger        *slog.Logger
	http          *http.Client
	tell          rate.Sometimes // what is wrong with it, which each token would find
	finding       singleflight.Group
	verifier      atomic.Pointer[oidc.IDTokenVerifier] // nil: it was not found yet
}

func newIssuer(at, audience string, logger *slog.Logger) *issuer {
	return &issuer{url: at, audience: audience, logger: logger, tell: rate.Sometimes{Interval: tellEvery}, http: &http.Client{
		Timeout: askFor, Transport: &paced{http.DefaultTransport, rate.NewLimiter(rate.Every(askEvery), askAtOnce)},
	}}
}

// paced bounds how often a server is asked.
type paced struct {
	http.RoundTripper
	limit *rate.Limiter
}

func (p *paced) RoundTrip(r *http.Request) (*http.Response, error) {
	if !p.limit.Allow() {
		return nil, errors.New("it was asked moments ago")
	}
	return p.RoundTripper.RoundTrip(r)
}

// errAway is for callers; the cause is in the log.
var errAway = errors.New("the identity provider does not answer, so that tokens cannot be verified now")

// find returns what verifies tokens. As long as the provider does not answer, it is asked for each token, for all that come meanwhile together.
func (i *issuer) find(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	if v := i.verifier.Load(); v != nil {
		return v, nil
	}
	found := i.finding.DoChan("", func() (any, error) {
		ctx := oidc.ClientContext(context.Background(), i.http) // for all who wait, and for keys later
		p, err := oidc.NewProvider(ctx, i.url)
		if err != nil {
			return nil, err
		}
		var metadata struct {
			Keys string `json:"jwks_uri"`
		}
		if err := p.Claims(&metadata); err != nil {
			return nil, err
		}
		if u, err := url.Parse(metadata.Keys); err != nil || !secure(u) {
			return nil, fmt.Errorf("its keys are at %q, and https:// is expected", metadata.Keys)
		}
		v := oidc.NewVerifier(i.url, keys{oidc.NewRemoteKeySet(ctx, metadata.Keys)}, &oidc.Config{ClientID: i.audience, SupportedSigningAlgs: algorithms})
		i.verifier.Store(v)
		return v, nil
	})
	select {
	case r := <-found:
		if r.Err != nil {
			i.tell.Do(func() { i.logger.Warn("the identity provider does not answer as one", "issuer", i.url, "error", r.Err) })
			return nil, errAway
		}
		return r.Val.(*oidc.IDTokenVerifier), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// keys are those of the provider. They note when they could not be had, which is not the fault of a token.
type keys struct{ *oidc.RemoteKeySet }

type awayKey struct{}

// VerifySignature implements oidc.KeySet.
func (k keys) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := k.RemoteKeySet.VerifySignature(ctx, jwt)
	if cause := errors.Unwrap(err); cause != nil { // a signature that is wrong has none
		*ctx.Value(awayKey{}).(*error) = err
	}
	return payload, err
}

// verify tells who comes with a token, and what it may do.
func (i *issuer) verify(ctx context.Context, raw string) (c caller, err error) {
	v, err := i.find(ctx)
	if err != nil {
		return c, err
	}
	var away error
	token, err := v.Verify(context.WithValue(ctx, awayKey{}, &away), raw)
	switch _, expired := errors.AsType[*oidc.TokenExpiredError](err); {
	case away != nil:
		i.tell.Do(func() { i.logger.Warn("the identity provider does not give its keys", "issuer", i.url, "error", away) })
		return c, errAway
	case expired:
		return c, &refusal{"the token has expired", external.ErrNoToken}
	case err != nil:
		i.logger.Debug("a token of an identity provider is refused", "error", err)
		return c, &refusal{"the token is not one that the issuer made for this audience", external.ErrNoToken}
	}
	return permitted(token)
}

// permitted is what the claims of a token allow.
func permitted(token *oidc.IDToken) (c caller, err error) {
	c.external = true
	var given map[string]json.RawMessage
	if err := token.Claims(&given); err != nil {
		return c, &refusal{"the claims of the token cannot be read", external.ErrNoToken}
	}
	text := func(name string) (s string) {
		_ = json.Unmarshal(given[name], &s) // "": none, or something else
		return s
	}
	if c.User = cmp.Or(token.Subject, text("client_id"), text("azp")); !plain(c.User) {
		return c, &refusal{"the token says nothing of whose it is: the claim sub is expected", external.ErrNoToken}
	}
	if string(given[mayClaim]) != "true" {
		return c, &refusal{"the claim " + mayClaim + " of the token is not true", external.ErrForbidden}
	}
	if raw, ok := given[topicsClaim]; ok {
		if err := json.Unmarshal(raw, &c.Topics); err != nil || c.Topics == nil {
			return c, &refusal{"the claim " + topicsClaim + " of the token is not a list of texts", external.ErrForbidden}
		}
	}
	if raw, ok := given[tenantClaim]; ok {
		if err := json.Unmarshal(raw, &c.Tenant); err != nil || c.Tenant == nil {
			return c, &refusal{"the claim " + tenantClaim + " of the token is not a text", external.ErrForbidden}
		}
	}
	return c, nil
}
