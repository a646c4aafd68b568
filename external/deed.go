package external

import (
	"context"
	"strings"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
)

// Deed is what a caller did with a task, or was refused: for logs and counts. It has nothing of what is in the task.
type Deed struct {
	What     string // one of those below
	By       By
	ID       string
	Instance string
	Topic    string    // contract.Segment of its name; "": it was not found out
	Until    time.Time // of a lock that was given or extended
	Err      error     // why it was not done
}

// What is done with a task.
const (
	DeedFetch    = "fetch"
	DeedComplete = "complete"
	DeedFail     = "fail"
	DeedError    = "throw an error at"
	DeedExtend   = "extend the lock of"
	DeedUnlock   = "unlock"
	DeedReturn   = "return"
	DeedLock     = "lock" // by its id
	DeedRetries  = "set the retries of"
	DeedPriority = "set the priority of"
)

// topic is how the topic of a task is shown.
func (h *held) topic() string { return strings.TrimPrefix(h.queue, contract.TopicQueue("")) }

type deedKey struct{}

// telling has a deed told of once it is done, with the task that noted is given meanwhile.
func (t *Tasks) telling(ctx context.Context, what, id string, by By) (context.Context, func(*error)) {
	d := &Deed{What: what, By: by, ID: id}
	if n, err := parse(id); err == nil {
		d.Instance = n.instance
	}
	return context.WithValue(ctx, deedKey{}, d), func(err *error) {
		d.Err = *err
		tell(t.Told, *d)
	}
}

func noted(ctx context.Context, h *held) {
	if d, ok := ctx.Value(deedKey{}).(*Deed); ok {
		d.Topic = h.topic()
		if d.What == DeedExtend || d.What == DeedLock {
			d.Until = h.until
		}
	}
}

// tell tells of a deed.
func tell(told func(Deed), d Deed) {
	if told != nil {
		told(d)
	}
}
