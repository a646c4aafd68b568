package servertest_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/waybill-io/waybill/testsuite/temporalserver/servertest"
)

var server servertest.Server

func TestMain(m *testing.M) { os.Exit(server.Run(m)) }

func TestClientsShareOneServer(t *testing.T) {
	address := server.Address(t)
	for range 2 {
		c := server.Client(t)
		answer, err := c.WorkflowService().DescribeNamespace(t.Context(), &workflowservice.DescribeNamespaceRequest{Namespace: "default"})
		require.NoError(t, err)
		require.Equal(t, "default", answer.GetNamespaceInfo().GetName())
	}
	require.Equal(t, address, server.Address(t))
}
