package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/waybill-io/waybill/connectors/script"
)

// exitCode is 2 for settings that are wrong, else 1.
func exitCode(err error) int {
	if _, ok := errors.AsType[misconfigured](err); ok {
		return 2
	}
	return 1
}

func main() {
	script.Child()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := workerCommand()
	root.AddCommand(devCommand())
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		stop()
		os.Exit(exitCode(err))
	}
}
