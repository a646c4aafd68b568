package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/events"
)

// ended are the documents of an event that has ended, or of one under way when it took nothing.
func ended(instance, key, tenant string, e events.Event, took time.Duration) []events.Document {
	e.Sequence, e.Status, e.Start = 2, events.Active, today.Add(-24*time.Hour)
	if e.Type.Kind() != events.KindProcess {
		e.Ref = "2"
	}
	e.Time = e.Start
	if took > 0 {
		milliseconds := took.Milliseconds()
		e.Status, e.End, e.Duration = events.Completed, e.Start.Add(took), &milliseconds
	}
	b := events.Batch{Process: events.Process{Instance: instance, Key: key, DefinitionVersion: 1, Tenant: tenant, Began: e.Start}, Events: []events.Event{e}}
	return b.Documents()
}

// More definitions than a page, and than a table has rows: all are counted, and what is not shown is said.
func TestMoreThanAPage(t *testing.T) {
	const n = 1203
	var documents []events.Document
	for i := range n {
		documents = append(documents, ended(fmt.Sprint("i/", i), fmt.Sprint("p", i), "", events.Event{Type: events.ProcessStarted}, 0)...)
	}
	r := indexed(t, documents)
	result := asked(t, r, "process-definition-overview", nil)
	require.Equal(t, []any{float64(n), float64(n), float64(n), 0.0, 0.0, 0.0}, figures(result.element(t, "general-table")))
	require.Len(t, result.element(t, "detail-table").Rows, maxRows)
	require.Equal(t, []string{"Process definition details: only 1000 of 1203 rows are shown."}, result.Notes)
	pie := result.element(t, "proc-inst-chart-title").Values
	require.Len(t, pie, maxSlices)
	require.Equal(t, "1184 others", pie[maxSlices-1].Key)
	require.InDelta(t, 1184, *pie[maxSlices-1].Y, 0)
	require.Equal(t, 1184, pie[maxSlices-1].Others)
	require.Zero(t, pie[0].Others)

	choices, err := r.Choices(t.Context(), Request{Report: "task-overview"}, ProcessParameter)
	require.NoError(t, err)
	require.Len(t, choices, maxChoices)
	require.Equal(t, Choice{ID: "p0:1", Name: "p0", Key: "p0", Version: 1}, choices[0])
}

// What takes as long as the limit is within it.
func TestTheLimitOfAServiceLevel(t *testing.T) {
	var documents []events.Document
	for i, took := range []time.Duration{time.Hour - time.Millisecond, time.Hour, time.Hour + time.Millisecond, 0} {
		documents = append(documents, ended(fmt.Sprint("i/", i), "order", "", events.Event{Type: events.TaskCompleted, Name: "Check"}, took)...)
	}
	r := indexed(t, documents)
	for completed, want := range map[string][]any{"true": {"Check", 3.0, 2.0, 1.0, 200.0 / 3}, "false": {"Check", 4.0, 2.0, 2.0, 50.0}} {
		result := asked(t, r, "task-sla", map[string]string{ProcessParameter: "order:1", DurationParameter: "1h", EndedParameter: completed})
		sameRows(t, [][]any{want}, result.element(t, "sla-tasks").Rows, completed)
	}
}

// A tenant sees its own, and what was never indexed is no report of zeros.
func TestTenants(t *testing.T) {
	var documents []events.Document
	for i, tenant := range []string{"", "acme", "acme", "Globex Inc"} {
		documents = append(documents, ended(fmt.Sprint("i/", i), "order", tenant, events.Event{Type: events.ProcessStarted}, time.Minute)...)
		documents = append(documents, ended(fmt.Sprint("i/", i), "order", tenant, events.Event{Type: events.TaskCreated, Name: "Check " + tenant}, 0)...)
		documents = append(documents, ended(fmt.Sprint("m/", i), "order", tenant, events.Event{Type: events.MailReceived, Mailbox: "m" + tenant}, 0)...)
		documents = append(documents, ended(fmt.Sprint("c/", i), "order", tenant, events.Event{Type: events.IntegrationResult, Implementation: "c." + strings.ToUpper(tenant)}, time.Second)...)
	}
	r := indexed(t, documents)
	for tenant, n := range map[string]float64{"": 1, "acme": 2, "Globex Inc": 1} {
		in := Request{Report: "process-instances-overview", Tenant: tenant}
		result, err := r.Report(t.Context(), in)
		require.NoError(t, err)
		require.Equal(t, []any{n, 0.0, n, 0.0, 0.0}, figures(result.element(t, "general-table")))
		for report, parameter := range map[string]string{"task-sla": TaskParameter, "mail": MailboxParameter, "connectors": ImplementationParameter} {
			choices, err := r.Choices(t.Context(), Request{Report: report, Tenant: tenant, Parameters: map[string]string{ProcessParameter: "order:1"}}, parameter)
			require.NoError(t, err)
			require.Len(t, choices, 1)
			require.Contains(t, strings.ToLower(choices[0].ID), strings.ToLower(tenant))
		}
	}
	_, err := r.Report(t.Context(), Request{Report: "mail", Tenant: "nobody"})
	require.ErrorIs(t, err, ErrNoIndex)
	require.ErrorContains(t, err, `no event of the tenant "nobody" was indexed`)
	_, err = r.Choices(t.Context(), Request{Report: "mail"}, StatusParameter)
	require.ErrorIs(t, err, ErrInvalid)
}
