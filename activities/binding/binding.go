package binding

import (
	"time"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors"
)

// Queue is where the calls of a connector go: shared tells that it is built in and bears the name of its template, so that its calls share
// the queue of the processes.
func Queue(connector string, shared bool) string {
	if shared {
		return contract.ConnectorQueue
	}
	return contract.CustomConnectorQueue(connector)
}

// unclaimedWithRate is how long a call may wait at least where a rate makes calls wait.
const unclaimedWithRate = 24 * time.Hour

// Of is how calls are made on a queue. One that is not that of the processes is easily left without a worker, so a call does not wait there
// unseen.
func Of(queue string, p connectors.Policy) contract.Binding {
	b := contract.Binding{
		TaskQueue: queue,
		Retry: contract.Retry{
			Attempts: p.Retry.Attempts, IntervalMS: p.Retry.Interval.Milliseconds(),
			Coefficient: p.Retry.Coefficient, MaxMS: p.Retry.MaxInterval.Milliseconds(),
		},
		TimeoutMS: p.Timeout.Milliseconds(),
	}
	switch {
	case queue == contract.ConnectorQueue:
	case p.PerSecond > 0: // then Temporal itself holds calls back
		b.UnclaimedMS = max(p.Unclaimed, unclaimedWithRate).Milliseconds()
	default:
		b.UnclaimedMS = p.Unclaimed.Milliseconds()
	}
	return b
}
