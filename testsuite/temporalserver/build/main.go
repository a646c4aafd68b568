// Command build makes sure that the tests find a Temporal server, and builds ours if there is no other. Tests do not
// build it themselves, since that outlasts the time limit of a test run. It prints the path of the program.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/waybill-io/waybill/testsuite/temporalserver"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	program, err := temporalserver.Find(ctx, temporalserver.FindOptions{Progress: os.Stderr})
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	fmt.Println(program)
}
