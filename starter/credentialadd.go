package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/mail/oauth"
)

// credentialFlags are the flags of credential add.
type credentialFlags struct {
	contract.CredentialConfig
	tenant string
	scopes []string
}

func (a *app) credentialAddCommand() *cobra.Command {
	var f credentialFlags
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Add an OAuth account, or change one",
		Long: "add tells how tokens of an account are had. With a client that was registered at Microsoft or Google, --provider and --client-id are\n" +
			"enough; others need their URLs. Then `starter credential authorize NAME` has a person consent. With --grant client-credentials\n" +
			"nobody has to. A credential of this name that there is takes the new settings; its tokens stay in use. Settings of\n" +
			"another client, user or scopes than those that were consented to need a new consent, before the present token ends.\n\n" +
			"The client secret is never given itself: --client-secret names where the workers find it, env:NAME or file:/path, or is sealed by\n" +
			"`starter secret seal`. Tokens are kept sealed with the key in WAYBILL_SECRET_KEY, which workers and gateways must have.",
		Example: `  starter credential add support --provider microsoft --tenant contoso.com --client-id 6731de76-14a6-49ae-97bc-6eba6914391e --client-secret env:ENTRA_SECRET --user support@contoso.com --notify admin@contoso.com
  starter credential add shop --provider google --client-id 1234.apps.googleusercontent.com --client-secret env:GOOGLE_SECRET
  starter credential add robot --provider microsoft --tenant contoso.com --grant client-credentials --client-id 6731de76-14a6-49ae-97bc-6eba6914391e --client-secret env:ENTRA_SECRET
  starter credential add ours --authorization-url https://login.example.com/authorize --token-url https://login.example.com/token --client-id waybill --client-secret file:/run/secrets/waybill --scope "mail offline_access"`,
		Args: need("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.Name = args[0]
			config, err := f.config()
			if err != nil {
				return err
			}
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				if err := c.PutCredential(ctx, config.Name, config); err != nil {
					return err
				}
				return a.print(cmd, config, func(w io.Writer) {
					if config.Own() {
						fmt.Fprintf(w, "credential %s gets its tokens; see `starter credential show %s`\n", config.Name, config.Name)
						return
					}
					fmt.Fprintf(w, "credential %s is set up; now `starter credential authorize %s`\n", config.Name, config.Name)
				})
			})
		},
	}
	f.define(cmd.Flags())
	_ = cmd.RegisterFlagCompletionFunc("provider", cobra.FixedCompletions(append(oauth.Providers(), "generic"), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (f *credentialFlags) define(flags *pflag.FlagSet) {
	flags.StringVar(&f.Provider, "provider", "generic", "microsoft, google or generic")
	flags.StringVar(&f.tenant, "tenant", "", "Microsoft: directory id or domain (default organizations; required with client credentials)")
	flags.StringVar(&f.Grant, "grant", "", "authorization-code, or client-credentials (default by the URLs)")
	flags.StringVar(&f.AuthorizationURL, "authorization-url", "", "where a browser is sent for consent")
	flags.StringVar(&f.TokenURL, "token-url", "", "where tokens are had (required with generic)")
	flags.StringVar(&f.DeviceURL, "device-url", "", "where device codes are had, for authorize --device")
	flags.StringVar(&f.RevocationURL, "revocation-url", "", "where tokens are revoked")
	flags.StringVar(&f.ClientID, "client-id", "", "client, as the provider calls it (required)")
	flags.StringVar(&f.ClientSecret, "client-secret", "", "where the workers find its secret: env:NAME, file:/path or sealed:...; none: a public client")
	flags.StringVar(&f.ClientAuth, "client-auth", "", "how the client proves who it is: basic or post (default by the provider, else basic)")
	flags.StringArrayVar(&f.scopes, "scope", nil, "scopes, separated by spaces; may be repeated (default by the provider: to read and send mail)")
	flags.StringToStringVar(&f.Extra, "parameter", nil, "further parameter of the authorization request, NAME=VALUE; may be repeated")
	flags.StringVar(&f.User, "user", "", "who is to consent: the provider asks for this user, and another's consent is not taken")
	flags.StringVar(&f.CA, "ca", "", "file on the workers' machines with certificate authorities to trust beside the system's (PEM)")
	flags.IntVar(&f.RefreshDays, "refresh-token-days", 0, "how long a refresh token lasts when the provider does not say (default 90; Google 180 from its last use)")
	flags.BoolVar(&f.RevokeOld, "revoke-old", false, "after a new consent have the tokens of the earlier one revoked: only where that does not take back the new one, too")
	flags.StringArrayVar(&f.Notify, "notify", nil, "address that is warned 14, 7 and 1 days before the refresh token ends, and when it does not work; may be repeated")
	flags.StringArrayVar(&f.NotifyUsers, "notify-user", nil, "likewise, a person by name")
	flags.StringVar(&f.MailTenant, "mail-tenant", "", "tenant whose mail server sends the warnings")
	flags.StringVar(&f.Gateway, "gateway-url", "", "address of the gateway, for links (default WAYBILL_GATEWAY_URL, else "+defaultGateway+")")
}

// defaultGateway is where a gateway listens unless it is told otherwise.
const defaultGateway = "http://127.0.0.1:8080"

// gatewayURL is the address of the gateway, as a flag or the environment gives it.
func gatewayURL(flag string) string {
	return strings.TrimSuffix(cmp.Or(flag, os.Getenv("WAYBILL_GATEWAY_URL"), defaultGateway), "/")
}

// config checks all flags and tells everything that is wrong. What is not given is filled in from what is known of the provider.
func (f *credentialFlags) config() (contract.CredentialConfig, error) {
	c := f.CredentialConfig
	var errs []error
	if !connectors.ValidName(c.Name) {
		errs = append(errs, fmt.Errorf("credential name %q: %s are expected", c.Name, connectors.NameRule))
	}
	p, known := oauth.ProviderOf(c.Provider, f.tenant)
	if !known {
		errs = append(errs, fmt.Errorf("--provider %s: microsoft, google or generic is expected", c.Provider))
	}
	if f.tenant != "" && c.Provider != "microsoft" {
		errs = append(errs, errors.New("--tenant: only Microsoft has tenants"))
	}
	own := c.Grant == contract.ClientCredentials
	if c.Provider == "microsoft" && own && f.tenant == "" {
		errs = append(errs, errors.New("--tenant is required: client credentials are those of one directory"))
	}
	if c.Provider == "google" && own {
		errs = append(errs, errors.New("--grant client-credentials: Google gives such clients no tokens for mail"))
	}
	if !own {
		c.AuthorizationURL = cmp.Or(c.AuthorizationURL, p.AuthorizationURL)
		c.DeviceURL = cmp.Or(c.DeviceURL, p.DeviceURL)
	}
	c.TokenURL = cmp.Or(c.TokenURL, p.TokenURL)
	c.RevocationURL = cmp.Or(c.RevocationURL, p.RevocationURL)
	c.ClientAuth = cmp.Or(c.ClientAuth, p.ClientAuth)
	for _, scopes := range f.scopes {
		c.Scopes = append(c.Scopes, strings.Fields(scopes)...)
	}
	if c.Scopes == nil {
		if c.Scopes = p.Scopes; own {
			c.Scopes = p.OwnScopes
		}
	}
	if !own && len(p.Extra) > 0 {
		extra := maps.Clone(p.Extra)
		maps.Copy(extra, c.Extra)
		c.Extra = extra
	}
	if c.RefreshDays == 0 {
		c.RefreshDays = p.RefreshDays
		c.Slides = p.Slides
	}
	if c.RevokeOld && p.OneConsent {
		errs = append(errs, fmt.Errorf("--revoke-old: %s takes back the new consent, too", p.Name))
	}
	c.Gateway = gatewayURL(c.Gateway)
	if c.Provider == "generic" {
		c.Provider = ""
	}
	errs = append(errs, c.Validate())
	if err := errors.Join(errs...); err != nil {
		return c, usage(err)
	}
	return c, nil
}
