package e2e_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	temporal "go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/events"
)

// allLetters asks for all dead letters.
var allLetters = contract.IndexLettersQuery{Limit: 500}

const poisonQueue = "poison"

// poisoned is a workflow whose history holds a good event, one that the index does not take, and a marker that nobody can read.
func poisoned(ctx workflow.Context) error {
	began := workflow.GetInfo(ctx).WorkflowStartTime.UTC()
	p := events.Process{Instance: workflow.GetInfo(ctx).WorkflowExecution.ID, Key: "poison", Began: began}
	good := events.Event{Sequence: 1, Type: events.ProcessStarted, Time: began, Start: began, Status: events.Active}
	odd := events.Event{Sequence: 2, Type: events.VariableCreated, Time: began, Ref: "odd", Name: "odd", Value: "odd"}
	// Without an end of its own the indexer would make one.
	end := events.Event{Sequence: 3, Type: events.ProcessEnded, Time: began, Start: began, End: began, Status: events.Completed}
	packed, err := events.Encode(events.Batch{Process: p, Events: []events.Event{good, odd, end}})
	if err != nil {
		return err
	}
	for _, data := range [][]byte{packed, append(packed[:len(packed)/2:len(packed)/2], "rotten"...)} {
		var read []byte
		if err := workflow.SideEffect(ctx, func(workflow.Context) any { return data }).Get(&read); err != nil {
			return err
		}
	}
	return nil
}

// poison has documents refused for what they are: those and no others become dead letters, and stop nothing. What the server takes after all is
// tried again.
func (f *faulty) poison() {
	f.t.Helper()
	w := sdkworker.New(f.client.Temporal, poisonQueue, sdkworker.Options{})
	w.RegisterWorkflowWithOptions(poisoned, workflow.RegisterOptions{Name: "poisoned"})
	require.NoError(f.t, w.Start())
	f.t.Cleanup(w.Stop)

	// Of what is begun from now on: documents that are there already are none of the dead.
	refuse, never := func(id string) bool {
		return strings.Contains(id, "/poison-") && strings.HasSuffix(id, ".customer") || odd(id)
	}, odd
	f.during("poison", func() {
		f.auditor.refused = func(d *events.Document) bool { return refuse(d.ID()) }
		f.storm.refuse.Store(&refuse)
		for _, id := range []string{"poison/1", "poison/2"} {
			run, err := f.client.Temporal.ExecuteWorkflow(f.t.Context(), temporal.StartWorkflowOptions{
				ID: id, TaskQueue: poisonQueue, TypedSearchAttributes: sdk.NewSearchAttributes(sdk.NewSearchAttributeKeyKeyword(contract.InstanceAttribute).ValueSet(id)),
			}, "poisoned")
			require.NoError(f.t, err)
			require.NoError(f.t, run.Get(f.t.Context(), nil))
		}
		begun := time.Now()
		f.passes()
		f.t.Logf("a pass over poison took less than %s", time.Since(begun).Round(100*time.Millisecond))
	})
	f.buried()

	// What the server takes by now is indexed; what it never takes stays.
	f.storm.refuse.Store(&never)
	f.auditor.refused = func(d *events.Document) bool { return odd(d.ID()) }
	var ids []string
	for _, l := range f.letters() {
		if !l.Final {
			ids = append(ids, l.ID)
		}
	}
	retried, err := f.client.RetryIndexLetters(f.t.Context(), ids)
	require.NoError(f.t, err)
	require.EqualValues(f.t, 2, retried.Dead)
	all := f.auditor.agree()
	f.buried()
	f.t.Logf("%d dead letters were tried again, %d of them are documents now; all %d documents are what the histories tell", len(ids), retried.Written+retried.Known, len(all.documents))
}

// odd are the ids of documents that are never taken.
func odd(id string) bool { return strings.HasSuffix(id, ".odd") }

// letters are all dead letters.
func (f *faulty) letters() (all []contract.IndexLetter) {
	f.t.Helper()
	for q := allLetters; ; {
		page, err := f.client.IndexLetters(f.t.Context(), q)
		require.NoError(f.t, err)
		all = append(all, page.Letters...)
		if q.After = page.Next; q.After == "" {
			return all
		}
	}
}

// buried waits until the dead letters are exactly what was refused, and what cannot be read.
func (f *faulty) buried() {
	f.t.Helper()
	want := f.auditor.read()
	wrong := ""
	f.eventually(func() string { return wrong }, func() bool {
		refused, unreadable := map[string]bool{}, 0
		for _, l := range f.letters() {
			if l.Final {
				unreadable++
				continue
			}
			refused[l.Tenant+" "+l.DocumentID] = true
		}
		wrong = fmt.Sprintf("%d documents are dead letters and %d markers, and should be %d and %d", len(refused), unreadable, len(want.refused), want.unreadable)
		if len(refused) != len(want.refused) || unreadable != want.unreadable {
			return false
		}
		for key := range want.refused {
			if !refused[key] {
				wrong = key + " is no dead letter"
				return false
			}
		}
		return true
	})
}
