// Command devserver is a Temporal server with its Web UI in one program, for development and tests. It is not a
// production server: one process, SQLite, no TLS, no authorisation, and by default only this machine reaches it.
//
//	devserver server start-dev                                  in memory, localhost:7233, UI on localhost:8233
//	devserver server start-dev --db-filename temporal.db        what runs survives a restart, and kill -9
//	devserver server start-dev --help                           all flags
//
// It speaks the flags of Temporal's own "temporal server start-dev", so that whatever starts that program (the SDK's
// testsuite.StartDevServer above all) can start this one. It is a module of its own: a Temporal server links two
// hundred modules, which the product's go.mod should not carry.
//
// What differs from that program: task queues have one partition and the server's queues are polled without the brake
// that production wants, which makes a step three to five times faster; timers below a second take what they say; a
// database file uses a write-ahead log. Everything can be changed by --dynamic-config-value.
//
// SIGINT and SIGTERM end it cleanly with status 0; a second signal kills it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	uiversion "github.com/temporalio/ui-server/v2/server/version"
	"go.temporal.io/server/common/headers"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // gives the signals back their default, so that a second one kills
	switch err := run(ctx, os.Args[1:]); {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "devserver:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 1 && (args[0] == "--version" || args[0] == "-v"):
		fmt.Println(version())
		return nil
	case len(args) < 2 || args[0] != "server" || args[1] != "start-dev":
		return errors.New(`usage: "devserver server start-dev [flags]" (see --help there) or "devserver --version"`)
	}
	o, err := parse(args[2:], os.Stdout)
	if err != nil {
		return err
	}
	return serve(ctx, o, os.Stdout)
}

// version has the shape of what Temporal's command line prints, so that one parser reads both.
func version() string {
	return fmt.Sprintf("waybill devserver (Server %s, UI %s)", headers.ServerVersion, uiversion.UIVersion)
}
