package workflows_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gocloud.dev/blob/memblob"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/worker/app"
)

// timed is a connector that knows when it was called.
type timed struct {
	mu sync.Mutex
	at []time.Time
}

func (*timed) Definition() *connectors.Definition {
	d := *(&desk{}).Definition()
	d.Name, d.Policy.PerSecond = "timed", 50
	return &d
}

func (c *timed) Call(context.Context, connectors.Call) (map[string]any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = append(c.at, time.Now())
	return nil, nil
}

// most is the largest number of calls within one second, wherever it begins.
func most(at []time.Time) (count int) {
	slices.SortFunc(at, time.Time.Compare)
	first := 0
	for i, t := range at {
		for t.Sub(at[first]) >= time.Second {
			first++
		}
		count = max(count, i-first+1)
	}
	return count
}

const manyCalls = `<startEvent id="start"/><sequenceFlow id="a" sourceRef="start" targetRef="one"/>
	<serviceTask id="one" implementation="timed.CALL"><multiInstanceLoopCharacteristics isSequential="false">
		<loopCardinality>200</loopCardinality></multiInstanceLoopCharacteristics></serviceTask>
	<sequenceFlow id="b" sourceRef="one" targetRef="end"/><endEvent id="end"/>`

func TestRateOfAConnectorHoldsOverAllWorkers(t *testing.T) {
	workers := []*timed{{}, {}, {}}
	connection := server.Client(t)
	c := client.New(connection)
	for _, instance := range workers {
		a, err := app.New(t.Context(), app.Options{
			Temporal: connection, Namespace: "default", Roles: []app.Role{app.Process, app.Connectors}, Files: memblob.OpenBucket(nil),
			Instances: []connectors.Connector{instance},
		})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- a.Run(ctx, nil) }()
		t.Cleanup(func() {
			cancel()
			require.NoError(t, <-ended)
		})
	}
	d := define(t, "paced", manyCalls, "")
	d.Connectors["timed.CALL"] = contract.Binding{TaskQueue: contract.CustomConnectorQueue("timed"), TimeoutMS: 10_000, Retry: contract.Retry{Attempts: 1}}
	_, err := c.Deploy(t.Context(), d)
	require.NoError(t, err)
	id, _, err := c.Start(t.Context(), client.StartOptions{Key: "paced"})
	require.NoError(t, err)
	result, err := c.Wait(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, contract.StateCompleted, result.State)
	var at []time.Time
	for _, instance := range workers {
		require.NotEmpty(t, instance.at, "every worker has its share")
		at = append(at, instance.at...)
	}
	require.Len(t, at, 200)
	require.LessOrEqual(t, most(at), 50)

	t.Logf("%d calls in %v, at most %d in a second", len(at), at[len(at)-1].Sub(at[0]).Round(time.Millisecond), most(at))
}
