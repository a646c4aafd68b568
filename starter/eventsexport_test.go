package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics/report"
	"github.com/waybill-io/waybill/events"
)

func TestCSVHasTheColumnsOfTheKind(t *testing.T) {
	at := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	d := events.Batch{Process: events.Process{Instance: "order/1", Key: "order", DefinitionVersion: 3, BusinessKey: "=HYPERLINK(1)", Began: at}, Events: []events.Event{
		{Sequence: 4, Type: events.TaskCreated, Time: at, Ref: "7", TaskID: "t", Name: "+1", Assignee: "a, \"b\"", CandidateGroups: []string{"x", "y"}, Priority: -5, Duration: new(int64(-1))},
	}}.Documents()[0]
	text, err := json.Marshal(d)
	require.NoError(t, err)
	var out bytes.Buffer
	rows := newCSVRows(&out, columnsOf(events.Tasks, "task"))
	require.NoError(t, rows.row(text))
	require.NoError(t, rows.end())
	all, err := csv.NewReader(&out).ReadAll()
	require.NoError(t, err)
	row := map[string]string{}
	for i, name := range all[0] {
		row[name] = all[1][i]
	}
	require.Equal(t, "'=HYPERLINK(1)", row["businessKey"])
	require.Equal(t, "'+1", row["name"])
	require.Equal(t, `a, "b"`, row["assignee"])
	require.Equal(t, "x;y", row["candidateGroups"])
	require.Equal(t, "-1", row["duration"])
	require.Equal(t, "2026-11-28T12:00:00Z", row["timeStamp"])
	require.NotContains(t, row, "mailbox")
	require.Contains(t, columnsOf(events.Activities, ""), "mailbox")
	require.NotContains(t, columnsOf(events.Activities, "incident"), "mailbox")
}

// Whatever a document may hold of a kind has a column.
func TestCSVLeavesNoFieldOut(t *testing.T) {
	known := map[string]bool{}
	for _, index := range events.Indexes() {
		for _, name := range columnsOf(index, "") {
			known[name] = true
		}
	}
	var d events.Document
	for _, name := range fieldsOf(d) {
		switch name {
		case "value", "shortValue", "integerValue": // the first is spread over the others; these are in longValue, too
			continue
		}
		require.True(t, known[name], name)
	}
}

func TestHarmless(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "a": "a", "=1": "'=1", "+1": "'+1", "-1": "'-1", "@x": "'@x", "\tx": "'\tx", "1=1": "1=1",
	} {
		require.Equal(t, want, report.Harmless(text))
	}
	require.Equal(t, `{"a":1}`, cell(json.RawMessage(` {"a":1}`)))
	require.Equal(t, "", cell(nil))
	require.Equal(t, "true", cell(json.RawMessage("true")))
	require.Equal(t, `[1,2]`, cell(json.RawMessage("[1,2]")))
}

func TestExportedIndexes(t *testing.T) {
	for _, test := range []struct {
		in    contract.ExportInput
		want  []string
		wrong string
	}{
		{contract.ExportInput{}, events.Indexes(), ""},
		{contract.ExportInput{Archive: true}, []string{""}, ""},
		{contract.ExportInput{Kind: "mail"}, []string{events.Activities}, ""},
		{contract.ExportInput{Index: "tasks", Archive: true}, []string{"tasks"}, ""},
		{contract.ExportInput{Index: "tusks"}, nil, "--index"},
		{contract.ExportInput{Kind: "male"}, nil, "--kind"},
		{contract.ExportInput{Kind: "mail", Index: "tasks"}, nil, "leave --index out"},
	} {
		got, err := exportedIndexes(&test.in)
		if test.wrong != "" {
			require.ErrorContains(t, err, test.wrong)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, test.want, got)
	}
	_, err := formatOf("csv", contract.ExportInput{})
	require.ErrorContains(t, err, "--kind or --index")
	_, err = formatOf("xml", contract.ExportInput{})
	require.ErrorContains(t, err, "ndjson or csv")
}
