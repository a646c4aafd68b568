package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/converter"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

// supportMailbox is the name under which `worker dev` watches the example's mailbox.
const supportMailbox = "support"

// stage is a part of the way of a mail.
type stage struct {
	What string  `json:"what"`
	Took latency `json:"took"`
}

// delivery is a mail in the history of its mailbox.
type delivery struct {
	scheduled time.Time // the mailbox workflow has it
	instance  string
}

// call is the first activity of an instance, with the start of the instance.
type call struct{ instance, scheduled, taken time.Time }

// stages splits the time of mails up by the events of the mailbox and of the instances. All of them have one clock, since all
// runs on one machine. A mail whose delivery is in an earlier run of a long mailbox is left out.
func stages(ctx context.Context, c *client.Client, all []*exchange) ([]stage, error) {
	deliveries, err := deliveriesOf(ctx, c)
	if err != nil {
		return nil, err
	}
	parts := []string{
		"watcher: fetch, store, hand over to the mailbox workflow", "deliver: match triggers, start the instance",
		"process: first workflow task", "call taken by a worker", "email.SEND: render, send",
	}
	took := make([][]time.Duration, len(parts))
	for _, x := range all {
		d, ok := deliveries[strconv.FormatUint(uint64(x.uid), 10)]
		if !ok {
			continue
		}
		first, err := firstCall(ctx, c, d.instance)
		if err != nil {
			return nil, err
		}
		times := []time.Time{x.accepted, d.scheduled, first.instance, first.scheduled, first.taken, x.replied}
		for i := range parts {
			took[i] = append(took[i], times[i+1].Sub(times[i]))
		}
	}
	list := make([]stage, len(parts))
	for i, what := range parts {
		list[i] = stage{What: what, Took: latencyOf(took[i])}
	}
	return list, nil
}

// deliveriesOf returns the mails that the mailbox has had delivered, by UID.
func deliveriesOf(ctx context.Context, c *client.Client) (map[string]delivery, error) {
	h, err := c.History(ctx, contract.MailboxID(supportMailbox), "")
	if err != nil {
		return nil, err
	}
	scheduled := map[int64]time.Time{}
	all := map[string]delivery{}
	for _, e := range h.Events {
		switch e.EventType {
		case enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
			if e.GetActivityTaskScheduledEventAttributes().ActivityType.Name == contract.DeliverActivity {
				scheduled[e.EventId] = e.EventTime.AsTime()
			}
		case enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
			a := e.GetActivityTaskCompletedEventAttributes()
			at, ok := scheduled[a.ScheduledEventId]
			if !ok {
				continue
			}
			var result contract.DeliverResult
			if err := decode(a.Result, &result); err != nil {
				return nil, fmt.Errorf("event %d of the mailbox: %w", e.EventId, err)
			}
			for _, o := range result.Outcomes {
				if len(o.Started) > 0 {
					all[o.ID[strings.LastIndexByte(o.ID, '-')+1:]] = delivery{scheduled: at, instance: o.Started[0]}
				}
			}
		}
	}
	return all, nil
}

func firstCall(ctx context.Context, c *client.Client, instance string) (call, error) {
	var first call
	h, err := c.History(ctx, instance, "")
	if err != nil {
		return first, err
	}
	for _, e := range h.Events {
		switch e.EventType {
		case enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
			first.instance = e.EventTime.AsTime()
		case enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
			first.scheduled = e.EventTime.AsTime()
		case enums.EVENT_TYPE_ACTIVITY_TASK_STARTED:
			first.taken = e.EventTime.AsTime()
			return first, nil
		}
	}
	return first, fmt.Errorf("instance %s has called nothing", instance)
}

func decode(p *commonpb.Payloads, into any) error {
	return converter.GetDefaultDataConverter().FromPayloads(p, into)
}
