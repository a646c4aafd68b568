package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

func (a *app) credentialCommand() *cobra.Command {
	return group("credential", "Look after OAuth accounts: their tokens are renewed, and mailboxes and mail servers use them as credential:NAME",
		a.credentialAddCommand(), a.credentialListCommand(), a.credentialShowCommand(), a.credentialAuthorizeCommand(),
		a.credentialRefreshCommand(), a.credentialRevokeCommand(), a.credentialRemoveCommand(),
	)
}

func (a *app) credentialListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List credentials with the state of their tokens",
		Long:    "list reads Temporal's visibility store, which is some moments behind what happens.",
		Example: `  starter credential list`,
		Args:    need(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				names, err := c.Credentials(ctx)
				if err != nil {
					return err
				}
				all, err := present(ctx, names, c.Credential)
				if err != nil {
					return err
				}
				return a.print(cmd, all, func(w io.Writer) {
					var rows [][]string
					for _, c := range all {
						rows = append(rows, []string{c.Name, c.State, c.User, stamp(c.Authorised), stamp(c.Expires), stamp(c.RefreshExpires), c.Cause})
					}
					table(w, "no credentials", []string{"NAME", "STATE", "USER", "AUTHORIZED", "TOKEN ENDS", "CONSENT ENDS", "CAUSE"}, rows)
				})
			})
		},
	}
}

func (a *app) credentialShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "show NAME",
		Short:             "Show a credential: whose it is, what it permits, when its tokens end, and what is wrong. Nothing of a token is shown",
		Example:           `  starter credential show support --output json`,
		Args:              need("NAME"),
		ValidArgsFunction: a.completeCredential,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				credential, err := c.Credential(ctx, args[0])
				if err != nil {
					return err
				}
				return a.print(cmd, credential, func(w io.Writer) { printCredential(w, credential) })
			})
		},
	}
}

func printCredential(w io.Writer, c client.Credential) {
	consent := stamp(c.RefreshExpires)
	if c.RefreshAssumed {
		consent += " (assumed: the provider does not say)"
	}
	fields(w,
		"name", c.Name,
		"state", c.State,
		"cause", c.Cause,
		"user", c.User,
		"provider", c.Config.Provider,
		"client", c.Config.ClientID,
		"token URL", c.Config.TokenURL,
		"scopes", strings.Join(c.Scopes, " "),
		"authorized", stamp(c.Authorised),
		"access token ends", stamp(c.Expires),
		"refresh token ends", consent,
		"refreshed", stamp(c.Refreshed),
		"refreshed again", stamp(c.Next),
	)
	if c.Problem != nil {
		fields(w, "last error", c.Problem.Message+" ("+stamp(c.Problem.At)+")")
	}
	if c.Consent != nil && !c.Consent.OK {
		fields(w, "last consent", c.Consent.Message+" ("+stamp(c.Consent.At)+")")
	}
	fields(w, "warnings", c.Unsent)
	if c.Undiscarded != "" {
		fields(w, "earlier consent", "its tokens were not revoked: "+c.Undiscarded)
	}
}

func (a *app) credentialRefreshCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "refresh NAME",
		Short: "Get new tokens now",
		Long: "refresh gets new tokens now. Waybill does so by itself, ahead of their end; this is for after something was mended, such as a\n" +
			"client secret, and for trying out.",
		Example:           `  starter credential refresh support`,
		Args:              need("NAME"),
		ValidArgsFunction: a.completeCredential,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				before, err := c.Credential(ctx, args[0])
				if err != nil {
					return err
				}
				if _, err := c.RefreshCredential(ctx, args[0], contract.RefreshCredential{Force: true}); err != nil {
					return err
				}
				now, err := c.Credential(ctx, args[0])
				if err != nil {
					return err
				}
				if now.Version == before.Version {
					return fmt.Errorf("credential %s has no newer tokens: it is %s: %s", args[0], now.State, now.Cause)
				}
				return a.print(cmd, now, func(w io.Writer) { printCredential(w, now) })
			})
		},
	}
}

func (a *app) credentialRevokeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "revoke NAME",
		Short: "Have the provider take the tokens back, and forget them",
		Long: "revoke has the provider take the tokens back (RFC 7009) and forgets them; what uses the credential cannot log in any more. Its\n" +
			"settings stay: `starter credential authorize NAME` makes it work again. Microsoft has no such call: withdraw the consent there.",
		Example:           `  starter credential revoke support`,
		Args:              need("NAME"),
		ValidArgsFunction: a.completeCredential,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				outcome, err := c.RevokeCredential(ctx, args[0])
				if err != nil {
					return err
				}
				return a.print(cmd, outcome, func(w io.Writer) {
					if outcome.AtProvider {
						fmt.Fprintf(w, "the tokens of %s were revoked\n", args[0])
						return
					}
					fmt.Fprintf(w, "the tokens of %s are forgotten; %s\n", args[0], outcome.Message)
				})
			})
		},
	}
}

func (a *app) credentialRemoveCommand() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "remove NAME",
		Short: "Forget a credential with its tokens",
		Long: "remove forgets a credential. Its tokens stay good at the provider until they end: `starter credential revoke NAME` comes first.\n" +
			"One that mailboxes log in with is kept, unless --force is given.",
		Example: `  starter credential revoke support
  starter credential remove support`,
		Args:              need("NAME"),
		ValidArgsFunction: a.completeCredential,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				if !force {
					if err := unused(ctx, c, args[0]); err != nil {
						return err
					}
				}
				if err := c.RemoveCredential(ctx, args[0]); err != nil {
					return err
				}
				return a.print(cmd, map[string]string{"removed": args[0]}, func(w io.Writer) { fmt.Fprintf(w, "credential %s is forgotten\n", args[0]) })
			})
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "also when mailboxes log in with it; they are not looked through then")
	return cmd
}

// unused is an error that names the mailboxes which log in with a credential.
func unused(ctx context.Context, c *client.Client, name string) error {
	names, err := c.Mailboxes(ctx)
	if err != nil {
		return err
	}
	mailboxes, err := present(ctx, names, c.Mailbox)
	if err != nil {
		return err
	}
	var users []string
	for _, m := range mailboxes {
		if m.Config.Password == contract.CredentialPrefix+name {
			users = append(users, m.Name)
		}
	}
	if len(users) > 0 {
		return fmt.Errorf("credential %s is kept: mailboxes log in with it (%s); --force removes it all the same", name, strings.Join(users, ", "))
	}
	return nil
}

func (a *app) completeCredential(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return a.completeNames(cmd, args, func(ctx context.Context, c *client.Client) ([]string, error) { return c.Credentials(ctx) })
}
