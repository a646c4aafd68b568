package scenarios_test

import (
	"context"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/testsuite"
	"github.com/waybill-io/waybill/testsuite/scenario"
	"github.com/waybill-io/waybill/testsuite/temporalserver/servertest"
)

var server servertest.Server

// record is for whoever releases a version: its histories are replayed by every later one.
var record = flag.String("record", "", "folder that the histories of processes are written to, ../histories/engine-6")

func TestMain(m *testing.M) { os.Exit(server.Run(m)) }

func files(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

// TestScenarios runs every scenario file of the folders beside it, one folder an element.
func TestScenarios(t *testing.T) { scenario.Test(t, files(t)...) }

// TestScenariosOnServer runs the same files against a Temporal server and a worker, and then the histories of all that has run through
// the workflows again.
func TestScenariosOnServer(t *testing.T) {
	address := server.Address(t)
	dial := func(ctx context.Context, namespace string) (temporal.Client, error) {
		return temporal.DialContext(ctx, temporal.Options{
			HostPort: address, Namespace: namespace, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
		})
	}
	scenario.TestOn(t, dial, func(t *testing.T, c *client.Client) {
		require.NoError(t, testsuite.ReplayServer(t.Context(), c, *record), "what has run must run the same again")
	}, files(t)...)
}
