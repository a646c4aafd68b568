package activities

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/waybill-io/waybill/activities/contract"
)

// Temporal gives a group to any worker that waits for one. So the first worker that starts is given all of them, and one that joins
// later would hold none. Therefore a worker that holds more than its share gives groups away, one after the other:
//
//   - Its share is that of the groups that there are, divided by the workers that wait for more, itself among them. A worker always waits
//     for more, however much it holds. Temporal tells of those that wait at the first partition of the queue; each waits there now and
//     then, since it asks anew every minute. Until then it counts for nothing, which moves nothing.
//   - A group that it gives away goes to whoever waits longest, which may be itself, and then it passes the group on. When it is still
//     offered the group after a while nobody else wants it, and it keeps it. It gives no other away until this one has arrived.
//   - Whatever else it is offered it takes, above its share, too. So no group waits because a worker has counted wrongly.
//   - Temporal remembers for some minutes a worker that has died, and then gives its groups to others. So whoever is given a group
//     trusts only in workers that were seen afterwards, and gives nothing away for the sake of a dead one.
//
// All of this is about who takes over; that one worker alone holds a group is Temporal's to see to.

const (
	// balanceEvery is how often a worker looks whether it holds more than its share.
	balanceEvery = 5 * time.Second
	// giveEvery is the pause between two groups that a worker gives away, so that a worker that joins does not cut all connections at once.
	giveEvery = time.Second
	// passOn is how long a worker passes on a group that it has given away, and passPause how long the group then waits. The polls that were
	// under way are over after a group or two; by default Temporal takes a second to offer one again.
	passOn, passPause = 5 * time.Second, 200 * time.Millisecond
	// asleep is how long a worker that is there may go unseen: it asks anew for work once a minute.
	asleep = 75 * time.Second
)

// holdings are the groups that a worker holds.
type holdings struct {
	mu    sync.Mutex
	list  []*holding // in the order in which they were taken
	taken time.Time  // when the last one was taken, by Temporal's clock
	given string     // the group that was given away and has not arrived yet, "" for none
	since time.Time  // when it was given away
}

type holding struct {
	group   string
	surplus chan struct{} // closed when the group is given away
}

// take takes a group that is offered, unless it is the one that was given away a moment ago.
func (h *holdings) take(group string, offered time.Time) *holding {
	h.mu.Lock()
	defer h.mu.Unlock()
	if group == h.given {
		if time.Since(h.since) < passOn {
			return nil
		}
		h.given = ""
	}
	taken := &holding{group: group, surplus: make(chan struct{})}
	h.list = append(h.list, taken)
	if offered.After(h.taken) {
		h.taken = offered
	}
	return taken
}

// leave is for a group that is followed no more, for whatever reason.
func (h *holdings) leave(left *holding) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = slices.DeleteFunc(h.list, func(other *holding) bool { return other == left })
}

// give gives the last group away that was taken: where a group goes round until it is in the right place, the others stay.
func (h *holdings) give() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.list) == 0 {
		return
	}
	last := h.list[len(h.list)-1]
	h.list = h.list[:len(h.list)-1]
	h.given, h.since = last.group, time.Now()
	close(last.surplus)
}

// underway is the group that was given away and has not arrived yet, "" for none.
func (h *holdings) underway() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.given
}

// arrived is for a group that was given away and is this worker's no more.
func (h *holdings) arrived(group string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.given == group {
		h.given = ""
	}
}

func (h *holdings) count() (held int, taken time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.list), h.taken
}

// Balance gives groups away while this worker holds more than its share. It returns when ctx is done.
func (w *Watcher) Balance(ctx context.Context) {
	for {
		if group := w.held.underway(); group != "" && w.elsewhere(ctx, group) {
			w.held.arrived(group)
		}
		if w.held.underway() == "" && w.hasSurplus(ctx) {
			w.held.give()
		}
		pause := balanceEvery
		if w.held.underway() != "" {
			pause = giveEvery
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// elsewhere tells whether another worker holds a group, or nobody has to hold it any more.
func (w *Watcher) elsewhere(ctx context.Context, group string) bool {
	d, err := w.client.Temporal.DescribeWorkflowExecution(ctx, group, "")
	if err != nil {
		_, gone := errors.AsType[*serviceerror.NotFound](err)
		return gone
	}
	return !slices.ContainsFunc(d.GetPendingActivities(), func(a *workflow.PendingActivityInfo) bool {
		return a.GetState() != enums.PENDING_ACTIVITY_STATE_STARTED || a.GetLastWorkerIdentity() == w.worker
	})
}

// hasSurplus tells whether this worker holds more than its share. It does not while that cannot be found out.
func (w *Watcher) hasSurplus(ctx context.Context) bool {
	held, taken := w.held.count()
	if held < 2 { // a share is never less than one
		return false
	}
	queue, err := w.client.Temporal.DescribeTaskQueue(ctx, contract.MailboxQueue, enums.TASK_QUEUE_TYPE_ACTIVITY)
	if err != nil {
		return false
	}
	n := others(queue.GetPollers(), w.worker, taken)
	if n == 0 {
		return false
	}
	groups, err := w.client.Temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
		Query: "WorkflowType = '" + contract.WatchersWorkflow + "' AND ExecutionStatus = 'Running'",
	})
	if err != nil {
		return false
	}
	return held > share(max(held, int(groups.GetCount())), n+1) // the count lags behind
}

// share is what each of some workers holds at most.
func share(groups, workers int) int { return (groups + workers - 1) / workers }

// others counts the workers, beside this one, that wait for groups and were seen after a time. All times are by Temporal's clock.
func others(pollers []*taskqueue.PollerInfo, self string, after time.Time) int {
	var newest time.Time
	for _, p := range pollers {
		if at := p.GetLastAccessTime().AsTime(); at.After(newest) {
			newest = at
		}
	}
	n := 0
	for _, p := range pollers {
		at := p.GetLastAccessTime().AsTime()
		if p.GetIdentity() != self && at.After(after) && newest.Sub(at) < asleep {
			n++
		}
	}
	return n
}
