package activities

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/events/marker"
)

// Pages of a history, in events. The first of an execution that may have nothing new is short.
const (
	firstHistoryPage = 20
	historyPage      = 250
)

// Outcomes of a look at an execution.
const (
	memoTold    = "told"
	historyRead = "read"
	historyGone = "gone"
	historyDead = "dead"
)

// read takes the events of an execution, newest first, until they are known. What is wrong with this history alone becomes a dead letter; an error
// is one of the server.
func (b *block) read(e contract.Execution) (outcome string, err error) {
	size := int32(historyPage)
	if e.Since > 0 && !e.Ended {
		size = firstHistoryPage
	}
	request := &workflowservice.GetWorkflowExecutionHistoryReverseRequest{
		Namespace: b.settings.Namespace, Execution: &common.WorkflowExecution{WorkflowId: e.ID, RunId: e.Run}, MaximumPageSize: size,
	}
	outcome = historyRead
	var end closeOf
	for first := true; ; first = false {
		page, err := b.client.Temporal.WorkflowService().GetWorkflowExecutionHistoryReverse(b.ctx, request)
		switch fault := faultOf(err); {
		case err == nil:
		case fault == historyTooLarge && request.MaximumPageSize > 1:
			request.MaximumPageSize /= 2
			continue
		case fault == historyMissing:
			return historyGone, nil
		case fault != "":
			b.unreadable(e, 0, err)
			return historyDead, nil
		default:
			return "", fmt.Errorf("read the history of %q, run %s: %w", e.ID, e.Run, err)
		}
		if list := page.GetHistory().GetEvents(); first && len(list) > 0 && end.see(list[0]) {
			e.Since = 0
		}
		for _, event := range page.GetHistory().GetEvents() {
			if event.GetEventTime().AsTime().UnixMilli() < e.Since {
				return outcome, nil
			}
			batch, ok, err := marker.Read(event, converter.GetDefaultDataConverter())
			if err != nil {
				b.unreadable(e, event.GetEventId(), err)
				outcome = historyDead
				continue
			}
			if ok && len(batch.Events) > 0 {
				end.take(e.ID, batch)
				if err := b.take(batch, len(marker.Payload(event).GetData())); err != nil {
					return "", err
				}
			}
		}
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return b.close(e, end, outcome)
		}
		request.MaximumPageSize = max(request.MaximumPageSize, min(size*4, historyPage))
		size = request.MaximumPageSize
	}
}

// closeOf is what is seen of the end of an execution.
type closeOf struct {
	marker.Close
	closed   bool
	own      bool // it recorded events of itself
	recorded bool // and its own end
}

// see looks at the last event of a history.
func (c *closeOf) see(e *history.HistoryEvent) bool {
	c.Close, c.closed = marker.Closed(e)
	return c.closed
}

func (c *closeOf) take(id string, b events.Batch) {
	if b.Instance != id {
		return
	}
	c.own = true
	c.recorded = c.recorded || endsIn(id, b)
}

// endsIn tells whether an instance says in a batch that it has ended.
func endsIn(id string, b events.Batch) bool {
	return b.Instance == id && slices.ContainsFunc(b.Events, func(e events.Event) bool { return e.Type == events.ProcessEnded })
}

// close takes the events that an execution could not record, since it did not end by itself.
func (b *block) close(e contract.Execution, end closeOf, outcome string) (string, error) {
	if !end.closed || end.recorded || end.Status == events.Completed && !end.own {
		return outcome, nil
	}
	batch, ok, err := b.client.Closing(b.ctx, e.ID, e.Run, end.Close, converter.GetDefaultDataConverter())
	switch fault := faultOf(err); {
	case err == nil:
	case fault == historyMissing:
		return historyGone, nil
	case fault != "":
		b.unreadable(e, 0, err)
		return historyDead, nil
	default:
		return "", fmt.Errorf("close what %q, run %s, has left open: %w", e.ID, e.Run, err)
	}
	if ok {
		return outcome, b.take(batch, len(batch.Events)*sizeOfEvent)
	}
	return outcome, nil
}

// sizeOfEvent is what an event counts when no history tells its size.
const sizeOfEvent = 100

// Faults of a history that come again however often it is read.
const (
	historyMissing  = "missing"
	historyTooLarge = "too large"
	historyBroken   = "broken"
)

// faultOf tells what is wrong with a history; "" when it is the server that cannot answer now.
func faultOf(err error) string {
	if _, ok := errors.AsType[*serviceerror.NotFound](err); ok {
		return historyMissing
	}
	if _, ok := errors.AsType[*serviceerror.DataLoss](err); ok {
		return historyBroken
	}
	if _, ok := errors.AsType[*serviceerror.InvalidArgument](err); ok {
		return historyBroken
	}
	// grpc refuses a message that is larger than its client takes with the code of a server that is too busy.
	if _, ok := errors.AsType[*serviceerror.ResourceExhausted](err); ok && strings.Contains(err.Error(), "larger than max") {
		return historyTooLarge
	}
	return ""
}
