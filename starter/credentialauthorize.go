package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

// authorization is what a person needs to consent.
type authorization struct {
	URL      string    `json:"url"`
	UserCode string    `json:"userCode,omitempty"`
	Complete string    `json:"complete,omitempty"`
	Until    time.Time `json:"until"`

	id string
}

func (a *app) credentialAuthorizeCommand() *cobra.Command {
	var gateway string
	var device bool
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "authorize NAME",
		Short: "Have a person consent, with a browser or a device code",
		Long: "authorize prints a link to the gateway that works once, within an hour. Whoever opens it and goes on is sent to the provider, signs\n" +
			"in there and consents. With --device it prints a code instead, which is entered in a browser on any machine: the gateway is not needed. Then it\n" +
			"waits for the consent.\n\n" +
			"A credential that is authorized already keeps its tokens until the new ones have been tried.",
		Example: `  starter credential authorize support
  starter credential authorize support --device
  starter credential authorize support --wait 0 --gateway-url https://waybill.example.com`,
		Args:              need("NAME"),
		ValidArgsFunction: a.completeCredential,
		RunE: func(cmd *cobra.Command, args []string) error {
			name := args[0]
			return a.connected(cmd, func(ctx context.Context, c *client.Client) error {
				var begun authorization
				err := a.answered(ctx, func(ctx context.Context) (err error) {
					begun, err = begin(ctx, c, name, gateway, device)
					return err
				})
				if err != nil {
					return err
				}
				if err := a.print(cmd, begun, func(w io.Writer) { printAuthorization(w, begun) }); err != nil || wait <= 0 {
					return err
				}
				outcome, err := a.awaitConsent(ctx, c, name, begun, wait)
				if err != nil {
					return err
				}
				if !outcome.OK {
					return fmt.Errorf("credential %s was not authorized: %s", name, outcome.Message)
				}
				return a.print(cmd, outcome, func(w io.Writer) {
					who := ""
					if outcome.User != "" {
						who = " for " + outcome.User
					}
					fmt.Fprintf(w, "credential %s is authorized%s\n", name, oneLine(who))
				})
			})
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&device, "device", false, "with a device code, for machines without a browser")
	flags.DurationVar(&wait, "wait", 15*time.Minute, "how long to wait for the consent; 0: do not wait")
	flags.StringVar(&gateway, "gateway-url", "", "address of the gateway as browsers reach it (default that of the credential, else WAYBILL_GATEWAY_URL)")
	return cmd
}

// begin makes an invitation, or gets a device code.
func begin(ctx context.Context, c *client.Client, name, gateway string, device bool) (authorization, error) {
	if device {
		code, err := c.DeviceConsent(ctx, name, rand.Text())
		return authorization{URL: code.URL, UserCode: code.UserCode, Complete: code.Complete, Until: code.Expires, id: code.ID}, err
	}
	credential, err := c.Credential(ctx, name)
	if err != nil {
		return authorization{}, err
	}
	if gateway == "" {
		gateway = credential.Config.Gateway
	}
	invitation := rand.Text()
	id := contract.InvitationHash(invitation)
	if err := c.InviteConsent(ctx, name, id); err != nil {
		return authorization{}, err
	}
	return authorization{
		URL: gatewayURL(gateway) + "/oauth/" + name + "/authorize?invitation=" + invitation, Until: time.Now().Add(contract.InvitationLife).UTC(), id: id,
	}, nil
}

func printAuthorization(w io.Writer, a authorization) {
	if a.UserCode == "" {
		fmt.Fprintf(w, "open this link, which works once until %s:\n  %s\n", stamp(a.Until), a.URL)
		return
	}
	fmt.Fprintf(w, "open %s and enter the code %s until %s\n", oneLine(a.URL), oneLine(a.UserCode), stamp(a.Until))
	if a.Complete != "" {
		fmt.Fprintf(w, "or open %s\n", oneLine(a.Complete))
	}
}

// awaitConsent waits until something has become of an authorization.
func (a *app) awaitConsent(ctx context.Context, c *client.Client, name string, begun authorization, wait time.Duration) (contract.ConsentOutcome, error) {
	late := time.After(wait)
	for {
		var credential client.Credential
		err := a.answered(ctx, func(ctx context.Context) (err error) {
			credential, err = c.Credential(ctx, name)
			return err
		})
		if err != nil {
			return contract.ConsentOutcome{}, err
		}
		if credential.Consent != nil && credential.Consent.ID == begun.id {
			return *credential.Consent, nil
		}
		select {
		case <-ctx.Done():
			return contract.ConsentOutcome{}, errors.New("interrupted; the authorization can still be finished")
		case <-late:
			return contract.ConsentOutcome{}, coded(exitNotDone, fmt.Errorf("nobody consented within %s; see `starter credential show %s`", wait, name))
		case <-time.After(a.poll):
		}
	}
}
