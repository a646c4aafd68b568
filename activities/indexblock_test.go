package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/events"
)

var monday = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// kept is a server that keeps histories, and an index that keeps documents.
type kept struct {
	temporal.Client

	mu        sync.Mutex
	histories map[string][]*history.HistoryEvent // by run, oldest first
	faults    map[string]error                   // by run
	pages     []int32                            // that were asked for, in events
	read      int                                // events that were given out
	listed    map[string]*workflow.WorkflowExecutionInfo
	queries   []string
	unlisted  error // of the visibility store

	writes    []int // documents of each
	documents map[string]events.Document
	unread    []analytics.Unreadable
	staged    map[string]int
	refuse    error // of the index
	refused   int
}

func (k *kept) WorkflowService() workflowservice.WorkflowServiceClient {
	return &keptHistories{kept: k}
}

type keptHistories struct {
	workflowservice.WorkflowServiceClient
	kept *kept
}

func (h *keptHistories) GetWorkflowExecutionHistoryReverse(_ context.Context, r *workflowservice.GetWorkflowExecutionHistoryReverseRequest, _ ...grpc.CallOption) (*workflowservice.GetWorkflowExecutionHistoryReverseResponse, error) {
	k := h.kept
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pages = append(k.pages, r.GetMaximumPageSize())
	if err := k.faults[r.GetExecution().GetRunId()]; err != nil {
		return nil, err
	}
	all, known := k.histories[r.GetExecution().GetRunId()]
	if !known {
		return nil, serviceerror.NewNotFound("workflow execution not found")
	}
	from := len(all)
	if len(r.GetNextPageToken()) > 0 {
		from, _ = strconv.Atoi(string(r.GetNextPageToken()))
	}
	to := max(from-int(r.GetMaximumPageSize()), 0)
	page := slices.Clone(all[to:from])
	slices.Reverse(page)
	k.read += len(page)
	out := &workflowservice.GetWorkflowExecutionHistoryReverseResponse{History: &history.History{Events: page}}
	if to > 0 {
		out.NextPageToken = fmt.Append(nil, to)
	}
	return out, nil
}

// GetWorkflowHistory is what is read again of an execution that did not end by itself.
func (k *kept) GetWorkflowHistory(_ context.Context, _, run string, _ bool, _ enums.HistoryEventFilterType) temporal.HistoryEventIterator {
	return &iterated{rest: k.histories[run], fault: k.faults["whole "+run]}
}

type iterated struct {
	rest  []*history.HistoryEvent
	fault error
}

func (i *iterated) HasNext() bool { return len(i.rest) > 0 }

func (i *iterated) Next() (*history.HistoryEvent, error) {
	if i.fault != nil {
		return nil, i.fault
	}
	e := i.rest[0]
	i.rest = i.rest[1:]
	return e, nil
}

func (k *kept) DescribeWorkflowExecution(_ context.Context, id, run string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: &workflow.WorkflowExecutionInfo{
		Execution: &common.WorkflowExecution{WorkflowId: id, RunId: cmp.Or(run, "a")}, FirstRunId: "a",
	}}, nil
}

// ListWorkflow lists executions by their runs.
func (k *kept) ListWorkflow(_ context.Context, r *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.queries = append(k.queries, r.GetQuery())
	out := &workflowservice.ListWorkflowExecutionsResponse{}
	for run, i := range k.listed {
		if strings.Contains(r.GetQuery(), "'"+run+"'") {
			out.Executions = append(out.Executions, i)
		}
	}
	return out, k.unlisted
}

func (k *kept) Write(_ context.Context, documents []events.Document) (w analytics.Written, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.refuse != nil {
		k.refused++
		return w, k.refuse
	}
	k.writes = append(k.writes, len(documents))
	for _, d := range documents {
		id := d.Index() + " " + d.ID()
		if have, known := k.documents[id]; known && have.Version() >= d.Version() {
			w.Known++
			continue
		}
		k.documents[id] = d
		w.New++
	}
	return w, nil
}

func (k *kept) BuryHistories(_ context.Context, unread []analytics.Unreadable) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.unread = append(k.unread, unread...)
	return nil
}

func (k *kept) Stage(_ context.Context, block string, documents []events.Document) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.staged[block] += len(documents)
	return nil
}

// markerAt is an event of a history that holds events.
func markerAt(t *testing.T, id int64, at time.Time, data []byte) *history.HistoryEvent {
	p, err := converter.GetDefaultDataConverter().ToPayloads(data)
	require.NoError(t, err)
	return &history.HistoryEvent{
		EventId: id, EventTime: timestamppb.New(at), EventType: enums.EVENT_TYPE_MARKER_RECORDED,
		Attributes: &history.HistoryEvent_MarkerRecordedEventAttributes{MarkerRecordedEventAttributes: &history.MarkerRecordedEventAttributes{
			MarkerName: "SideEffect", Details: map[string]*common.Payloads{"data": p},
		}},
	}
}

// instanceOf is the history of an instance with a marker each second from monday on, each of which starts an activity and completes the one
// before.
func instanceOf(t *testing.T, id string, markers int) (all []*history.HistoryEvent) {
	for n := range markers {
		at := monday.Add(time.Duration(n) * time.Second)
		b := events.Batch{Process: events.Process{Instance: id, Key: "order", Began: monday}}
		for i, what := range []events.Type{events.ActivityCompleted, events.ActivityStarted} {
			b.Events = append(b.Events, events.Event{Sequence: int64(2*n + i + 1), Type: what, Time: at, Ref: strconv.Itoa(n + i)})
		}
		data, err := events.Encode(b)
		require.NoError(t, err)
		all = append(all, &history.HistoryEvent{EventId: int64(2*n + 1), EventTime: timestamppb.New(at), EventType: enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED})
		all = append(all, markerAt(t, int64(2*n+2), at, data))
	}
	return all
}

func newKept() *kept {
	return &kept{histories: map[string][]*history.HistoryEvent{}, faults: map[string]error{}, documents: map[string]events.Document{}, staged: map[string]int{}}
}

func (k *kept) indexer(s IndexerSettings) *Indexer {
	s.Archive = k
	return NewIndexer(client.New(k), k, s, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
}

// indexed runs a block.
func indexed(t *testing.T, x *Indexer, executions ...contract.Execution) (out contract.IndexedBlock, err error) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(x.Index)
	v, err := env.ExecuteActivity(x.Index, contract.IndexBlock{Name: "b", Executions: executions})
	if err == nil {
		require.NoError(t, v.Get(&out))
	}
	return out, err
}

// latest is what an index should hold of a history: the latest event of each thing.
func (k *kept) latest(t *testing.T, runs ...string) map[string]int64 {
	want := map[string]int64{}
	for _, run := range runs {
		for _, e := range k.histories[run] {
			var data []byte
			if p := e.GetMarkerRecordedEventAttributes().GetDetails()["data"]; p == nil || converter.GetDefaultDataConverter().FromPayloads(p, &data) != nil {
				continue
			}
			b, err := events.Decode(data)
			require.NoError(t, err)
			for _, d := range b.Documents() {
				id := d.Index() + " " + d.ID()
				want[id] = max(want[id], d.Version())
			}
		}
	}
	return want
}

func (k *kept) versions() map[string]int64 {
	have := map[string]int64{}
	for id, d := range k.documents {
		have[id] = d.Version()
	}
	return have
}

// A thing that changes often is one document in memory, too.
func TestLatestKeepsNoBatches(t *testing.T) {
	l := latest{}
	b := events.Batch{Process: events.Process{Instance: "order/a", Began: monday}, Events: make([]events.Event, 100)}
	for i := range b.Events {
		b.Events[i] = events.Event{Sequence: int64(i + 1), Type: events.VariableUpdated, Ref: "n", Name: "n"}
	}
	documents := b.Documents()
	for i := range documents {
		l.take(&documents[i])
	}
	require.Len(t, l, 1)
	documents[99].Event.Name = "changed"
	require.Equal(t, "n", l.list()[0].Event.Name, "it is a copy, which keeps nothing else")
}

func TestBlockWritesTheLatestOfEachThing(t *testing.T) {
	k := newKept()
	k.histories["a"], k.histories["b"] = instanceOf(t, "order/a", 5), instanceOf(t, "order/b", 3)
	x := k.indexer(IndexerSettings{})
	block := []contract.Execution{{ID: "order/a", Run: "a", Ended: true}, {ID: "order/b", Run: "b"}, {ID: "order/c", Run: "gone", Ended: true}}
	out, err := indexed(t, x, block...)
	require.NoError(t, err)
	require.Equal(t, contract.IndexCount{Executions: 3, Gone: 1, Written: 10}, out.IndexCount)
	require.Equal(t, k.latest(t, "a", "b"), k.versions())
	require.Equal(t, []int{10}, k.writes, "one write for the block")
	require.Equal(t, map[string]int{"b-1": 10}, k.staged)

	before := k.read
	out, err = indexed(t, x, block...)
	require.NoError(t, err)
	require.Equal(t, contract.IndexCount{Executions: 3, Known: 4}, out.IndexCount, "again does no harm; what ended is not even read")
	require.Equal(t, before+6, k.read)
	require.Equal(t, k.latest(t, "a", "b"), k.versions())
}

// A history is read newest first, and no further back than what is known.
func TestBlockReadsWhatIsNotKnown(t *testing.T) {
	k := newKept()
	k.histories["a"] = instanceOf(t, "order/a", 400)
	x := k.indexer(IndexerSettings{})
	_, err := indexed(t, x, contract.Execution{ID: "order/a", Run: "a", Since: monday.Add(397 * time.Second).UnixMilli()})
	require.NoError(t, err)
	require.Equal(t, 20, k.read, "one short page")
	require.Equal(t, []string{"activities order/a.397", "activities order/a.398", "activities order/a.399", "activities order/a.400"},
		slices.Sorted(maps.Keys(k.documents)))

	_, err = indexed(t, x, contract.Execution{ID: "order/a", Run: "a", Since: monday.Add(300 * time.Second).UnixMilli()})
	require.NoError(t, err)
	require.LessOrEqual(t, k.read, 20+20+80+250)
	require.Len(t, k.documents, 101)
}

// A long history is written while it is read: what is in memory is bounded.
func TestBlockWritesPageByPage(t *testing.T) {
	k := newKept()
	k.histories["a"] = instanceOf(t, "order/a", 400)
	out, err := indexed(t, k.indexer(IndexerSettings{MaxBatch: 40}), contract.Execution{ID: "order/a", Run: "a"})
	require.NoError(t, err)
	require.Equal(t, k.latest(t, "a"), k.versions(), "of what is in two writes the newer stays")
	require.GreaterOrEqual(t, len(k.writes), 10)
	require.LessOrEqual(t, slices.Max(k.writes), 41)
	require.Positive(t, out.Known)
}

// What cannot be read of one history is a dead letter; the rest of it and the others are indexed.
func TestBlockBuriesWhatCannotBeRead(t *testing.T) {
	k := newKept()
	k.histories["a"], k.histories["b"] = instanceOf(t, "order/a", 3), instanceOf(t, "order/b", 3)
	want := k.latest(t, "a", "b")
	k.histories["b"] = slices.Insert(k.histories["b"], 4, markerAt(t, 99, monday.Add(time.Second), []byte("WBE1 no events")))
	k.histories["b"] = slices.Insert(k.histories["b"], 2, markerAt(t, 98, monday, []byte("of another side effect")))
	k.faults["c"], k.faults["d"] = serviceerror.NewDataLoss("corrupt"), serviceerror.NewInvalidArgument("Invalid RunId.")
	out, err := indexed(t, k.indexer(IndexerSettings{}), contract.Execution{ID: "order/a", Run: "a"}, contract.Execution{ID: "order/b", Run: "b"},
		contract.Execution{ID: "order/c", Run: "c"}, contract.Execution{ID: "order/d", Run: "d"})
	require.NoError(t, err)
	require.Equal(t, want, k.versions())
	require.Equal(t, contract.IndexCount{Executions: 4, Written: 8, Dead: 3}, out.IndexCount)
	slices.SortFunc(k.unread, func(a, b analytics.Unreadable) int { return cmp.Compare(a.Run, b.Run) })
	require.EqualValues(t, 99, k.unread[0].Event)
	require.Contains(t, k.unread[0].Reason, "decode events")
	require.Equal(t, []analytics.Unreadable{{Execution: "order/c", Run: "c", Reason: "corrupt"}, {Execution: "order/d", Run: "d", Reason: "Invalid RunId."}}, k.unread[1:])
}

// While a server is away the block fails, and is done whole when it is tried again.
func TestBlockFailsWhole(t *testing.T) {
	k := newKept()
	k.histories["a"], k.histories["b"] = instanceOf(t, "order/a", 3), instanceOf(t, "order/b", 3)
	x := k.indexer(IndexerSettings{})
	block := []contract.Execution{{ID: "order/a", Run: "a", Ended: true}, {ID: "order/b", Run: "b", Ended: true}}
	k.faults["b"] = serviceerror.NewUnavailable("restarting")
	_, err := indexed(t, x, block...)
	require.ErrorContains(t, err, `read the history of "order/b", run b: restarting`)
	k.faults, k.refuse = nil, errors.New("connection refused")
	_, err = indexed(t, x, block...)
	require.ErrorContains(t, err, "write 8 documents: connection refused")
	k.refuse = nil
	out, err := indexed(t, x, block...)
	require.NoError(t, err)
	require.EqualValues(t, 8, out.Written)
	require.Equal(t, k.latest(t, "a", "b"), k.versions())
}

// A write that fails takes seconds, while the readers wait for their turn: one is enough.
func TestBlockStopsAtTheFirstFailure(t *testing.T) {
	k := newKept()
	var block []contract.Execution
	for n := range 20 {
		run := strconv.Itoa(n)
		k.histories[run] = instanceOf(t, "order/"+run, 5)
		block = append(block, contract.Execution{ID: "order/" + run, Run: run, Ended: true})
	}
	k.refuse = errors.New("connection refused")
	_, err := indexed(t, k.indexer(IndexerSettings{MaxBatch: 2}), block...)
	require.ErrorContains(t, err, "connection refused")
	require.Equal(t, 1, k.refused)
}
