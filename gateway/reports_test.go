package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics/report"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/gateway/access"
)

// reportWorker is a worker that answers reports, and a registry of saved ones.
type reportWorker struct {
	temporal.Client
	answer  any // an error is returned as such
	asked   contract.ReportRequest
	entries map[string]json.RawMessage
}

func (w *reportWorker) ExecuteActivity(_ context.Context, _ temporal.StartActivityOptions, _ any, args ...any) (temporal.ActivityHandle, error) {
	w.asked = args[0].(contract.ReportRequest)
	if err, ok := w.answer.(error); ok {
		return mailAnswer{answer: err}, nil
	}
	inner, err := json.Marshal(w.answer)
	return mailAnswer{answer: contract.ReportResult{Result: inner}}, err
}

func (w *reportWorker) QueryWorkflow(context.Context, string, string, string, ...any) (converter.EncodedValue, error) {
	if w.entries == nil {
		return nil, serviceerror.NewNotFound("no registry")
	}
	var all []contract.RegistryEntry
	for _, id := range slices.Sorted(maps.Keys(w.entries)) {
		all = append(all, contract.RegistryEntry{ID: id, Value: w.entries[id]})
	}
	p, err := converter.GetDefaultDataConverter().ToPayloads(all)
	return temporal.NewValue(p), err
}

func (w *reportWorker) NewWithStartWorkflowOperation(temporal.StartWorkflowOptions, any, ...any) temporal.WithStartWorkflowOperation {
	return nil
}

func (w *reportWorker) UpdateWithStartWorkflow(_ context.Context, o temporal.UpdateWithStartWorkflowOptions) (temporal.WorkflowUpdateHandle, error) {
	if w.entries == nil {
		w.entries = map[string]json.RawMessage{}
	}
	e := o.UpdateOptions.Args[0].(contract.RegistryEntry)
	w.entries[e.ID] = e.Value
	return done{}, nil
}

func (w *reportWorker) UpdateWorkflow(_ context.Context, o temporal.UpdateWorkflowOptions) (temporal.WorkflowUpdateHandle, error) {
	delete(w.entries, o.Args[0].(string))
	return done{}, nil
}

type done struct{ temporal.WorkflowUpdateHandle }

func (done) Get(context.Context, any) error { return nil }

func (w *reportWorker) serve(t *testing.T, gate *access.Gate, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	recorder := httptest.NewRecorder()
	mux := http.NewServeMux()
	for pattern, handler := range routes(Options{Client: client.New(w), Access: gate}) {
		mux.Handle(pattern, handler)
	}
	mux.ServeHTTP(recorder, r)
	return recorder
}

// call asks from this machine. Headers are "Name: value".
func (w *reportWorker) call(t *testing.T, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://127.0.0.1"+path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:1"
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	return w.serve(t, nil, r)
}

func someResult() report.Result {
	two := 2.0
	return report.Result{Report: "task-overview", Title: "Task overview", Parameters: map[string]string{}, Elements: []report.Element{
		{ID: "tasks", Type: report.MasterDetailTable, Title: "Tasks", ColumnNames: []string{"Task", "Average"}, ColumnTypes: []report.Unit{report.Text, report.Milliseconds}, Rows: [][]any{{"=Check", 90_000.0}, {"Pay", nil}},
			DetailTables: []report.Element{{ID: "d", Type: report.Table, ColumnNames: []string{"Count"}, ColumnTypes: []report.Unit{report.Count}, Rows: [][]any{{3.0}}}}},
		{ID: "pie", Type: report.PieChart, Title: "By assignee", Values: []report.Value{{Key: "<ann>", Y: &two}}},
	}}
}

func TestReportsAreListed(t *testing.T) {
	got := (&reportWorker{}).call(t, "GET", "/api/reports", "")
	require.Equal(t, http.StatusOK, got.Code)
	var reports []report.Report
	require.NoError(t, json.Unmarshal(got.Body.Bytes(), &reports))
	require.Len(t, reports, len(report.All()))
	require.Equal(t, "processDefinitionId", reports[0].Parameters[0].ID)
}

func TestReport(t *testing.T) {
	refusal := func(kind string) error { return sdk.NewNonRetryableApplicationError("so it is", kind, nil) }
	w := func(answer any) *reportWorker { return &reportWorker{answer: answer} }
	good := w(someResult())
	for name, test := range map[string]struct {
		worker                     *reportWorker
		method, path, body, accept string
		code                       int
		media, want                string
		asked                      map[string]string
	}{
		"json":        {good, "GET", "/task-overview?processDefinitionId=order:2&from=2026-03-01&tenant=acme", "", "", 200, "application/json", `"rows":[["=Check",90000],["Pay",null]]`, map[string]string{"processDefinitionId": "order:2", "from": "2026-03-01"}},
		"csv":         {good, "GET", "/task-overview?format=csv&element=tasks", "", "image/svg+xml", 200, "text/csv; charset=utf-8", "Task,Average (ms)\n'=Check,90000\nPay,\n", map[string]string{}},
		"svg":         {good, "GET", "/task-overview", "", "text/html, image/svg+xml;q=0.9, */*;q=0.1", 200, "image/svg+xml", "&lt;ann&gt;", map[string]string{}},
		"accept any":  {good, "GET", "/task-overview", "", "text/html,*/*;q=0.8", 200, "application/json", `"elements"`, map[string]string{}},
		"accept text": {good, "GET", "/task-overview", "", "text/*", 200, "text/csv; charset=utf-8", "'=Check", map[string]string{}},
		"accept none": {good, "GET", "/task-overview", "", "text/html, application/json;q=0", 406, "application/problem+json", "application/json, text/csv or image/svg+xml", nil},
		"post": {
			good, "POST", "/task-sla", `{"processDefinitionId":"order","duration":90,"typeFiltering":false,"taskName":null,"dateRange":{"startDate":"2026-03-01T00:00:00.000Z","endDate":"2026-03-02T00:00:00.000Z","rangeId":null}}`, "",
			200, "application/json", `"elements"`, map[string]string{"processDefinitionId": "order", "duration": "90", "typeFiltering": "false", "from": "2026-03-01", "to": "2026-03-02"},
		},
		"empty post": {good, "POST", "/task-overview", "", "", 200, "application/json", `"elements"`, map[string]string{}},
		"unknown":    {good, "GET", "/weather", "", "", 404, "application/problem+json", `there is no report \"weather\": one of process-definition-heat-map`, nil},
		"missing":    {good, "GET", "/process-definition-heat-map", "", "", 400, "application/problem+json", "the parameter processDefinitionId is missing", nil},
		"parameter":  {good, "GET", "/mail?colour=red", "", "", 400, "application/problem+json", "has no parameter colour", nil},
		"tenant":     {good, "GET", "/mail?tenant=a.b", "", "", 400, "application/problem+json", "the tenant: 1 to 63 letters", nil},
		"format":     {good, "GET", "/mail?format=pdf", "", "", 400, "application/problem+json", "json, csv or svg is expected", nil},
		"measure":    {good, "GET", "/mail?format=svg&measure=most", "", "", 400, "application/problem+json", "count, total or average is expected", map[string]string{}},
		"element":    {good, "GET", "/mail?format=csv&element=cake", "", "", 400, "application/problem+json", `has no element \"cake\"`, map[string]string{}},
		"no json":    {good, "POST", "/mail", "{", "", 400, "application/problem+json", "the body is not the JSON that is expected", nil},
		"an object":  {good, "POST", "/mail", `{"mailbox":{"a":1}}`, "", 400, "application/problem+json", "mailbox: a text, a number, true or false is expected", nil},
		"large":      {good, "POST", "/mail", `{"model":"` + strings.Repeat("x", maxQuestion) + `"}`, "", 413, "application/problem+json", "too large", nil},
		"nobody":     {w(sdk.NewTimeoutError(enums.TIMEOUT_TYPE_SCHEDULE_TO_START, nil)), "GET", "/mail", "", "", 503, "application/problem+json", "a worker with the role indexer", map[string]string{}},
		"down":       {w(refusal(contract.ReportUnavailable)), "GET", "/mail", "", "", 503, "application/problem+json", "so it is", map[string]string{}},
		"no server":  {w(refusal(contract.ReportNoServer)), "GET", "/mail", "", "", 503, "application/problem+json", "so it is", map[string]string{}},
		"temporal":   {w(errors.New("no connection")), "GET", "/mail", "", "", 503, "application/problem+json", "no connection", map[string]string{}},
		"slow":       {w(refusal(contract.ReportSlow)), "GET", "/mail", "", "", 504, "application/problem+json", "so it is", map[string]string{}},
		"no index":   {w(refusal(contract.ReportNoIndex)), "GET", "/mail", "", "", 404, "application/problem+json", "so it is", map[string]string{}},
		"invalid":    {w(refusal(contract.ReportInvalid)), "GET", "/mail", "", "", 400, "application/problem+json", "so it is", map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			test.worker.asked = contract.ReportRequest{}
			var headers []string
			if test.accept != "" {
				headers = append(headers, "Accept: "+test.accept)
			}
			got := test.worker.call(t, test.method, "/api/reports"+test.path, test.body, headers...)
			require.Equal(t, test.code, got.Code, got.Body.String())
			require.Equal(t, test.media, got.Header().Get("Content-Type"))
			require.Contains(t, got.Body.String(), test.want)
			require.Equal(t, test.asked, test.worker.asked.Parameters)
			require.Equal(t, test.code == 503, got.Header().Get("Retry-After") != "")
		})
	}
}

func TestReportsNeedAToken(t *testing.T) {
	gate := gateOf(t, line("crm", "wb_one"))
	w := &reportWorker{answer: someResult()}
	for pattern := range reportRoutes(Options{}) {
		method, path, _ := strings.Cut(pattern, " ")
		r := httptest.NewRequestWithContext(t.Context(), method, "http://127.0.0.1"+path, nil)
		r.RemoteAddr = "127.0.0.1:1"
		require.Equal(t, http.StatusUnauthorized, w.serve(t, gate, r).Code, pattern)
	}
}

func TestChoices(t *testing.T) {
	w := &reportWorker{answer: []report.Choice{{ID: "Check", Name: "Check"}}}
	got := w.call(t, "GET", "/api/reports/task-sla/choices/taskName?processDefinitionId=order:1&tenant=acme", "")
	require.Equal(t, http.StatusOK, got.Code)
	require.JSONEq(t, `[{"id":"Check","name":"Check"}]`, got.Body.String())
	require.Equal(t, contract.ReportRequest{Report: "task-service-level-agreement", Tenant: "acme", Choices: "taskName", Parameters: map[string]string{"processDefinitionId": "order:1"}}, w.asked)
	w.answer = nil
	require.JSONEq(t, `[]`, w.call(t, "GET", "/api/reports/task-sla/choices/taskName", "").Body.String())
}

// The document has the parameters that the reports have.
func TestDocumentHasTheParametersOfReports(t *testing.T) {
	ids := map[string]bool{"tenant": true, "element": true, "measure": true}
	for _, r := range report.All() {
		for _, p := range r.Parameters {
			ids[p.ID] = true
		}
	}
	var document struct {
		Paths map[string]struct {
			Get struct {
				Parameters []struct {
					Name string `json:"name"`
				} `json:"parameters"`
			} `json:"get"`
			Post struct {
				Body struct {
					Content map[string]struct {
						Schema struct {
							Properties map[string]any `json:"properties"`
						} `json:"schema"`
					} `json:"content"`
				} `json:"requestBody"`
			} `json:"post"`
		} `json:"paths"`
	}
	require.NoError(t, json.Unmarshal(openAPI, &document))
	path := document.Paths["/api/reports/{name}"]
	var query []string
	for _, p := range path.Get.Parameters {
		query = append(query, p.Name)
	}
	ids["format"] = true
	require.ElementsMatch(t, slices.Collect(maps.Keys(ids)), query)
	delete(ids, "format")
	ids["model"] = true
	require.ElementsMatch(t, slices.Collect(maps.Keys(ids)), slices.Collect(maps.Keys(path.Post.Body.Content["application/json"].Schema.Properties)))
}
