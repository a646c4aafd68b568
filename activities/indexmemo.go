package activities

import (
	"context"
	"slices"
	"strings"
	"sync"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/events/marker"
)

// tell takes the events of an instance that has ended from its memo. Its outcome is "" when they are not all there: the history must be read.
func (b *block) tell(e contract.Execution, memo *common.Memo) (outcome string, err error) {
	all, err := marker.Summary(memo, converter.GetDefaultDataConverter())
	if err != nil {
		b.logger.Debug("a memo cannot be read, and the history is read instead", "process", e.ID, "run", e.Run, "error", err)
		return "", nil
	}
	if !slices.ContainsFunc(all, func(batch events.Batch) bool { return endsIn(e.ID, batch) }) {
		return "", nil
	}
	for _, batch := range all {
		if err := b.take(batch, len(batch.Events)*sizeOfEvent); err != nil {
			return "", err
		}
	}
	return memoTold, nil
}

// memos are those of executions that have ended, by run. What a plan of this worker has just listed is not listed again.
func (x *Indexer) memos(ctx context.Context, executions []contract.Execution) map[string]*common.Memo {
	found := map[string]*common.Memo{}
	var runs []string
	for _, e := range executions {
		if !e.Ended || x.ended.has(e.Run) {
			continue
		}
		if memo, known := x.lately.take(e.Run); known {
			found[e.Run] = memo
		} else {
			runs = append(runs, e.Run)
		}
	}
	for some := range slices.Chunk(runs, listPage) {
		listed, _, err := x.list(ctx, "RunId IN ('"+strings.Join(some, "', '")+"')", nil, listPage)
		if err != nil {
			x.logger.Warn("memos cannot be listed, and histories are read instead", "executions", len(some), "error", err)
			break
		}
		for _, i := range listed {
			found[i.GetExecution().GetRunId()] = i.GetMemo()
		}
	}
	return found
}

// latelyBytes bounds the memos that a worker keeps from a plan, which are contract.IndexLimit of 2 KiB, to the plan's blocks.
const latelyBytes = 8 << 20

// lately are the memos of executions that were just listed, by run. What there is no room for, and what another worker needs, is listed again. It is
// safe for concurrent use; the zero value is ready.
type lately struct {
	mu    sync.Mutex
	memos map[string]*common.Memo
	bytes int
}

func (l *lately) add(run string, memo *common.Memo) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.memos[run]; known {
		return
	}
	size := len(run) + proto.Size(memo)
	if l.bytes+size > latelyBytes || l.memos == nil { // what is there is of plans whose blocks other workers had
		l.memos, l.bytes = map[string]*common.Memo{}, 0
	}
	l.memos[run] = memo
	l.bytes += size
}

func (l *lately) take(run string) (memo *common.Memo, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if memo, known = l.memos[run]; known {
		delete(l.memos, run)
		l.bytes -= len(run) + proto.Size(memo)
	}
	return memo, known
}
