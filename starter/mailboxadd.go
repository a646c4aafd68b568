package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/mail"
)

// mailboxFlags are the flags of mailbox add that are no plain field of contract.MailboxConfig.
type mailboxFlags struct {
	contract.MailboxConfig
	from        string
	maxSize     string
	poll, lease time.Duration
	idle, quiet time.Duration
}

func (a *app) mailboxAddCommand() *cobra.Command {
	var f mailboxFlags
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Watch a mailbox over IMAP, or change how one is watched",
		Long: "add watches a folder of a mailbox and hands its mail to the triggers whose source is connector.NAME." + "EMAIL_RECEIVED.\n" +
			"A mailbox of this name that is watched already takes the new settings and goes on where it was.\n\n" +
			"The password is never given itself, because it would be kept in Temporal's histories: --password names where the\n" +
			"workers find it, env:NAME for a variable of their environment or file:/path for a file on their machine.",
		Example: `  starter mailbox add support --host imap.example.com --username support@example.com --password env:SUPPORT_PASSWORD
  starter mailbox add orders --host 127.0.0.1 --port 1143 --tls none --username orders --password file:/run/secrets/orders --from all --mark-seen`,
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
				return a.print(cmd, config, func(w io.Writer) {
					fmt.Fprintf(w, "watching mailbox %s; see `starter mailbox status %s`\n", config.Name, config.Name)
				})
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.Host, "host", "", "IMAP server (required)")
	flags.IntVar(&f.Port, "port", 0, "port (default 993 with --tls implicit, else 143)")
	flags.StringVar(&f.TLS, "tls", "implicit", "implicit, starttls, or none (development only)")
	flags.BoolVar(&f.AllowPlain, "allow-plain", false, "with --tls none: let the password cross a network in clear text")
	flags.StringVar(&f.Username, "username", "", "user (required)")
	flags.StringVar(&f.Password, "password", "", "where the workers find the password, env:NAME or file:/path (required)")
	flags.StringVar(&f.Folder, "folder", "INBOX", "folder to watch")
	flags.StringVar(&f.from, "from", "now", "now: mail that comes from now on; all: what is there already, too")
	flags.BoolVar(&f.MarkSeen, "mark-seen", false, "mark handled mail as seen")
	flags.StringVar(&f.Keyword, "keyword", "", "set this IMAP keyword on handled mail")
	flags.StringVar(&f.MoveTo, "move-to", "", "move handled mail to this folder")
	flags.StringVar(&f.maxSize, "max-size", "50MB", "larger mail becomes a dead letter (1 KB is 1024 bytes)")
	flags.DurationVar(&f.poll, "poll", 60*time.Second, "how often to look where the server has no IDLE")
	flags.DurationVar(&f.idle, "idle", 4*time.Minute, "how long one IDLE lasts before it is renewed, which proves that the connection is alive")
	flags.DurationVar(&f.quiet, "timeout", 30*time.Second, "how long the server may be silent while a command runs")
	flags.DurationVar(&f.lease, "lease", 30*time.Second, "how long a worker that died keeps the mailbox from others")
	return cmd
}

// config checks all flags and tells everything that is wrong.
func (f *mailboxFlags) config() (contract.MailboxConfig, error) {
	c := f.MailboxConfig
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, usage(fmt.Errorf(format, args...))) }
	if !connectors.ValidName(c.Name) {
		wrong("mailbox name %q: %s are expected", c.Name, connectors.NameRule)
	}
	if c.Host == "" {
		wrong("--host is required")
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
	if c.Port == 0 {
		c.Port = 143
		if c.TLS == "implicit" {
			c.Port = 993
		}
	}
	if c.Port < 1 || c.Port > 65535 {
		wrong("--port %d: 1 to 65535 is expected", c.Port)
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
	if c.Folder == "" || c.Folder == c.MoveTo {
		wrong("--folder and --move-to: two different folders are expected")
	}
	var err error
	if c.MaxBytes, err = parseSize(f.maxSize); err != nil {
		wrong("--max-size %s: %w", f.maxSize, err)
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

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// checkReference refuses a literal password. Its errors hold nothing of what was given, which may be one.
func checkReference(reference string) error {
	kind, name, _ := strings.Cut(reference, ":")
	switch {
	case reference == "":
		return errors.New("--password is required: env:NAME or file:/path")
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
		"give the workers a variable and write env:NAME, or a file and write file:/path")
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
