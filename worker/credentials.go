package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/service"
)

// credentials give the tokens of mail servers once the worker is connected to Temporal, which keeps them. The settings are read before that.
type credentials struct{ kept *activities.Credentials }

// tokens is nil without the key that seals them.
func (c *credentials) tokens() service.Tokens {
	if os.Getenv("WAYBILL_SECRET_KEY") == "" {
		return nil
	}
	return func(name string) mail.Tokens { return credential{c, name} }
}

type credential struct {
	*credentials
	name string
}

// Token implements mail.Tokens.
func (c credential) Token(ctx context.Context, refused mail.Secret) (mail.Secret, error) {
	if c.kept == nil {
		return "", errors.New("the worker is not connected to Temporal yet")
	}
	return c.kept.Tokens(c.name).Token(ctx, refused)
}

// keep has Temporal keep the credentials that the settings describe, and changes those that they describe otherwise. What else is set of a
// credential, such as who is warned, stays. It tries until it has succeeded: the workflow of a credential needs a worker.
func keep(ctx context.Context, c *client.Client, all map[string]service.OAuth, logger *slog.Logger) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for pause := time.Second; ; pause = min(2*pause, time.Minute) {
			err := keepOne(ctx, c, name, all[name])
			if err == nil {
				break
			}
			if client.Refused(err) {
				logger.Error("the credential of the mail server is refused", "credential", name, "error", err)
				break
			}
			logger.Warn("the credential of the mail server is not kept yet", "credential", name, "error", err)
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
		}
	}
}

func keepOne(ctx context.Context, c *client.Client, name string, o service.OAuth) error {
	existing, err := c.Credential(ctx, name)
	if err != nil && !errors.Is(err, client.ErrNotFound) {
		return err
	}
	if err != nil {
		existing = client.Credential{}
	}
	config, changed := merged(existing.Config, o)
	if err == nil && !changed {
		return nil
	}
	if err := c.PutCredential(ctx, name, config); err != nil {
		return fmt.Errorf("keep the credential of the mail server: %w", err)
	}
	return nil
}

// merged is a credential with what the settings say of it.
func merged(c contract.CredentialConfig, o service.OAuth) (contract.CredentialConfig, bool) {
	scopes := strings.Fields(o.Scope)
	changed := c.AuthorizationURL != o.AuthorizationURL || c.TokenURL != o.TokenURL || c.ClientID != o.ClientID || c.ClientSecret != o.ClientSecret || !slices.Equal(c.Scopes, scopes)
	c.AuthorizationURL, c.TokenURL, c.ClientID, c.ClientSecret, c.Scopes = o.AuthorizationURL, o.TokenURL, o.ClientID, o.ClientSecret, scopes
	return c, changed
}
