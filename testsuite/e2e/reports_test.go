package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdk "go.temporal.io/sdk/worker"

	"github.com/waybill-io/waybill/activities"
	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics"
	"github.com/waybill-io/waybill/analytics/report"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/testsuite/elasticsearch"
)

// orderEvents are instances of a process with a task and a call of a connector in each, a week long, of which every fifth is under way.
func orderEvents(tenant string) []events.Document {
	var all []events.Document
	for i := range 40 {
		began := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC).Add(time.Duration(i*211) * time.Minute)
		took, done := time.Duration(i%7+1)*time.Hour, i%5 != 0
		b := events.Batch{Process: events.Process{Instance: fmt.Sprint("order/", i), Key: "order", DefinitionVersion: 1 + i%2, Name: "Order", Tenant: tenant, Began: began}}
		add := func(e events.Event, ended bool, took time.Duration) {
			e.Sequence, e.Status, e.Start, e.Time = int64(len(b.Events)+1), events.Active, began, began
			if len(b.Events) > 0 {
				e.Ref = fmt.Sprint(e.Sequence)
			}
			if ended {
				milliseconds := took.Milliseconds()
				e.Status, e.End, e.Time, e.Duration = events.Completed, began.Add(took), began.Add(took), &milliseconds
			}
			b.Events = append(b.Events, e)
		}
		add(events.Event{Type: events.ProcessEnded}, done, took)
		add(events.Event{Type: events.TaskCompleted, Name: []string{"Check", "Approve"}[i%2], Assignee: []string{"ann", "bob", ""}[i%3]}, done, took/2)
		add(events.Event{Type: events.ActivityCompleted, ActivityID: "check", ActivityName: "Check", ActivityType: "userTask"}, done, took/2)
		add(events.Event{Type: events.IntegrationResult, Implementation: "email.SEND", Attempts: 1 + i%3}, true, time.Duration(100+i)*time.Millisecond)
		all = append(all, b.Documents()...)
	}
	return all
}

// The command line asks for reports through Temporal, so that it needs nothing of Elasticsearch; what it cannot get it explains.
func TestReportsThroughTemporal(t *testing.T) {
	t.Parallel()
	i := installTemporal(t, options{})
	dir, err := programs()
	require.NoError(t, err)
	ask := func(args ...string) (code int, out, errOut string) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "starter"), append(append([]string{"report"}, args...), "--temporal-address", i.temporal.Address)...)
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		_ = cmd.Run() // the code says it
		t.Logf("starter report %v\n%s%s", args, &stdout, &stderr)
		return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
	}
	code, _, told := ask("mail")
	require.Equal(t, 4, code)
	require.Contains(t, told, "a worker with the role indexer, and elastic-search.server.type=rest")

	server := elasticsearch.Start(t, elasticsearch.Options{})
	store, err := analytics.Open(analytics.Config{Addresses: []string{server.URL}, SocketTimeout: time.Minute})
	require.NoError(t, err)
	t.Cleanup(store.Close)
	for _, tenant := range []string{"", "acme"} {
		_, err = store.Write(t.Context(), orderEvents(tenant))
		require.NoError(t, err)
		require.NoError(t, store.Refresh(t.Context(), tenant, 0))
	}
	w := sdk.New(i.client.Temporal, contract.ReportQueue, sdk.Options{DisableWorkflowWorker: true})
	activities.RegisterReports(w, activities.NewReports(store))
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)

	november := []string{"--from", "2026-11-01", "--to", "2026-11-30", "--tenant", "acme"}
	for _, r := range report.All() {
		args := append([]string{r.Name}, november...)
		for _, p := range r.Parameters {
			if p.Required {
				args = append(args, "--"+p.Flag, map[string]string{report.ProcessParameter: "order", report.DurationParameter: "90m"}[p.ID])
			}
		}
		code, out, told := ask(append(args, "--output", "table")...)
		require.Equal(t, 0, code, told)
		require.Contains(t, out, r.Title)
		code, out, told = ask(append(args, "--output", "json")...)
		require.Equal(t, 0, code, told)
		var result report.Result
		require.NoError(t, json.Unmarshal([]byte(out), &result))
		require.NotEmpty(t, result.Elements)
	}
	code, out, _ := ask(append([]string{"process-definition-overview", "--output", "csv", "--element", "detail-table"}, november...)...)
	require.Equal(t, 0, code)
	require.Equal(t, "Process definition,Total,Active,Completed,Cancelled,Failed,Key,Versions\nOrder,40,8,32,0,0,order,2\n", out)

	code, out, told = ask(append([]string{"process-definition-heat-map", "--process", "order", "--output", "svg", "--measure", "average", "--model", "../../examples/support-desk/processes/support-desk.bpmn"}, november...)...)
	require.Equal(t, 0, code, told)
	require.Contains(t, out, "<svg")
	code, _, told = ask("mail", "--tenant", "nobody")
	require.Equal(t, 3, code)
	require.Contains(t, told, `no event of the tenant "nobody" was indexed`)

	server.Kill()
	code, _, told = ask("mail")
	require.Equal(t, 4, code)
	require.Contains(t, told, "the index cannot be searched")
}
