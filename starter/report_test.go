package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	temporal "go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics/report"
)

// reportWorker answers reports as a worker does.
type reportWorker struct {
	fakeTemporal
	answer any // an error is returned as such
	queue  string
	asked  contract.ReportRequest
}

func (w *reportWorker) dial(context.Context, string, string) (temporal.Client, error) { return w, nil }

func (w *reportWorker) ExecuteActivity(_ context.Context, o temporal.StartActivityOptions, _ any, args ...any) (temporal.ActivityHandle, error) {
	w.queue, w.asked = o.TaskQueue, args[0].(contract.ReportRequest)
	return reportAnswer{answer: w.answer}, nil
}

type reportAnswer struct {
	temporal.ActivityHandle
	answer any
}

func (r reportAnswer) Get(_ context.Context, to any) error {
	if err, ok := r.answer.(error); ok {
		return err
	}
	inner, err := json.Marshal(r.answer)
	if err != nil {
		return err
	}
	text, err := json.Marshal(contract.ReportResult{Result: inner})
	if err != nil {
		return err
	}
	return json.Unmarshal(text, to)
}

func overview() report.Result {
	three := 3.0
	return report.Result{
		Report: "task-overview", Title: "Task overview", Parameters: map[string]string{"from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z"}, Notes: []string{"Something was\nleft off."},
		Elements: []report.Element{
			{ID: "stats", Type: report.Table, Title: "Statistics", ColumnNames: []string{"Task", "Average"}, ColumnTypes: []report.Unit{report.Text, report.Milliseconds}, Rows: [][]any{{"=Check", 7_380_000.0}, {"Pay\tit", nil}}},
			{ID: "pie", Type: report.PieChart, Title: "By assignee", Values: []report.Value{{Key: "ann", Y: &three}}},
			{ID: "none", Type: report.Table, Title: "Empty", ColumnNames: []string{"Task"}, ColumnTypes: []report.Unit{report.Text}},
		},
	}
}

func TestReport(t *testing.T) {
	refusal := func(kind, text string) error { return sdk.NewNonRetryableApplicationError(text, kind, nil) }
	all := map[string]string{"dateRange": "", "dateRangeInterval": "", "from": "", "processDefinitionId": "", "status": "", "timeZone": "", "to": ""}
	with := func(pairs ...string) map[string]string {
		given := map[string]string{}
		for id := range all {
			given[id] = ""
		}
		for i := 0; i < len(pairs); i += 2 {
			given[pairs[i]] = pairs[i+1]
		}
		return given
	}
	text := "Task overview, 2026-03-01T00:00:00Z to 2026-03-02T00:00:00Z\n\nStatistics\nTASK    AVERAGE\n=Check  2h3m\nPay it  -\n\nBy assignee\nNAME  VALUE\nann   3\n\nEmpty\nnothing\n\nnote: Something was left off.\n"
	for name, test := range map[string]struct {
		args   []string
		answer any
		asked  map[string]string // nil: nobody
		code   int
		out    string
		err    string
	}{
		"text":  {[]string{"task-overview", "--process", "order:2", "--status", "active"}, overview(), with("processDefinitionId", "order:2", "status", "active"), exitOK, text, ""},
		"table": {[]string{"task-overview", "--from", "2026-03-01", "--to", "2026-03-01", "--output", "table"}, overview(), with("from", "2026-03-01", "to", "2026-03-01"), exitOK, text, ""},
		"csv": {
			[]string{"task-overview", "--output", "csv", "--range", "yesterday", "--zone", "Europe/Berlin"}, overview(), with("dateRange", "yesterday", "timeZone", "Europe/Berlin"), exitOK,
			"Statistics\nTask,Average (ms)\n'=Check,7380000\nPay\tit,\n\nBy assignee\nName,Value\nann,3\n\nEmpty\nTask\n", "",
		},
		"element":      {[]string{"task-overview", "--output", "csv", "--element", "pie"}, overview(), with(), exitOK, "Name,Value\nann,3\n", ""},
		"no element":   {[]string{"task-overview", "--output", "csv", "--element", "cake"}, overview(), with(), exitUsage, "", `has no element "cake": it has stats, pie, none`},
		"missing":      {[]string{"task-sla", "--process", "order"}, nil, nil, exitUsage, "", "--duration is missing: the time that a task may take"},
		"wrong":        {[]string{"task-overview", "--interval", "hourly"}, nil, nil, exitUsage, "", `the parameter dateRangeInterval: "hourly": one of hour, day, week, month, year is expected`},
		"tenant":       {[]string{"task-overview", "--tenant", "a b"}, nil, nil, exitUsage, "", `--tenant "a b": 1 to 63 letters`},
		"output":       {[]string{"task-overview", "--output", "pdf"}, nil, nil, exitUsage, "", "--output pdf: text or table or json or csv or svg is expected"},
		"of others":    {[]string{"list", "--output", "csv"}, nil, nil, exitUsage, "", "--output csv: text or json is expected"},
		"useless":      {[]string{"task-overview", "--element", "pie"}, nil, nil, exitUsage, "", "--element goes with --output csv"},
		"model":        {[]string{"process-definition-heat-map", "--process", "order", "--model", "order.bpmn"}, nil, nil, exitUsage, "", "--model and --measure go with --output svg"},
		"measure":      {[]string{"process-definition-heat-map", "--process", "order", "--output", "svg", "--measure", "most"}, nil, nil, exitUsage, "", "--measure most: count or total or average is expected"},
		"unknown":      {[]string{"task-overwiew"}, nil, nil, exitUsage, "", `unknown command "task-overwiew" for "starter report"; did you mean "task-overview"?`},
		"nobody":       {[]string{"task-overview"}, sdk.NewTimeoutError(enums.TIMEOUT_TYPE_SCHEDULE_TO_START, nil), with(), exitUnreachable, "", "reports need a worker with the role indexer, and elastic-search.server.type=rest"},
		"no index":     {[]string{"task-overview"}, refusal(contract.ReportNoIndex, "no event was indexed"), with(), exitNotFound, "", "error: no event was indexed\nevents are indexed within the interval"},
		"no server":    {[]string{"task-overview"}, refusal(contract.ReportNoServer, "the type is file"), with(), exitUnreachable, "", "error: the type is file\n"},
		"slow":         {[]string{"task-overview"}, refusal(contract.ReportSlow, "too long"), with(), exitUnreachable, "", "error: too long\n"},
		"refused late": {[]string{"task-overview"}, refusal(contract.ReportInvalid, "an older worker"), with(), exitUsage, "", "error: an older worker\n"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &reportWorker{answer: test.answer}
			s := newShell(&w.fakeTemporal)
			s.dial = w.dial
			require.Equal(t, test.code, s.run(t.Context(), append([]string{"report"}, test.args...)...), s.err.String())
			require.Equal(t, test.out, s.out.String())
			require.Contains(t, s.err.String(), test.err)
			require.Equal(t, test.asked, w.asked.Parameters)
			if test.asked != nil {
				require.Equal(t, contract.ReportQueue, w.queue)
			}
		})
	}
}

func TestReportIsWrittenToAFile(t *testing.T) {
	w := &reportWorker{answer: overview()}
	s := newShell(&w.fakeTemporal)
	s.dial = w.dial
	file := filepath.Join(t.TempDir(), "report.svg")
	require.Equal(t, exitOK, s.run(t.Context(), "report", "task-overview", "--tenant", "acme", "--output", "svg", "--out", file), s.err.String())
	require.Equal(t, "wrote "+file+"\n", s.err.String())
	require.Empty(t, s.out.String())
	require.Equal(t, "acme", w.asked.Tenant)
	picture, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(picture), "<svg")
	require.Contains(t, string(picture), "By assignee")

	file = filepath.Join(t.TempDir(), "report.json")
	require.Equal(t, exitOK, s.run(t.Context(), "report", "task-overview", "-o", "json", "--out", file), s.err.String())
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var result report.Result
	require.NoError(t, json.Unmarshal(text, &result))
	require.Equal(t, overview(), result)
}

func TestReportList(t *testing.T) {
	s := newShell(&fakeTemporal{})
	require.Equal(t, exitOK, s.run(t.Context(), "report", "list"))
	require.Contains(t, s.out.String(), "connectors: How many calls each connector had")
	require.Contains(t, s.out.String(), "--process  processDefinitionId  (required)  one version, order:3")
	s = newShell(&fakeTemporal{})
	require.Equal(t, exitOK, s.run(t.Context(), "report", "list", "--output", "json"))
	var reports []report.Report
	require.NoError(t, json.Unmarshal(s.out.Bytes(), &reports))
	require.Len(t, reports, len(report.All()))
}

func TestReportCompletion(t *testing.T) {
	w := &reportWorker{answer: []report.Choice{{ID: "Check", Name: "Check"}}}
	for line, want := range map[string]string{
		"report task-overview --status":      "active\n",
		"report task-overview --output":      "csv\n",
		"report list --output":               "json\n",
		"report":                             "task-overview\t",
		"report task-sla --process p --task": "Check\tCheck\n",
	} {
		s := newShell(&w.fakeTemporal)
		s.dial = w.dial
		args := append([]string{"__complete"}, strings.Fields(line)...)
		require.Equal(t, exitOK, s.run(t.Context(), append(args, "")...))
		require.Contains(t, s.out.String(), want, line)
	}
	require.Equal(t, contract.ReportRequest{Report: "task-service-level-agreement", Choices: "taskName", Parameters: map[string]string{"processDefinitionId": "p"}}, w.asked)
}
