package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/policy"
	"github.com/waybill-io/waybill/mail/preset"
)

// mailboxFlags are the flags of mailbox add that are no plain field of contract.MailboxConfig.
type mailboxFlags struct {
	contract.MailboxConfig
	preset      string
	credential  string
	folders     []string
	from        string
	maxSize     string
	policy      string
	poll, lease time.Duration
	idle, quiet time.Duration
}

func (a *app) mailboxAddCommand() *cobra.Command {
	var f mailboxFlags
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Watch a mailbox over IMAP or Exchange Web Services, or change how one is watched",
		Long: "add watches folders of a mailbox and hands their mail to the processes that wait for it, to the triggers whose source is\n" +
			"connector.NAME.EMAIL_RECEIVED, and to webhooks. Without --host the server is that of the user's provider, if it is known.\n" +
			"A mailbox of this name that is watched already takes the new settings and goes on where it was.\n\n" +
			"The password is never given itself, because it would be kept in Temporal's histories: --password names where the\n" +
			"workers find it, env:NAME for a variable of their environment or file:/path for a file on their machine. With --auth xoauth2,\n" +
			"oauthbearer or oauth it is where they find an access token, which is read anew at each log-in; --credential names an OAuth account\n" +
			"whose tokens are renewed by themselves.",
		Example: `  starter mailbox add support --host imap.example.com --username support@example.com --password env:SUPPORT_PASSWORD
  starter mailbox add orders --host 127.0.0.1 --port 1143 --tls none --username orders --password file:/run/secrets/orders --from all --mark-seen
  starter mailbox add ann --username ann@gmail.com --password env:ANN_APP_PASSWORD --folder INBOX --folder Orders
  starter mailbox add billing --username billing@contoso.com --credential billing
  starter mailbox add sales --source ews --host exchange.example.com --username sales@example.com --password env:SALES_PASSWORD`,
		Args: need("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.Name = args[0]
			config, err := f.config()
			if err != nil {
				return err
			}
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				if err := c.ConfigureMailbox(ctx, config); err != nil {
					return err
				}
				if name, ok := strings.CutPrefix(config.Password, contract.CredentialPrefix); ok {
					if _, err := c.Credential(ctx, name); errors.Is(err, client.ErrNotFound) {
						fmt.Fprintf(cmd.ErrOrStderr(), "warning: there is no credential %s; until there is, nobody can log in: `starter credential add %s`\n", name, name)
					}
				}
				return a.print(cmd, config, func(w io.Writer) {
					fmt.Fprintf(w, "watching mailbox %s; see `starter mailbox status %s`\n", config.Name, config.Name)
				})
			})
		},
	}
	f.define(cmd.Flags())
	return cmd
}

func (f *mailboxFlags) define(flags *pflag.FlagSet) {
	flags.StringVar(&f.Source, "source", "imap", "imap, or ews for Exchange on premises")
	flags.StringVar(&f.preset, "preset", "", "provider whose servers are taken: gmail, microsoft365, outlook, icloud, yahoo, fastmail (default by the user's address)")
	flags.StringVar(&f.Host, "host", "", "server (required, unless the provider is known)")
	flags.IntVar(&f.Port, "port", 0, "IMAP: port (default 993 with --tls implicit, else 143)")
	flags.StringVar(&f.URL, "url", "", "EWS: address, instead of --host (default https://HOST/EWS/Exchange.asmx)")
	flags.StringVar(&f.TLS, "tls", "implicit", "IMAP: implicit, starttls, or none (development only)")
	flags.StringVar(&f.CA, "ca", "", "file on the workers' machines with certificate authorities to trust beside the system's (PEM)")
	flags.BoolVar(&f.AllowPlain, "allow-plain", false, "with --tls none, or an EWS address of http: let the password cross a network in clear text")
	flags.StringVar(&f.Username, "username", "", "user (required)")
	flags.StringVar(&f.Password, "password", "", "where the workers find the password or token, env:NAME or file:/path (required)")
	flags.StringVar(&f.credential, "credential", "", "instead of --password: log in with the tokens of this credential (starter credential add), by --auth xoauth2, or oauth with EWS")
	flags.StringVar(&f.Auth, "auth", "", "IMAP: password, xoauth2 or oauthbearer (default password); EWS: ntlm, basic or oauth (default ntlm)")
	flags.StringVar(&f.Of, "of", "", "EWS: address of the mailbox, when it is not the user's own")
	flags.BoolVar(&f.As, "impersonate", false, "EWS: act as the owner of --of, which the role ApplicationImpersonation permits")
	flags.StringArrayVar(&f.folders, "folder", []string{"INBOX"}, "folder to watch; may be repeated: of the first the server tells at once")
	flags.StringVar(&f.from, "from", "now", "now: mail that comes from now on, and that of the last two minutes, since clocks differ; all: what is there already, too")
	flags.BoolVar(&f.MarkSeen, "mark-seen", false, "mark handled mail as seen")
	flags.StringVar(&f.Keyword, "keyword", "", "set this IMAP keyword, or category in Exchange, on handled mail")
	flags.StringVar(&f.MoveTo, "move-to", "", "move handled mail to this folder")
	flags.BoolVar(&f.Delete, "delete", false, "delete handled mail")
	flags.StringVar(&f.maxSize, "max-size", "50MB", "larger mail becomes a dead letter (1 KB is 1024 bytes)")
	flags.StringVar(&f.policy, "error-policy", "", "file with the rules after which errors the mailbox is watched no more (JSON; default: refused passwords stop it after nine tries)")
	flags.DurationVar(&f.poll, "poll", 60*time.Second, "how often to look where the server does not tell of new mail")
	flags.DurationVar(&f.idle, "idle", 4*time.Minute, "IMAP: how long one IDLE lasts before it is renewed, which proves that the connection is alive")
	flags.DurationVar(&f.quiet, "timeout", 30*time.Second, "how long the server may be silent while a command runs")
	flags.DurationVar(&f.lease, "lease", 30*time.Second, "how long a worker that died keeps the mailbox, and those that share its watcher, from others")
}

// config checks all flags and tells everything that is wrong.
func (f *mailboxFlags) config() (contract.MailboxConfig, error) {
	c := f.MailboxConfig
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, usage(fmt.Errorf(format, args...))) }
	if !connectors.ValidName(c.Name) {
		wrong("mailbox name %q: %s are expected", c.Name, connectors.NameRule)
	}
	if c.Host == "" && c.URL == "" {
		if p, ok := f.provider(); ok && c.Source == "imap" {
			c.Host, c.Port, c.TLS = p.IMAP.Host, p.IMAP.Port, p.IMAP.TLS
		} else {
			wrong("--host is required")
		}
	}
	if f.preset != "" {
		if _, ok := preset.ByName(f.preset); !ok {
			wrong("--preset %s: gmail, microsoft365, outlook, icloud, yahoo or fastmail is expected", f.preset)
		}
	}
	if c.Username == "" {
		wrong("--username is required")
	}
	if c.TLS == "none" && !c.AllowPlain && !mail.Loopback(c.Host) {
		wrong("--tls none: password and mail would go to %s in clear text; use --tls implicit or starttls, or add --allow-plain", c.Host)
	}
	if !slices.Contains([]string{"implicit", "starttls", "none"}, c.TLS) {
		wrong("--tls %s: implicit, starttls or none is expected", c.TLS)
	}
	if f.Source != "imap" && f.Source != "ews" {
		wrong("--source %s: imap or ews is expected", f.Source)
	}
	ways := map[string][]string{"imap": {"", "password", "xoauth2", "oauthbearer"}, "ews": {"", "ntlm", "basic", "oauth"}}[c.Source]
	if ways != nil && !slices.Contains(ways, c.Auth) {
		wrong("--auth %s: with --source %s one of %s is expected", c.Auth, c.Source, strings.Join(ways[1:], ", "))
	}
	if c.As && c.Of == "" {
		wrong("--impersonate needs --of: the address of the mailbox")
	}
	if c.CA != "" && !strings.HasPrefix(c.CA, "/") {
		wrong("--ca %s: an absolute path on the workers' machines is expected", c.CA)
	}
	if c.Port == 0 {
		c.Port = 143
		if c.TLS == "implicit" {
			c.Port = 993
		}
	}
	if c.Port < 1 || c.Port > 65535 {
		wrong("--port %d: 1 to 65535 is expected", c.Port)
	}
	if f.credential != "" && c.Password != "" {
		wrong("--credential and --password: one of them is expected")
	} else if f.credential != "" {
		c.Password = contract.CredentialPrefix + f.credential
		if c.Auth == "" {
			c.Auth = map[string]string{"imap": "xoauth2", "ews": "oauth"}[c.Source]
		}
	}
	if strings.HasPrefix(c.Password, contract.CredentialPrefix) && !c.OAuth() {
		wrong("--auth %s: a credential gives tokens, for xoauth2 or oauthbearer, or oauth with --source ews", c.Auth)
	}
	if err := checkReference(c.Password); err != nil {
		wrong("%w", err)
	}
	switch f.from {
	case "all":
	case "now":
		c.Since = time.Now().UTC()
	default:
		wrong("--from %s: now or all is expected", f.from)
	}
	c.Folder, c.More = f.folders[0], slices.Clone(f.folders[1:])
	if slices.Contains(f.folders, "") || slices.Contains(f.folders, c.MoveTo) {
		wrong("--folder and --move-to: two different folders are expected")
	}
	if c.Delete && c.MoveTo != "" {
		wrong("--delete and --move-to: one of them is expected")
	}
	var err error
	if c.MaxBytes, err = parseSize(f.maxSize); err != nil {
		wrong("--max-size %s: %w", f.maxSize, err)
	}
	if c.ErrorPolicy, err = readPolicy(f.policy); err != nil {
		wrong("--error-policy: %w", err)
	}
	if f.poll < time.Second {
		wrong("--poll %s: at least 1s is expected", f.poll)
	}
	if f.lease < 5*time.Second {
		wrong("--lease %s: at least 5s is expected", f.lease)
	}
	if f.idle < time.Second || f.quiet < time.Second {
		wrong("--idle %s, --timeout %s: at least 1s is expected", f.idle, f.quiet)
	}
	c.PollMS, c.LeaseMS = f.poll.Milliseconds(), f.lease.Milliseconds()
	c.IdleMS, c.TimeoutMS = f.idle.Milliseconds(), f.quiet.Milliseconds()
	return c, errors.Join(errs...)
}

// maxPolicy bounds the file of an error policy.
const maxPolicy = 64 << 10

// readPolicy reads the file of an error policy; none for "".
func readPolicy(name string) (json.RawMessage, error) {
	if name == "" {
		return nil, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := readAtMost(file, name, maxPolicy)
	if err != nil {
		return nil, err
	}
	document, err := policy.Document(bytes.TrimPrefix(data, byteOrderMark))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return document, nil
}

// provider is the one that was named, or else that of the user's address.
func (f *mailboxFlags) provider() (preset.Preset, bool) {
	if f.preset != "" {
		return preset.ByName(f.preset)
	}
	return preset.ByAddress(f.Username)
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// checkReference refuses a literal password. Its errors hold nothing of what was given, which may be one.
func checkReference(reference string) error {
	kind, name, _ := strings.Cut(reference, ":")
	switch {
	case reference == "":
		return errors.New("--password is required: env:NAME or file:/path")
	case kind == "sealed" && name != "", kind == "credential" && connectors.ValidName(name):
		return nil
	case kind == "env" && variableName.MatchString(name):
		return nil
	case kind == "file" && strings.HasPrefix(name, "/"):
		return nil
	case kind == "env":
		return errors.New("--password env:...: the name of a variable is expected: letters, digits and underscores")
	case kind == "file":
		return errors.New("--password file:...: an absolute path on the workers' machine is expected")
	}
	return errors.New("--password: a literal password is refused, since it would be kept in Temporal's histories; " +
		"give the workers a variable and write env:NAME, or a file and write file:/path, or seal it with `starter secret seal`")
}

// parseSize reads a number of bytes: 500, 64KB, 50MB, 1GB.
func parseSize(text string) (int64, error) {
	digits := strings.ToUpper(text)
	factor := int64(1)
	for suffix, f := range map[string]int64{"KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30} {
		if rest, ok := strings.CutSuffix(digits, suffix); ok {
			digits, factor = rest, f
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64/factor {
		return 0, errors.New("a number of bytes such as 50MB is expected")
	}
	return n * factor, nil
}
