// Command starter is Waybill's command line: it deploys processes, starts and steers instances, works on user tasks,
// answers incidents and looks after mailboxes. It is thin: package project reads files, package client talks to
// Temporal, and each file here holds one group of commands, which only translate flags and format results.
//
// Results go to standard output, as text or, with --output json, as JSON with the field names of docs/cli.md. Errors,
// warnings and progress go to standard error. The exit codes are those of exit.go.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, newApp(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
