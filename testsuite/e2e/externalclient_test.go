package e2e_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/testsuite/externaltest"
	"github.com/waybill-io/waybill/testsuite/process"
)

const (
	camundaClient = "../../gateway/camunda/testdata/client"
	camundaNeeds  = "camunda-external-task-client-js"
)

// TestCamundaClientAndKilledGateway has Camunda's own client for JavaScript work over a gateway that is killed while the client polls and while it
// is busy.
func TestCamundaClientAndKilledGateway(t *testing.T) {
	externaltest.Installed(t, camundaClient, camundaNeeds)
	l := &leased{installation: installTemporal(t, options{}), gateways: []*worker{nil}}
	l.addresses = []string{address("127.0.0.1", process.Ports(t, 1)[0])}
	l.startGateway(0)
	l.startProcesses()
	l.deployDefinitions(l.load("testdata/external"))

	node := externaltest.StartNode(t, camundaClient, camundaNeeds, "worker.mjs", "http://"+l.addresses[0]+"/engine-rest", "leases", "js", "200")

	const rounds = 4
	for n := range rounds {
		id, _, err := l.client.Start(t.Context(), client.StartOptions{Key: "leases", ID: fmt.Sprintf("leases/%d", n), Variables: map[string]any{"what": "slow"}})
		require.NoError(t, err)
		l.instances = append(l.instances, id)
		node.Says("busy with "+id, 1)
		l.gateways[0].kill()
		l.startGateway(0)
	}
	for _, id := range l.instances {
		l.ended(id)
		r, err := l.client.Wait(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, "js", r.Variables["by"])
	}
}
