package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/worker/dev"
)

func devCommand() *cobra.Command {
	var o dev.Options
	var ephemeral bool
	var logLevel string
	var from sources
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Start everything on this machine",
		Long: "dev starts a Temporal server with its Web UI (or uses one that already listens), a mail server (SMTP and IMAP), a\n" +
			"worker with all roles, and the support-desk example. It prints each address, then \"ready\", and ends with Ctrl-C.\n" +
			"The first start may have to build the Temporal server, which takes some 9 minutes on 2 cores.",
		Example: `  go run ./worker dev
  go run ./worker dev --ephemeral --temporal-port 17233 --ui-port 18233`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			logger, err := newLogger(cmd.Context(), logLevel)
			if err != nil {
				return err
			}
			if ephemeral {
				o.Data = ""
			}
			settings, err := from.read()
			if err != nil {
				return err
			}
			settings.tell(logger)
			if o.Gateway, err = gatewaySettings("", logger); err != nil {
				return err
			}
			indexing, index, err := settings.indexing()
			if err != nil {
				return err
			}
			defer index.Close()
			o.Recording, o.Indexing = settings.recording(), indexing
			o.Logger, o.Out, o.Variable, o.Email, o.Alerts = logger, os.Stdout, variables(settings.Settings), settings.email, settings.alerts
			return dev.Run(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	from.flags(f)
	f.StringVar(&o.Data, "data", ".waybill", "folder that keeps state over restarts")
	f.BoolVar(&ephemeral, "ephemeral", false, "keep nothing")
	f.IntVar(&o.TemporalPort, "temporal-port", 7233, "port of Temporal; a server that listens there is used")
	f.IntVar(&o.UIPort, "ui-port", 8233, "port of Temporal's Web UI")
	f.IntVar(&o.SMTPPort, "smtp-port", 1025, "port where mail is taken")
	f.IntVar(&o.IMAPPort, "imap-port", 1143, "port where mail is read")
	f.IntVar(&o.GatewayPort, "gateway-port", 8080, "port of the HTTP gateway")
	f.BoolVar(&o.Example, "example", true, "deploy the support-desk example and watch its mailbox")
	f.StringArrayVar(&o.Definitions, "connector", nil, "definition file of an instance of a built-in connector, or a folder of them; may be given more than once")
	f.StringVar(&logLevel, "log-level", "warn", "debug, info, warn or error")
	return cmd
}
