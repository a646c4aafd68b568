package activities

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/events/marker"
)

// ends is the history of an instance that records its end, and how visibility lists it, with all of that in its memo.
func ends(t *testing.T, id, run string, markers int) ([]*history.HistoryEvent, *workflow.WorkflowExecutionInfo) {
	t.Helper()
	b := events.Batch{Process: events.Process{Instance: id, Key: "order", Began: monday}, Events: []events.Event{
		{Sequence: 900, Type: events.ActivityCompleted, Time: monday, Ref: fmt.Sprint(markers)},
		{Sequence: 901, Type: events.ProcessEnded, Time: monday, Status: events.Completed},
	}}
	last, err := events.Encode(b)
	require.NoError(t, err)
	all := instanceOf(t, id, markers)
	earlier := events.Batch{Process: b.Process}
	for _, e := range all {
		if b, ok, err := marker.Read(e, converter.GetDefaultDataConverter()); ok {
			require.NoError(t, err)
			earlier.Events = append(earlier.Events, b.Events...)
		}
	}
	before, err := events.Encode(earlier)
	require.NoError(t, err)
	fields := map[string]*common.Payload{}
	for key, data := range map[string][]byte{marker.LastMemo: last, marker.EarlierMemo: before} {
		fields[key], err = converter.GetDefaultDataConverter().ToPayload(data)
		require.NoError(t, err)
	}
	return append(all, markerAt(t, 1000, monday, last), &history.HistoryEvent{EventId: 1001, EventType: enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED}),
		&workflow.WorkflowExecutionInfo{
			Execution: &common.WorkflowExecution{WorkflowId: id, RunId: run}, Status: enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, Memo: &common.Memo{Fields: fields},
		}
}

// What the memo of an execution tells need not be read; what it does not is read, and the index is the same.
func TestMemosSpareHistories(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*kept, *workflow.WorkflowExecutionInfo)
		read   bool
	}{
		"told":      {func(*kept, *workflow.WorkflowExecutionInfo) {}, false},
		"failed":    {func(_ *kept, i *workflow.WorkflowExecutionInfo) { i.Status = enums.WORKFLOW_EXECUTION_STATUS_FAILED }, false},
		"cancelled": {func(_ *kept, i *workflow.WorkflowExecutionInfo) { i.Status = enums.WORKFLOW_EXECUTION_STATUS_CANCELED }, false},
		"terminated after its end": {func(_ *kept, i *workflow.WorkflowExecutionInfo) {
			i.Status = enums.WORKFLOW_EXECUTION_STATUS_TERMINATED
		}, false},
		"only the last": {func(_ *kept, i *workflow.WorkflowExecutionInfo) { delete(i.Memo.Fields, marker.EarlierMemo) }, true},
		"no memo":       {func(_ *kept, i *workflow.WorkflowExecutionInfo) { i.Memo = nil }, true},
		"unreadable":    {func(_ *kept, i *workflow.WorkflowExecutionInfo) { i.Memo.Fields[marker.LastMemo].Data = []byte("?") }, true},
		"not its end": {func(_ *kept, i *workflow.WorkflowExecutionInfo) {
			i.Memo.Fields[marker.LastMemo] = i.Memo.Fields[marker.EarlierMemo]
		}, true},
		"not listed":       {func(k *kept, _ *workflow.WorkflowExecutionInfo) { clear(k.listed) }, true},
		"visibility fails": {func(k *kept, _ *workflow.WorkflowExecutionInfo) { k.unlisted = errors.New("restarting") }, true},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKept()
			var info *workflow.WorkflowExecutionInfo
			k.histories["a"], info = ends(t, "order/a", "a", 5)
			k.histories["b"] = instanceOf(t, "order/b", 2)
			ofB := len(k.histories["b"])
			k.listed = map[string]*workflow.WorkflowExecutionInfo{"a": info}
			test.change(k, info)
			x := k.indexer(IndexerSettings{})
			block := []contract.Execution{{ID: "order/a", Run: "a", Ended: true}, {ID: "order/b", Run: "b"}}
			out, err := indexed(t, x, block...)
			require.NoError(t, err)
			require.Equal(t, contract.IndexCount{Executions: 2, Written: 7 + 3}, out.IndexCount)
			require.Equal(t, k.latest(t, "a", "b"), k.versions())
			require.Equal(t, map[string]int{"b-1": 10}, k.staged, "and so is the archive")
			require.Equal(t, test.read, k.read > ofB, "%d events were read", k.read)
			require.Equal(t, []string{"RunId IN ('a')"}, k.queries, "what runs has told nothing")
			before := k.read
			_, err = indexed(t, x, block...)
			require.NoError(t, err)
			require.Equal(t, before+ofB, k.read)
			require.Len(t, k.queries, 1, "nor is it asked for again")
		})
	}
}

// A worker that has planned need not list what it indexes; others list it in pages.
func TestMemosAreListedOnce(t *testing.T) {
	k := newKept()
	k.listed = map[string]*workflow.WorkflowExecutionInfo{}
	var block []contract.Execution
	for n := range 450 {
		id, run := fmt.Sprint("order/", n), fmt.Sprintf("run-%03d", n)
		k.histories[run], k.listed[run] = ends(t, id, run, 1)
		block = append(block, contract.Execution{ID: id, Run: run, Ended: true})
	}
	out, err := indexed(t, k.indexer(IndexerSettings{}), block...)
	require.NoError(t, err)
	require.EqualValues(t, 450*3, out.Written)
	require.Zero(t, k.read)
	require.Len(t, k.queries, 3)
	for _, q := range k.queries {
		require.LessOrEqual(t, strings.Count(q, "run-"), listPage)
	}

	x := k.indexer(IndexerSettings{})
	k.documents, k.queries = map[string]events.Document{}, nil
	for run, i := range k.listed {
		if run != "run-007" {
			x.lately.add(run, i.GetMemo())
		}
	}
	out, err = indexed(t, x, block...)
	require.NoError(t, err)
	require.EqualValues(t, 450*3, out.Written)
	require.Equal(t, []string{"RunId IN ('run-007')"}, k.queries)
	require.Zero(t, x.lately.bytes, "nothing is kept")
	require.Empty(t, x.lately.memos)
}

func TestMemosThatWereListedAreBounded(t *testing.T) {
	var l lately
	large := &common.Memo{Fields: map[string]*common.Payload{marker.LastMemo: {Data: make([]byte, 1<<20)}}}
	for n := range 40 {
		for range 2 {
			l.add(fmt.Sprint(n), large)
			require.LessOrEqual(t, l.bytes, latelyBytes)
		}
	}
	l.add("none", nil)
	require.Less(t, len(l.memos), 10)
	memo, known := l.take("none")
	require.True(t, known, "that it has none need not be asked for again")
	require.Nil(t, memo)
	_, known = l.take("0")
	require.False(t, known)
	for run := range l.memos {
		l.take(run)
	}
	require.Zero(t, l.bytes)
}

// What is written in the middle of an execution, and an index that has some of it already, change nothing.
func TestMemosAcrossWrites(t *testing.T) {
	k := newKept()
	var info *workflow.WorkflowExecutionInfo
	k.histories["a"], info = ends(t, "order/a", "a", 60)
	k.listed = map[string]*workflow.WorkflowExecutionInfo{"a": info}
	for range 2 {
		_, err := indexed(t, k.indexer(IndexerSettings{MaxBatch: 7}), contract.Execution{ID: "order/a", Run: "a", Ended: true})
		require.NoError(t, err)
		require.Equal(t, k.latest(t, "a"), k.versions())
	}
	require.Len(t, k.writes, 2, "one each time")
	require.Zero(t, k.read)
}
