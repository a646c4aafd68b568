package temporalserver_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/testsuite"

	"github.com/waybill-io/waybill/testsuite/temporalserver"
)

// Projects that test with the SDK's own development server can give it the program that Find finds.
func TestTheSDKStartsTheProgram(t *testing.T) {
	program, err := temporalserver.Find(t.Context(), temporalserver.FindOptions{NoBuild: true})
	if err != nil {
		require.NotEqual(t, "true", os.Getenv("CI"), "no Temporal server: %v", err)
		t.Skipf("no Temporal server: %v", err)
	}
	server, err := testsuite.StartDevServer(t.Context(), testsuite.DevServerOptions{ExistingPath: program, LogLevel: "error"})
	require.NoError(t, err)
	defer func() { require.NoError(t, server.Stop()) }()
	_, err = server.Client().CheckHealth(t.Context(), &client.CheckHealthRequest{})
	require.NoError(t, err)
}
