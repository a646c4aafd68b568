package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"

	"github.com/spf13/cobra"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/log"
	"gocloud.dev/blob"
	_ "gocloud.dev/blob/fileblob" // the schemes of --files
	_ "gocloud.dev/blob/memblob"

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/connectors/catalog"
	"github.com/waybill-io/waybill/worker/app"
)

const defaultTemporal = "127.0.0.1:7233"

// connection is where Temporal is and where files are kept: the flags that production and development share.
type connection struct {
	address   string
	namespace string
	gateway   string
	logLevel  string
}

func (c *connection) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&c.address, "temporal-address", "", "Temporal server, host:port (default "+defaultTemporal+", or the environment's)")
	f.StringVar(&c.namespace, "namespace", "", "Temporal namespace (default \"default\", or the environment's)")
	f.StringVar(&c.gateway, "gateway", "127.0.0.1:8080", "address of the HTTP gateway")
	f.StringVar(&c.logLevel, "log-level", "info", "debug, info, warn or error")
}

// logger writes to standard error, which leaves standard output to what people ask for.
func (c *connection) logger() (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.logLevel)); err != nil {
		return nil, fmt.Errorf("--log-level %q: debug, info, warn or error is expected", c.logLevel)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})), nil
}

// dial connects to Temporal. It also returns the namespace that was chosen.
func (c *connection) dial(ctx context.Context, logger *slog.Logger) (temporal.Client, string, error) {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return nil, "", fmt.Errorf("read the settings of Temporal's client from the environment: %w", err)
	}
	options.HostPort = cmp.Or(c.address, options.HostPort, defaultTemporal)
	options.Namespace = cmp.Or(c.namespace, options.Namespace, temporal.DefaultNamespace)
	options.Logger = log.NewStructuredLogger(logger)
	t, err := temporal.DialContext(ctx, options)
	if err != nil {
		return nil, "", fmt.Errorf("no Temporal server answers at %s: %w\nname one with --temporal-address or TEMPORAL_ADDRESS; `go run ./worker dev` starts one", options.HostPort, err)
	}
	return t, options.Namespace, nil
}

func workerCommand() *cobra.Command {
	var c connection
	var roles, files string
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Run processes, watch mailboxes and answer connector calls",
		Long: "worker connects to a Temporal cluster and does what its roles say. Any number of workers may run, anywhere;\n" +
			"they must share one blob store. Temporal is found by --temporal-address, or by TEMPORAL_ADDRESS and the other\n" +
			"variables of Temporal's clients. Sending mail is set by EMAIL_HOST, EMAIL_PORT, EMAIL_USERNAME, EMAIL_PASSWORD,\n" +
			"EMAIL_SMTP_AUTH, EMAIL_SMTP_STARTTLS, EMAIL_SMTP_SSL and EMAIL_FROM.",
		Example: `  go run ./worker --temporal-address temporal.example.com:7233
  go run ./worker --roles mailbox --files "file:///var/lib/waybill/files?create_dir=1"`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			list, err := app.ParseRoles(roles)
			if err != nil {
				return err
			}
			logger, err := c.logger()
			if err != nil {
				return err
			}
			settings, err := emailSettings()
			if err != nil {
				return err
			}
			bucket, err := openFiles(ctx, files)
			if err != nil {
				return err
			}
			defer bucket.Close()
			built, err := catalog.All(catalog.Deps{Email: settings, Files: activities.NewFiles(bucket)})
			if err != nil {
				return err
			}
			if settings.Insecure() {
				logger.Warn("the mail password goes over the network in the clear: set EMAIL_SMTP_STARTTLS or EMAIL_SMTP_SSL")
			}
			t, namespace, err := c.dial(ctx, logger)
			if err != nil {
				return err
			}
			defer t.Close()
			a, err := app.New(ctx, app.Options{
				Temporal: t, Namespace: namespace, Roles: list, Files: bucket, Connectors: built, GatewayAddress: c.gateway,
			})
			if err != nil {
				return err
			}
			return a.Run(ctx, func() {
				logger.Info("ready", "roles", roles, "namespace", namespace, "gateway", a.GatewayURL())
			})
		},
	}
	c.flags(cmd)
	cmd.Flags().StringVar(&roles, "roles", "process,connectors,mailbox,gateway", "what this worker does")
	cmd.Flags().StringVar(&files, "files", "file:///var/lib/waybill/files?create_dir=1", "blob store for mails and attachments, the same for all workers: file:///path?create_dir=1 or mem://")
	return cmd
}

// openFiles opens the blob store by its URL.
func openFiles(ctx context.Context, location string) (*blob.Bucket, error) {
	u, err := url.Parse(location)
	if err != nil {
		return nil, fmt.Errorf("open blob store: %w", err)
	}
	if u.Scheme == "file" {
		// A file is written aside and then renamed, which fails from the folder for temporary files when that is on
		// another file system, as it is where the store is a volume.
		query := u.Query()
		query.Set("no_tmp_dir", "1")
		u.RawQuery = query.Encode()
	}
	bucket, err := blob.OpenBucket(ctx, u.String())
	if err != nil {
		return nil, fmt.Errorf("open blob store %s: %w", location, err)
	}
	return bucket, nil
}
