package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/api/enums/v1"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/mail/oauth"
)

// Credential is an OAuth account with what is to be said of it now.
type Credential struct {
	contract.CredentialStatus
	Name  string `json:"name"`
	State string `json:"state"`           // new, waiting for consent, valid, expiring, broken, revoked
	Cause string `json:"cause,omitempty"` // why, and what to do
}

// States of a credential.
const (
	CredentialNew      = "new"
	CredentialWaiting  = "waiting for consent"
	CredentialValid    = "valid"
	CredentialExpiring = "expiring"
	CredentialBroken   = "broken"
	CredentialRevoked  = "revoked"
)

// PutCredential makes a credential, or changes one. It may be called any number of times: the same settings change nothing. Tokens that there
// are stay in use.
func (c *Client) PutCredential(ctx context.Context, name string, config contract.CredentialConfig) error {
	config.Name = name
	if !connectors.ValidName(name) {
		return fmt.Errorf("put credential: %w", &Error{Type: "refused", Message: fmt.Sprintf("name %q: %s are expected", name, connectors.NameRule)})
	}
	if config.RefreshDays == 0 {
		config.RefreshDays = oauth.DefaultRefreshDays
	}
	if err := config.Validate(); err != nil {
		return fmt.Errorf("put credential %q: %w", name, &Error{Type: "refused", Message: err.Error()})
	}
	err := insist(ctx, func() error {
		return c.updateWithStart(ctx, contract.CredentialID(name), contract.CredentialWorkflow, contract.ConfigureCredential,
			contract.CredentialState{Config: config}, config, nil)
	})
	if err != nil {
		return fmt.Errorf("put credential %q: %w", name, err)
	}
	return nil
}

// Credentials returns the names of all credentials.
func (c *Client) Credentials(ctx context.Context) ([]string, error) {
	var names []string
	query := "WorkflowType = " + Literal(contract.CredentialWorkflow) + " AND ExecutionStatus = 'Running'"
	err := c.visit(ctx, query, 100_000, func(e *execution) bool {
		names = append(names, e.GetExecution().GetWorkflowId()[len(contract.CredentialID("")):])
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("list credentials: %w", err)
	}
	return names, nil
}

// Credential returns a credential. Nothing of its tokens is in it.
func (c *Client) Credential(ctx context.Context, name string) (Credential, error) {
	r := Credential{Name: name}
	if err := c.credentialQuery(ctx, name, contract.CredentialQuery, &r.CredentialStatus); err != nil {
		return r, fmt.Errorf("read credential %q: %w", name, err)
	}
	d, err := c.Temporal.DescribeWorkflowExecution(ctx, contract.CredentialID(name), "")
	if err != nil {
		return r, fmt.Errorf("read credential %q: %w", name, readable(err))
	}
	if d.GetWorkflowExecutionInfo().GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return r, fmt.Errorf("credential %q was removed: %w", name, ErrNotFound)
	}
	r.judge(time.Now())
	return r, nil
}

func (c *Client) credentialQuery(ctx context.Context, name, query string, to any) error {
	err := c.query(ctx, contract.CredentialID(name), query, to)
	if errors.Is(err, ErrNotFound) {
		err = fmt.Errorf("%w (add it with `starter credential add %s --provider ...`)", ErrNotFound, name)
	}
	return err
}

// CredentialAccess returns the access token of a credential, sealed.
func (c *Client) CredentialAccess(ctx context.Context, name string) (access contract.CredentialAccess, err error) {
	err = c.credentialQuery(ctx, name, contract.AccessQuery, &access)
	return access, err
}

// credentialUpdate asks a credential that may begin a new run in this moment.
func (c *Client) credentialUpdate(ctx context.Context, name, update string, arg, result any) error {
	err := insist(ctx, func() error { return c.update(ctx, contract.CredentialID(name), update, arg, result) })
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrNotRunning) {
		err = fmt.Errorf("there is no credential %q (add it with `starter credential add %s --provider ...`): %w", name, name, ErrNotFound)
	}
	return err
}

// RefreshCredential has newer tokens got than those of a version; those that there are meanwhile are as good. Their problem is in the answer.
func (c *Client) RefreshCredential(ctx context.Context, name string, in contract.RefreshCredential) (access contract.CredentialAccess, err error) {
	if err = c.credentialUpdate(ctx, name, contract.RefreshUpdate, in, &access); err != nil {
		return access, fmt.Errorf("refresh credential %q: %w", name, err)
	}
	return access, nil
}

// InviteConsent permits whoever has the text of an invitation to begin one consent. Its hash alone is told.
func (c *Client) InviteConsent(ctx context.Context, name, hash string) error {
	if err := c.credentialUpdate(ctx, name, contract.InviteUpdate, contract.Invitation{Hash: hash}, nil); err != nil {
		return fmt.Errorf("invite to authorize credential %q: %w", name, err)
	}
	return nil
}

// BeginConsent begins an authorization with a browser.
func (c *Client) BeginConsent(ctx context.Context, name string, in contract.BeginConsent) error {
	if err := c.credentialUpdate(ctx, name, contract.BeginConsentUpdate, in, nil); err != nil {
		return fmt.Errorf("begin to authorize credential %q: %w", name, err)
	}
	return nil
}

// FinishConsent hands over what a browser brought back.
func (c *Client) FinishConsent(ctx context.Context, name string, in contract.Consent) (outcome contract.ConsentOutcome, err error) {
	if err = c.credentialUpdate(ctx, name, contract.ConsentUpdate, in, &outcome); err != nil {
		return outcome, fmt.Errorf("authorize credential %q: %w", name, err)
	}
	return outcome, nil
}

// DeviceConsent begins an authorization on another machine. Credential.Consent with the id tells what became of it.
func (c *Client) DeviceConsent(ctx context.Context, name, id string) (code contract.DeviceCode, err error) {
	if err = c.credentialUpdate(ctx, name, contract.DeviceUpdate, id, &code); err != nil {
		return code, fmt.Errorf("get a device code for credential %q: %w", name, err)
	}
	return code, nil
}

// RevokeCredential has the tokens of a credential revoked, and forgotten.
func (c *Client) RevokeCredential(ctx context.Context, name string) (outcome contract.RevokeOutcome, err error) {
	if err = c.credentialUpdate(ctx, name, contract.RevokeCredentialUpdate, nil, &outcome); err != nil {
		return outcome, fmt.Errorf("revoke credential %q: %w", name, err)
	}
	return outcome, nil
}

// RemoveCredential forgets a credential with its tokens, which stay good at the provider until they end or are revoked.
func (c *Client) RemoveCredential(ctx context.Context, name string) error {
	if err := c.credentialUpdate(ctx, name, contract.RemoveCredentialUpdate, nil, nil); err != nil {
		return fmt.Errorf("remove credential %q: %w", name, err)
	}
	return nil
}

// expiringIn is from when on a refresh token that ends is to be seen to, as the first warning is. One that never lasted longer is not: there is
// an hour for what differs between two answers about the same end.
var expiringIn = time.Duration(contract.CredentialWarnings[0]) * 24 * time.Hour

// judge derives the state.
func (c *Credential) judge(now time.Time) {
	ended := !c.Expires.IsZero() && !now.Before(c.Expires)
	authorize := "; `starter credential authorize " + c.Name + "`"
	switch left := c.RefreshExpires.Sub(now); {
	case c.Revoked && c.Config.Own():
		c.State, c.Cause = CredentialRevoked, "its tokens were revoked and forgotten; `starter credential refresh "+c.Name+"` gets new ones"
	case c.Revoked:
		c.State, c.Cause = CredentialRevoked, "its tokens were revoked and forgotten"+authorize
	case c.Problem != nil && (c.Problem.Kind != contract.ProblemTemporary || ended || c.Version == 0):
		c.State, c.Cause = CredentialBroken, c.Problem.Message
		if c.Problem.Kind == contract.ProblemConsent {
			c.Cause += authorize
		}
	case ended:
		c.State, c.Cause = CredentialBroken, "its access token has ended, and no new one has come: is a worker with the role mailbox running?"
	case c.Version == 0 && now.Before(c.Waiting):
		c.State, c.Cause = CredentialWaiting, "until "+c.Waiting.UTC().Format(time.RFC3339)
	case c.Version == 0:
		c.State, c.Cause = CredentialNew, "its first token is being got; is a worker with the role mailbox running?"
		if !c.Config.Own() {
			c.Cause = "nobody has authorized it yet" + authorize
		}
	case !c.RefreshExpires.IsZero() && left <= expiringIn && c.RefreshExpires.Sub(c.RefreshIssued) > expiringIn+time.Hour:
		c.State, c.Cause = CredentialExpiring, "its refresh token ends in "+about(max(left, 0))+authorize
	default:
		c.State = CredentialValid
		if c.Problem != nil {
			c.Cause = c.Problem.Message
		}
	}
}

// ends tells whether people are warned of the end of the refresh token. Of one that lasts for some days only they are warned later.
func (c *Credential) ends(now time.Time) bool {
	lasts, left := c.RefreshExpires.Sub(c.RefreshIssued), c.RefreshExpires.Sub(now)
	return !c.RefreshExpires.IsZero() && !c.Revoked && slices.ContainsFunc(contract.CredentialWarnings[:], func(days int) bool {
		at := time.Duration(days) * 24 * time.Hour
		return lasts > at && left <= at
	})
}
