package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics/report"
)

// A page of the original lists reports, reads what one can be asked, fills the form in and draws the charts.
func TestReportingAsBefore(t *testing.T) {
	w := &reportWorker{answer: someResult()}
	got := w.call(t, "GET", "/app/rest/reporting/reports", "")
	require.Equal(t, http.StatusOK, got.Code, got.Body.String())
	var names []reportName
	require.NoError(t, json.Unmarshal(got.Body.Bytes(), &names))
	require.Equal(t, []reportName{
		{1, "Process definition heat map"}, {2, "Process definition overview"}, {3, "Process instances overview"}, {4, "Task overview"}, {5, "Task service level agreement"},
	}, names[:5])

	got = w.call(t, "GET", "/app/rest/reporting/report-params/3", "")
	require.Equal(t, http.StatusOK, got.Code, got.Body.String())
	var d reportDefinition
	require.NoError(t, json.Unmarshal(got.Body.Bytes(), &d))
	require.Equal(t, "Process instances overview", d.Name)
	require.JSONEq(t, `{"parameters":[
		{"id":"processDefinitionId","name":null,"nameKey":"REPORTING.DEFAULT-REPORTS.PROCESS-DEFINITION","type":"processDefinition","value":null,"dependsOn":null},
		{"id":"dateRange","name":null,"nameKey":"REPORTING.DEFAULT-REPORTS.DATE-RANGE","type":"dateRange","value":"last7Days","dependsOn":null},
		{"id":"slowProcessInstanceInteger","name":null,"nameKey":"REPORTING.DEFAULT-REPORTS.PROCESS-INSTANCES-OVERVIEW.SLOW-PROC-INST-NUMBER","type":"integer","value":10,"dependsOn":null},
		{"id":"status","name":null,"nameKey":"REPORTING.PROCESS-STATUS","type":"status","value":"all","dependsOn":null}]}`, d.Definition)

	const form = `{"reportName":"Task overview","processDefinitionId":"order:2","status":"Complete","dateRangeInterval":"byWeek","taskName":null,"typeFiltering":false,"slowProcessInstanceInteger":0,"duration":0,
		"dateRange":{"startDate":"2026-03-01T00:00:00.000Z","endDate":"2026-03-31T00:00:00.000Z","rangeId":"custom"}}`
	asked := contract.ReportRequest{Report: "task-overview", Tenant: "acme", Parameters: map[string]string{
		"processDefinitionId": "order:2", "status": "Complete", "dateRangeInterval": "byWeek", "from": "2026-03-01", "to": "2026-03-31",
	}}
	got = w.call(t, "POST", "/app/rest/reporting/report-params/4?tenantId=acme", form)
	require.Equal(t, http.StatusOK, got.Code, got.Body.String())
	require.Equal(t, asked, w.asked)
	require.JSONEq(t, `{"elements":[
		{"id":"tasks","type":"masterDetailTable","title":"Tasks","titleKey":"","columnNames":["Task","Average"],"columnTypes":["string","milliseconds"],"rows":[["=Check","1m30s"],["Pay",""]],
			"detailTables":[{"id":"d","type":"table","title":"","titleKey":"","columnNames":["Count"],"columnTypes":["count"],"rows":[["3"]]}]},
		{"id":"pie","type":"pieChart","title":"By assignee","titleKey":"","values":[{"key":"<ann>","y":2}]}]}`, got.Body.String())

	got = w.call(t, "GET", "/app/rest/reporting/report-params/2?dateRange=today&status=Active", "")
	require.Equal(t, http.StatusOK, got.Code, got.Body.String())
	require.Equal(t, contract.ReportRequest{Report: "process-definition-overview", Parameters: map[string]string{"dateRange": "today", "status": "Active"}}, w.asked)

	got = w.call(t, "POST", "/app/rest/reporting/reports/4/export-to-csv?tenantId=acme", form)
	require.Equal(t, http.StatusOK, got.Code, got.Body.String())
	require.Equal(t, asked, w.asked)
	require.Equal(t, "text/csv; charset=utf-8", got.Header().Get("Content-Type"))
	require.Contains(t, got.Body.String(), "'=Check,90000")

	w.answer = []report.Choice{{ID: "Check", Name: "Check"}}
	got = w.call(t, "GET", "/app/rest/reporting/report-params/5/tasks?processDefinitionId=order:2", "")
	require.JSONEq(t, `["Check"]`, got.Body.String())
	require.Equal(t, "order:2", w.asked.Parameters["processDefinitionId"])
	w.answer = []report.Choice{{ID: "order:2", Name: "Order", Key: "order", Version: 2}}
	got = w.call(t, "GET", "/app/rest/reporting/process-definitions?tenantId=acme", "")
	require.JSONEq(t, `[{"id":"order:2","name":"Order","description":null,"key":"order","category":null,"version":2,"deploymentId":null,"tenantId":"acme","metaDataValues":[],"hasStartForm":false}]`, got.Body.String())

	for path, want := range map[string]int{"report-params/99": 404, "report-params/x": 404, "report-params/1?status=active": 400} {
		require.Equal(t, want, w.call(t, "GET", "/app/rest/reporting/"+path, "").Code, path)
	}
}

// Reports take spellings of numbers and truths that JSON does not have.
func TestTyped(t *testing.T) {
	for value, want := range map[string]any{"5": 5, "+5": 5, "007": 7, "x": "x"} {
		require.Equal(t, want, typed(report.IntegerType, value))
	}
	for value, want := range map[string]any{"T": true, "0": false, "true": true, "x": "x"} {
		require.Equal(t, want, typed(report.BooleanType, value))
	}
	require.Equal(t, "007", typed(report.TaskType, "007"))
}

// What a user saves is the user's own.
func TestSavedReports(t *testing.T) {
	gate := gateOf(t, line("ann", "wb_ann")+line("bob", "wb_bob"))
	w := &reportWorker{answer: someResult()}
	call := func(user, method, path, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, "https://waybill.example.com/app/rest/reporting/"+path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer wb_"+user)
		return w.serve(t, gate, r)
	}
	names := func(user string) []reportName {
		var all []reportName
		require.NoError(t, json.Unmarshal(call(user, "GET", "reports", "").Body.Bytes(), &all))
		return all
	}
	ordinary := len(report.All())
	require.Len(t, names("ann"), ordinary)

	got := call("ann", "POST", "reports/4", `{"reportName":"Weekly","processDefinitionId":"order:2","status":"active","duration":0}`)
	require.Equal(t, http.StatusOK, got.Code, got.Body.String())
	var weekly reportName
	require.NoError(t, json.Unmarshal(got.Body.Bytes(), &weekly))
	require.Equal(t, "Weekly", weekly.Name)
	require.Equal(t, weekly, names("ann")[ordinary])
	require.Len(t, names("bob"), ordinary)
	path := fmt.Sprintf("report-params/%d", weekly.ID)
	require.Equal(t, http.StatusNotFound, call("bob", "GET", path, "").Code)

	var d reportDefinition
	require.NoError(t, json.Unmarshal(call("ann", "GET", path, "").Body.Bytes(), &d))
	require.Contains(t, d.Definition, `"value":"order:2"`)
	require.NotNil(t, d.Created)
	require.Equal(t, http.StatusOK, call("ann", "POST", path, `{"status":"completed"}`).Code)
	require.Equal(t, map[string]string{"processDefinitionId": "order:2", "status": "completed"}, w.asked.Parameters)

	require.Equal(t, http.StatusOK, call("ann", "PUT", fmt.Sprintf("reports/%d", weekly.ID), `{"name":"Every week"}`).Code)
	require.Equal(t, http.StatusOK, call("ann", "PUT", "reports/1", `{"name":"Where it is hot"}`).Code)
	require.Equal(t, http.StatusOK, call("ann", "DELETE", "reports/2", "").Code)
	all := names("ann")
	require.Len(t, all, ordinary)
	require.Equal(t, reportName{1, "Where it is hot"}, all[0])
	require.Equal(t, 3, all[1].ID)
	require.Equal(t, reportName{weekly.ID, "Every week"}, all[ordinary-1])

	require.Equal(t, http.StatusOK, call("ann", "POST", "default-reports", "").Code)
	require.Equal(t, reportName{1, "Process definition heat map"}, names("ann")[0])
	require.Len(t, names("ann"), ordinary+1)
	require.Equal(t, http.StatusNoContent, call("ann", "DELETE", fmt.Sprintf("reports/%d", weekly.ID), "").Code)
	require.Len(t, names("ann"), ordinary)
	require.Equal(t, http.StatusOK, call("bob", "PUT", "reports/1", `{"name":"Bob's"}`).Code)
	require.Equal(t, http.StatusOK, call("ann", "PUT", "reports/1", `{"name":"Ann's"}`).Code)
	require.Equal(t, http.StatusOK, call("ann", "DELETE", "reports", "").Code)
	require.Equal(t, "Process definition heat map", names("ann")[0].Name)
	require.Equal(t, "Bob's", names("bob")[0].Name)

	for body, want := range map[string]string{
		`{}`: "name is missing",
		`{"name":"` + strings.Repeat("x", 201) + `"}`: "at most 200 bytes",
		`{"name":"x","status":"done"}`:                "one of all, active",
	} {
		got := call("ann", "POST", "reports/4", body)
		require.Equal(t, http.StatusBadRequest, got.Code)
		require.Contains(t, got.Body.String(), want)
	}
	for i := range maxSaved {
		require.Equal(t, http.StatusOK, call("ann", "POST", "reports/4", fmt.Sprintf(`{"name":"n%d"}`, i)).Code)
	}
	got = call("ann", "POST", "reports/4", `{"name":"one more"}`)
	require.Equal(t, http.StatusBadRequest, got.Code)
	require.Contains(t, got.Body.String(), "100 reports are saved, which is the most")
}
