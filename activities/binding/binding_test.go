package binding

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors"
)

func TestOf(t *testing.T) {
	p := connectors.Policy{
		Retry:   connectors.Retry{Attempts: 3, Interval: time.Second, Coefficient: 2, MaxInterval: time.Minute},
		Timeout: 5 * time.Second, Unclaimed: time.Hour,
	}
	want := contract.Binding{TaskQueue: "connector-till", TimeoutMS: 5000, Retry: contract.Retry{Attempts: 3, IntervalMS: 1000, Coefficient: 2, MaxMS: 60_000}, UnclaimedMS: 3_600_000}
	require.Equal(t, want, Of(Queue("till", false), p))
	limited := p
	limited.PerSecond = 1
	require.EqualValues(t, 24*time.Hour/time.Millisecond, Of(Queue("till", false), limited).UnclaimedMS, "5,000 calls at one a second wait for an hour")
	want.TaskQueue, want.UnclaimedMS = contract.ConnectorQueue, 0
	require.Equal(t, want, Of(Queue("till", true), p), "a call waits there as long as a process does")
}
