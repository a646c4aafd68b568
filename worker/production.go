package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/log"
	"gocloud.dev/blob"
	_ "gocloud.dev/blob/fileblob" // the schemes of --files
	_ "gocloud.dev/blob/memblob"

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors/catalog"
	"github.com/waybill-io/waybill/worker/app"
)

const defaultTemporal = "127.0.0.1:7233"

// newLogger writes to standard error, which leaves standard output to what people ask for. Once ctx is done only errors
// are told: what is cut off because the program was told to end is no news.
func newLogger(ctx context.Context, name string) (*slog.Logger, error) {
	level := &slog.LevelVar{}
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return nil, fmt.Errorf("--log-level %q: debug, info, warn or error is expected", name)
	}
	context.AfterFunc(ctx, func() { level.Set(slog.LevelError) })
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})), nil
}

// dial connects to Temporal; address and namespace override the environment when they are not "". It also returns the
// namespace that was chosen.
func dial(ctx context.Context, address, namespace string, logger *slog.Logger) (temporal.Client, string, error) {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return nil, "", fmt.Errorf("read the settings of Temporal's client from the environment: %w", err)
	}
	options.HostPort = cmp.Or(address, options.HostPort, defaultTemporal)
	options.Namespace = cmp.Or(namespace, options.Namespace, temporal.DefaultNamespace)
	options.Logger = log.NewStructuredLogger(logger)
	t, err := temporal.DialContext(ctx, options)
	if err != nil {
		return nil, "", fmt.Errorf("no Temporal server answers at %s: %w\nname one with --temporal-address or TEMPORAL_ADDRESS; `go run ./worker dev` starts one", options.HostPort, err)
	}
	return t, options.Namespace, nil
}

func workerCommand() *cobra.Command {
	var address, namespace, gateway, logLevel, roles, files string
	var groups int
	var definitions, bridged []string
	var from sources
	var check bool
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Run processes, watch mailboxes and answer connector calls",
		Long: "worker connects to a Temporal cluster and does what its roles say. Any number of workers may run, anywhere;\n" +
			"they must share one blob store. Temporal is found by --temporal-address, or by TEMPORAL_ADDRESS and the other\n" +
			"variables of Temporal's clients. Mail and more is set up by a file (--config), by the environment or by --set, in this order of growing\n" +
			"weight: docs/configuration.md names all settings, and --check shows those that count. Connectors are set up by the variables that `starter connector show NAME` lists, such as\n" +
			"SLACK_BOT_TOKEN (or SLACK_BOT_TOKEN_FILE); several of a kind by --connector.\n" +
			"WAYBILL_SECRET_KEY holds the key of sealed secrets. The gateway's API wants a token: WAYBILL_GATEWAY_TOKENS names the file with their hashes; without it only this\n" +
			"machine may call. For external tasks, tokens of an OpenID provider do, too: WAYBILL_GATEWAY_OIDC_ISSUER is its URL, WAYBILL_GATEWAY_OIDC_AUDIENCE what they must be for; and\n" +
			"WAYBILL_GATEWAY_PLAIN_IDENTITY=true lets callers on this machine be whom they say, as clients of process-engine do.\n" +
			"WAYBILL_GATEWAY_URL is the address under which browsers reach it, to authorize credentials. WAYBILL_WEBHOOK_SECRET signs what applications are told that bring no secret of their own.",
		Example: `  go run ./worker --temporal-address temporal.example.com:7233
  go run ./worker --config activiti-app.properties --check
  go run ./worker --roles mailbox --files "file:///var/lib/waybill/files?create_dir=1"`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if os.Getenv("GOGC") == "" {
				// Connections and workflows at rest are most of a worker's memory: less of it on top is worth a little more work.
				debug.SetGCPercent(50)
			}
			ctx := cmd.Context()
			settings, err := from.read()
			if err != nil {
				return err
			}
			var credentials credentials
			mails, err := settings.mails(credentials.tokens())
			if err != nil {
				return err
			}
			defer mails.Close()
			if check {
				return settings.print(cmd.OutOrStdout())
			}
			list, err := app.ParseRoles(roles)
			if err != nil {
				return err
			}
			logger, err := newLogger(ctx, logLevel)
			if err != nil {
				return err
			}
			bucket, err := openFiles(ctx, files)
			if err != nil {
				return err
			}
			defer bucket.Close()
			deps := catalog.Deps{Variable: variables(settings.Settings), Files: activities.NewFiles(bucket), Mail: mails}
			builtIn, err := catalog.BuiltIn(deps)
			if err != nil {
				return err
			}
			instances, err := catalog.Instances(definitions, deps)
			if err != nil {
				return err
			}
			indexing, index, err := settings.indexing()
			if err != nil {
				return err
			}
			defer index.Close()
			list = indexes(list, cmd.Flags().Changed("roles"), indexing, logger)
			web, err := gatewaySettings(gateway, logger)
			if err != nil {
				return err
			}
			over, err := bridgeSettings(list, bridged)
			if err != nil {
				return err
			}
			settings.tell(logger)
			t, chosen, err := dial(ctx, address, namespace, logger)
			if err != nil {
				return err
			}
			defer t.Close()
			credentials.kept = activities.NewCredentials(client.New(t))
			a, err := app.New(ctx, app.Options{
				Temporal: t, Namespace: chosen, Roles: list, Files: bucket, Connectors: builtIn, Instances: instances, Bridge: over, Logger: logger, Gateway: web, MailboxGroups: groups, Unmarked: settings.Unmarked(), Mail: mails, Alerts: settings.alerts, Recording: settings.recording(), Indexing: indexing,
			})
			if errors.Is(err, syscall.EADDRINUSE) {
				return fmt.Errorf("%w\nchoose another address with --gateway, or leave the role gateway out of --roles", err)
			}
			if err != nil {
				return err
			}
			return a.Run(ctx, func() {
				go keep(ctx, client.New(t), settings.email.Credentials(), logger)
				logger.Info("ready", "roles", list, "namespace", chosen, "gateway", a.GatewayURL())
			})
		},
	}
	f := cmd.Flags()
	from.flags(f)
	f.BoolVar(&check, "check", false, "print the settings that count and where each comes from, and start nothing; exits with 2 when one is wrong")
	f.StringVar(&address, "temporal-address", "", "Temporal server, host:port (default "+defaultTemporal+", or the environment's)")
	f.StringVar(&namespace, "namespace", "", "Temporal namespace (default \"default\", or the environment's)")
	f.StringVar(&gateway, "gateway", "127.0.0.1:8080", "address of the HTTP gateway")
	f.StringVar(&logLevel, "log-level", "info", "debug, info, warn or error")
	f.StringVar(&roles, "roles", "process,connectors,mailbox,gateway", "what this worker does; indexer, too, when this is not given and elastic-search.server.type is set")
	f.IntVar(&groups, "mailbox-groups", 0, "how many of the 64 groups of mailboxes this worker holds at most, 0: as many as it is given; what all workers together cannot hold is not watched. It bounds neither log-ins that are tried out nor mail that applications send and fetch")
	f.StringArrayVar(&definitions, "connector", nil, "definition file of an instance of a built-in connector, or a folder of them; may be given more than once")
	f.StringArrayVar(&bridged, "bridge", nil, "of role bridge: name of a connector that answers over RabbitMQ; may be given more than once")
	f.StringVar(&files, "files", "file:///var/lib/waybill/files?create_dir=1", "blob store for mails and attachments, the same for all workers: file:///path?create_dir=1 or mem://")
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
