package e2e_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/events/marker"
)

// auditor compares the index with all histories of a namespace, each from its beginning to its end, whatever the indexer knows.
type auditor struct {
	t       *testing.T
	client  *client.Client
	store   *analytics.Store
	tenants []string
	// refused tells which documents the index never takes; nil: it takes all.
	refused func(*events.Document) bool

	ended map[string]account // by run: their histories change no more
}

// account is what a history tells.
type account struct {
	documents  []events.Document
	unreadable int // markers
}

// told are the latest documents of all things in all histories, by tenant, index and id.
type told struct {
	documents                      map[string]events.Document
	refused                        map[string]bool // by tenant and id
	events, executions, unreadable int
}

// read reads all histories.
func (a *auditor) read() (all told) {
	a.t.Helper()
	all.documents, all.refused = map[string]events.Document{}, map[string]bool{}
	if a.ended == nil {
		a.ended = map[string]account{}
	}
	var token []byte
	for {
		var page *workflowservice.ListWorkflowExecutionsResponse
		a.patiently(func() (err error) {
			page, err = a.client.Temporal.ListWorkflow(a.t.Context(), &workflowservice.ListWorkflowExecutionsRequest{PageSize: 200, NextPageToken: token})
			return err
		})
		for _, e := range page.GetExecutions() {
			run := e.GetExecution().GetRunId()
			one, known := a.ended[run]
			if !known {
				one = a.history(e.GetExecution().GetWorkflowId(), run)
				if e.GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
					a.ended[run] = one
				}
			}
			all.executions++
			all.unreadable += one.unreadable
			all.events += len(one.documents)
			for i := range one.documents {
				d := &one.documents[i]
				if a.refused != nil && a.refused(d) {
					all.refused[d.Tenant+" "+analytics.ID(d)] = true
					continue
				}
				key := d.Tenant + " " + d.Index() + " " + analytics.ID(d)
				if old, ok := all.documents[key]; !ok || old.Version() < d.Version() {
					all.documents[key] = *d
				}
			}
		}
		if token = page.GetNextPageToken(); len(token) == 0 {
			return all
		}
	}
}

func (a *auditor) history(id, run string) (one account) {
	a.t.Helper()
	var h *history.History
	a.patiently(func() (err error) {
		h, err = a.client.History(a.t.Context(), id, run)
		return err
	})
	for _, e := range h.GetEvents() {
		batch, ok, err := marker.Read(e, converter.GetDefaultDataConverter())
		if err != nil {
			one.unreadable++
		} else if ok {
			one.documents = append(one.documents, batch.Documents()...)
		}
	}
	return one
}

// patiently asks Temporal until it answers in time, on a machine that has much else to do.
func (a *auditor) patiently(ask func() error) {
	a.t.Helper()
	err := ask()
	for late := time.Now().Add(patience); err != nil && time.Now().Before(late); {
		err = ask()
	}
	require.NoError(a.t, err)
}

// differs tells in what the index is not what histories tell; "" when it is exactly that.
func (a *auditor) differs(want told) string {
	a.t.Helper()
	var wrong []string
	tell := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	seen := map[string]bool{}
	for _, tenant := range a.tenants {
		if err := a.store.Refresh(a.t.Context(), tenant, 0); err != nil {
			return err.Error()
		}
		for _, index := range events.Indexes() {
			counted, err := a.store.Count(a.t.Context(), analytics.Selection{Tenant: tenant, Index: index})
			if err != nil {
				return err.Error()
			}
			err = a.store.Each(a.t.Context(), analytics.Selection{Tenant: tenant, Index: index}, func(h analytics.Hit) error {
				counted--
				key := tenant + " " + index + " " + h.ID
				if seen[key] {
					tell("%s is there twice", key)
				}
				seen[key] = true
				d, known := want.documents[key]
				switch {
				case !known:
					tell("%s is in no history", key)
				case h.Version != d.Version():
					tell("%s has version %d, the histories %d", key, h.Version, d.Version())
				case !same(d, h.Source):
					tell("%s is %s in the index, and in the histories %+v", key, h.Source, d)
				}
				return nil
			})
			if err != nil {
				return err.Error()
			}
			if counted != 0 {
				tell("%s of %q is behind its count by %d", index, tenant, counted)
			}
		}
	}
	for key, d := range want.documents {
		if !seen[key] {
			tell("%s is missing: %s of %s", key, d.Type, d.Time.Format(time.RFC3339Nano))
		}
	}
	if len(wrong) == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d documents: %s", len(wrong), len(want.documents), strings.Join(wrong[:min(len(wrong), 5)], "; "))
}

// same tells whether the index holds a document as the histories tell it.
func same(d events.Document, source json.RawMessage) bool {
	text, err := json.Marshal(d)
	if err != nil {
		return false
	}
	var want, have any
	return json.Unmarshal(text, &want) == nil && json.Unmarshal(source, &have) == nil && reflect.DeepEqual(want, have)
}

// agree waits until the index is exactly what histories tell, which no longer change.
func (a *auditor) agree() told {
	a.t.Helper()
	var want told
	wrong := "nothing was compared"
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for late := time.After(3 * patience); ; {
		want = a.read()
		if wrong = a.differs(want); wrong == "" && len(want.documents) > 0 {
			if len(a.read().documents) == len(want.documents) {
				return want
			}
			wrong = "the histories grow"
		}
		select {
		case <-every.C:
		case <-late:
			status, err := a.client.IndexerStatus(a.t.Context())
			a.t.Fatalf("the index is not what %d executions tell: %s\n%+v %v", want.executions, wrong, status, err)
		}
	}
}
