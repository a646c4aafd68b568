package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/analytics/report"
	"github.com/waybill-io/waybill/events"
)

// kindColumns are the columns of a kind of documents beside those of all.
type kindColumns struct {
	kind    events.Kind
	columns []string
}

// exportKinds are all kinds.
func exportKinds() []kindColumns {
	element := []string{"activityId", "activityName", "activityType", "executionId"}
	with := func(names ...string) []string { return append(slices.Clone(element), names...) }
	return []kindColumns{
		{events.KindProcess, []string{"rootProcessInstanceId", "parentProcessInstanceId", "errorCode", "errorMessage", "variables"}},
		{events.KindTask, with("activity", "taskId", "createTime", "name", "taskDefinitionKey", "description", "assignee", "owner", "category", "dueDate", "claimTime", "formKey", "priority",
			"candidateUsers", "candidateGroups", "revision", "variables")},
		{events.KindVariable, with("name", "createTime", "variableType", "stringValue", "longValue", "doubleValue", "booleanValue", "dateValue", "uuidValue", "jsonValue", "truncated", "masked")},
		{events.KindActivity, with("signalName", "messageName", "errorCode", "errorMessage", "variables")},
		{events.KindFlow, with("sourceActivityId", "sourceActivityName", "sourceActivityType", "targetActivityId", "targetActivityName", "targetActivityType")},
		{events.KindIntegration, with("activity", "implementation", "attempts", "errorCode", "errorMessage", "variables")},
		{events.KindIncident, with("activity", "action", "errorCode", "errorMessage")},
		{events.KindMail, with("mailbox", "messageId", "recipients", "outcome", "errorCode", "errorMessage")},
		{events.KindExternalTask, with("activity", "topic", "workerId", "claimTime", "lockExpirationTime", "attempts", "errorCode", "errorMessage", "variables")},
	}
}

// columnsOf are the columns of a kind, or of all kinds of an index.
func columnsOf(index, kind string) []string {
	columns := []string{
		"timeStamp", "kind", "type", "processInstanceId", "processDefinitionId", "processDefinitionKey", "processDefinitionVersion", "processDefinitionName", "businessKey", "tenantId",
		"id", "began", "sequence", "ref", "userId", "status", "startTime", "endTime", "duration",
	}
	for _, k := range exportKinds() {
		if (&events.Document{Kind: k.kind}).Index() != index || kind != "" && string(k.kind) != kind {
			continue
		}
		for _, name := range k.columns {
			if !slices.Contains(columns, name) {
				columns = append(columns, name)
			}
		}
	}
	return columns
}

// csvRows writes documents as a table (RFC 4180), the first line with the names of the columns.
type csvRows struct {
	w       *csv.Writer
	columns []string
}

func newCSVRows(w io.Writer, columns []string) *csvRows {
	c := &csvRows{w: csv.NewWriter(w), columns: columns}
	c.w.UseCRLF = true
	_ = c.w.Write(columns) // the error is that of Flush
	return c
}

func (c *csvRows) row(document json.RawMessage) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(document, &fields); err != nil {
		return err
	}
	row := make([]string, len(c.columns))
	for i, name := range c.columns {
		row[i] = cell(fields[name])
	}
	return c.w.Write(row)
}

func (c *csvRows) end() error {
	c.w.Flush()
	return c.w.Error()
}

// cell is a value in a table: text as it is, lists of texts with semicolons, all else as JSON. Numbers are never formulas.
func cell(value json.RawMessage) string {
	value = bytes.TrimSpace(value)
	if len(value) == 0 || string(value) == "null" {
		return ""
	}
	var text string
	var list []string
	switch value[0] {
	case '"':
		if json.Unmarshal(value, &text) == nil {
			return report.Harmless(text)
		}
	case '[':
		if json.Unmarshal(value, &list) == nil {
			return report.Harmless(strings.Join(list, ";"))
		}
	}
	return string(value)
}
