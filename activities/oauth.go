package activities

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/oauth"
)

// OAuth asks token endpoints on behalf of credentials. What it is given and what it returns is sealed, since it goes into histories; without
// a key nothing is asked.
//
// Its activities run at the workers that log in to accounts (role mailbox): the secrets of accounts are there.
type OAuth struct {
	authorities mail.Authorities
}

// Token gets tokens. What no repetition mends is a problem in the answer; the error is for what a later try may win.
//
// A refresh whose answer was lost is repeated with the same refresh token. A provider that gives each of them out once may take the second
// use for theft and revoke all (RFC 9700, section 4.14.2): then the words say so, and a person must authorize again.
func (o *OAuth) Token(ctx context.Context, in contract.TokenRequest) (contract.TokenAnswer, error) {
	defer keepAlive(ctx, nil)()
	key, config, err := o.prepare(in.Config)
	if err != nil {
		return contract.TokenAnswer{Problem: settingsProblem(err)}, nil
	}
	config.RedirectURL = in.Redirect
	secrets, err := openAll(key, in.Refresh, in.Code, in.Verifier, sealedOf(in.Device))
	if err != nil {
		return contract.TokenAnswer{Problem: settingsProblem(err)}, nil
	}
	var g oauth.Grant
	switch in.By {
	case contract.ByRefresh:
		g, err = config.Refresh(ctx, secrets[0])
	case contract.ByCode:
		g, err = config.Exchange(ctx, secrets[1], secrets[2])
	case contract.ByDevice:
		g, err = config.Await(ctx, oauth.Device{Code: secrets[3], Expires: in.Device.Expires, Interval: in.Device.Interval})
	case contract.ByOwn:
		g, err = config.ClientCredentials(ctx)
	default:
		return contract.TokenAnswer{}, final(fmt.Errorf("a token cannot be had by %q", in.By))
	}
	if err != nil {
		problem, err := problemOf(err)
		if problem != nil && in.By == contract.ByRefresh && problem.Kind == contract.ProblemConsent && activity.GetInfo(ctx).Attempt > 1 {
			problem.Message += "; the answer to an earlier try was lost, and a provider that takes each refresh token once may have taken the second for theft"
		}
		return contract.TokenAnswer{Problem: problem}, err
	}
	t := &contract.CredentialTokens{Access: key.Seal(g.Access), Issued: g.Issued, Expires: g.Expires, Scopes: g.Scopes, Names: g.Names}
	if len(g.Names) > 0 {
		t.User = g.Names[0]
	}
	if g.Refresh != "" {
		t.Refresh, t.RefreshIssued = key.Seal(g.Refresh), g.Issued
	}
	if !g.RefreshExpires.IsZero() {
		t.RefreshExpires, t.RefreshTold = g.RefreshExpires, true
	}
	return contract.TokenAnswer{Tokens: t}, nil
}

// Device begins an authorization on another machine.
func (o *OAuth) Device(ctx context.Context, c contract.CredentialConfig) (contract.DeviceAnswer, error) {
	key, config, err := o.prepare(c)
	if err != nil {
		return contract.DeviceAnswer{Problem: settingsProblem(err)}, nil
	}
	d, err := config.Device(ctx)
	if err != nil {
		problem, err := problemOf(err)
		return contract.DeviceAnswer{Problem: problem}, err
	}
	return contract.DeviceAnswer{Device: &contract.PendingDevice{
		DeviceCode: contract.DeviceCode{UserCode: d.UserCode, URL: d.URL, Complete: d.Complete, Expires: d.Expires.UTC()},
		Sealed:     key.Seal(d.Code), Interval: d.Interval,
	}}, nil
}

// Revoke takes a token back.
func (o *OAuth) Revoke(ctx context.Context, in contract.RevokeRequest) error {
	key, config, err := o.prepare(in.Config)
	if err != nil {
		return final(err)
	}
	token, err := key.Open(in.Sealed)
	if err != nil {
		return final(err)
	}
	if err := config.Revoke(ctx, token, in.Kind); err != nil {
		problem, err := problemOf(err)
		if problem != nil {
			return final(errors.New(problem.Message))
		}
		return err
	}
	return nil
}

// secretKey is the key of sealed secrets.
func secretKey() (*mail.Key, error) {
	key, err := mail.ParseKey(os.Getenv(keyName))
	if err != nil {
		return nil, fmt.Errorf("tokens are kept sealed or not at all: give all workers and gateways the same %s: %w", keyName, err)
	}
	return key, nil
}

// prepare has all that is needed before anything is asked.
func (o *OAuth) prepare(c contract.CredentialConfig) (*mail.Key, oauth.Config, error) {
	key, err := secretKey()
	if err != nil {
		return nil, oauth.Config{}, err
	}
	config := oauth.Config{
		AuthorizationURL: c.AuthorizationURL, TokenURL: c.TokenURL, DeviceURL: c.DeviceURL, RevocationURL: c.RevocationURL,
		ClientID: c.ClientID, ClientAuth: c.ClientAuth, Scopes: c.Scopes, Extra: c.Extra,
	}
	if c.ClientSecret != "" {
		if config.ClientSecret, err = Secret(c.ClientSecret); err != nil {
			return nil, config, fmt.Errorf("the client secret: %w", err)
		}
	}
	if config.RootCAs, err = o.authorities.Of(c.CA); err != nil {
		return nil, config, err
	}
	return key, config, nil
}

func sealedOf(d *contract.PendingDevice) string {
	if d == nil {
		return ""
	}
	return d.Sealed
}

// openAll opens what is sealed; "" stays.
func openAll(key *mail.Key, sealed ...string) ([]mail.Secret, error) {
	opened := make([]mail.Secret, len(sealed))
	for i, text := range sealed {
		if text == "" {
			continue
		}
		var err error
		if opened[i], err = key.Open(text); err != nil {
			return nil, err
		}
	}
	return opened, nil
}

func settingsProblem(err error) *contract.CredentialProblem {
	return &contract.CredentialProblem{Kind: contract.ProblemSettings, Message: err.Error(), At: time.Now().UTC()}
}

// problemOf tells what no repetition mends from what a later try may win.
func problemOf(err error) (*contract.CredentialProblem, error) {
	failure, ok := errors.AsType[*oauth.Error](err)
	if !ok || failure.Kind == oauth.Temporary {
		o := temporal.ApplicationErrorOptions{}
		if ok {
			o.NextRetryDelay = failure.After
		}
		return nil, temporal.NewApplicationErrorWithOptions(err.Error(), contract.ProblemTemporary, o)
	}
	return &contract.CredentialProblem{Kind: string(failure.Kind), Message: failure.Error(), At: time.Now().UTC()}, nil
}
