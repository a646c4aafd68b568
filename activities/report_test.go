package activities

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics/report"
)

// searched is an index that answers every search alike.
type searched struct {
	answer string
	err    error
	tenant string
}

func (s *searched) Search(_ context.Context, tenant, _ string, _, answer any) error {
	s.tenant = tenant
	if s.err != nil {
		return s.err
	}
	return json.Unmarshal([]byte(s.answer), answer)
}

const page = `{"_shards":{"total":1},"aggregations":{"groups":{"buckets":[
	{"key":{"processDefinitionKey":"order","processDefinitionVersion":2,"processDefinitionName":"Order","status":"active"},"doc_count":3}]}}}`

func TestReport(t *testing.T) {
	for name, test := range map[string]struct {
		in   contract.ReportRequest
		over searched
		want string // in the answer
		kind string // of the error
		err  string
	}{
		"answered": {contract.ReportRequest{Report: "process-definition-overview", Tenant: "acme"}, searched{answer: page}, `"rows":[["Order",3,3,0,0,0,"order",1]]`, "", ""},
		"choices":  {contract.ReportRequest{Report: "task-overview", Choices: "processDefinitionId"}, searched{answer: page}, `[{"id":"order:2","name":"Order","key":"order","version":2}]`, "", ""},
		"unknown":  {contract.ReportRequest{Report: "weather"}, searched{}, "", contract.ReportUnknown, `there is no report "weather": one of process-definition-heat-map,`},
		"invalid":  {contract.ReportRequest{Report: "mail", Parameters: map[string]string{"status": "done"}}, searched{}, "", contract.ReportInvalid, "the report mail has no parameter status"},
		"tenant":   {contract.ReportRequest{Report: "mail", Tenant: "a b"}, searched{}, "", contract.ReportInvalid, `the tenant "a b"`},
		"no index": {contract.ReportRequest{Report: "mail", Tenant: "acme"}, searched{answer: `{"_shards":{"total":0}}`}, "", contract.ReportNoIndex, `no event of the tenant "acme" was indexed`},
		"slow":     {contract.ReportRequest{Report: "mail"}, searched{answer: `{"timed_out":true,"_shards":{"total":1}}`}, "", contract.ReportSlow, "a shorter range or one process is quicker"},
		"in part":  {contract.ReportRequest{Report: "mail"}, searched{answer: `{"_shards":{"total":2,"failed":1}}`}, "", contract.ReportUnavailable, "1 parts of the index activities did not answer"},
		"down":     {contract.ReportRequest{Report: "mail"}, searched{err: errors.New("connection refused")}, "", contract.ReportUnavailable, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			var suite testsuite.WorkflowTestSuite
			environment := suite.NewTestActivityEnvironment()
			RegisterReports(environment, NewReports(&test.over))
			value, err := environment.ExecuteActivity(contract.ReportActivity, test.in)
			if test.kind != "" {
				refusal, ok := errors.AsType[*temporal.ApplicationError](err)
				require.True(t, ok, "%v", err)
				require.Equal(t, test.kind, refusal.Type())
				require.True(t, refusal.NonRetryable())
				require.Contains(t, refusal.Message(), test.err)
				return
			}
			require.NoError(t, err)
			var out contract.ReportResult
			require.NoError(t, value.Get(&out))
			require.Contains(t, string(out.Result), test.want)
			require.Equal(t, test.in.Tenant, test.over.tenant)
		})
	}
}

// What there is too much of is cut, and the answer says so.
func TestReportIsBounded(t *testing.T) {
	var groups strings.Builder
	for i := range 999 {
		if i > 0 {
			groups.WriteByte(',')
		}
		key, err := json.Marshal(map[string]any{"processDefinitionKey": strings.Repeat("k", 2000) + string(rune('a'+i%26)) + strings.Repeat("x", i), "processDefinitionVersion": 1, "status": "active"})
		require.NoError(t, err)
		groups.WriteString(`{"doc_count":1,"key":` + string(key) + `}`)
	}
	index := &searched{answer: `{"_shards":{"total":1},"aggregations":{"groups":{"buckets":[` + groups.String() + `]}}}`}
	out, err := NewReports(index).Report(t.Context(), contract.ReportRequest{Report: "process-definition-overview"})
	require.NoError(t, err)
	text, err := json.Marshal(out)
	require.NoError(t, err)
	require.LessOrEqual(t, len(text), contract.MaxReport)
	var result report.Result
	require.NoError(t, json.Unmarshal(out.Result, &result))
	require.Contains(t, strings.Join(result.Notes, " "), "long tables were cut off")
	require.NotEmpty(t, result.Elements[2].Rows)
	require.InDelta(t, 999, result.Elements[0].Rows[0][1], 0, "what is counted is not cut")
}

// A worker that writes files has no index to ask.
func TestNoReports(t *testing.T) {
	_, err := NewReports(struct{}{}).Report(t.Context(), contract.ReportRequest{Report: "mail"})
	refusal, ok := errors.AsType[*temporal.ApplicationError](err)
	require.True(t, ok)
	require.Equal(t, contract.ReportNoServer, refusal.Type())
	require.Contains(t, refusal.Message(), "elastic-search.server.type=rest is expected")
	require.NotNil(t, NewReports(&searched{}).reporter)
}
