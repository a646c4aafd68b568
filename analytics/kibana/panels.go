package kibana

import "github.com/waybill-io/waybill/events"

// panels are what the dashboard shows, from the top.
func panels() []panel {
	const (
		incidents = "kind : incident"
		calls     = "kind : integration"
		mails     = "kind : mail"
	)
	count := func(label, filter string) column { return column{label: label, operation: "count", filter: filter} }
	over := func(field string) column { return column{label: "Time", operation: "date_histogram", field: field} }
	by := func(label, field string, size int) column {
		return column{label: label, operation: "terms", field: field, size: size}
	}
	quantile := func(label string, percent int) column {
		return column{label: label, operation: "percentile", field: "duration", percent: percent}
	}
	number := func(key, title, index, query string, x int) panel {
		return panel{key: key, title: title, index: index, shape: metric, query: query, columns: []column{count(title, "")}, at: place{x, 0, 8, 6}}
	}
	return []panel{
		number("instances", "Instances started", events.ProcessInstances, "", 0),
		number("instances-active", "Instances still active", events.ProcessInstances, "status : active", 8),
		number("tasks-open", "Tasks still open", events.Tasks, "status : active", 16),
		number("incidents-open", "Incidents still open", events.Activities, "kind : incident and status : active", 24),
		number("calls-failed", "Connector calls that failed", events.Activities, "kind : integration and status : failed", 32),
		number("mails", "Mails", events.Activities, mails, 40),

		{"instances-over-time", "Instances started over time", events.ProcessInstances, stacked, "", []column{
			over("startTime"), by("Process", "processDefinitionKey", 10), count("Instances", ""),
		}, place{0, 6, 24, 13}},
		{"instance-durations", "Durations of instances", events.ProcessInstances, lines, "status : completed", []column{
			over("startTime"), quantile("p50", 50), quantile("p95", 95),
		}, place{24, 6, 24, 13}},

		{"tasks-by-assignee", "Tasks by assignee", events.Tasks, sideways, "", []column{
			by("Assignee", "assignee", 15), by("Status", "status", 5), count("Tasks", ""),
		}, place{0, 19, 16, 14}},
		{"task-durations", "Durations of tasks", events.Tasks, table, "status : completed", []column{
			by("Task", "name", 15), count("Tasks", ""), {label: "Average", operation: "average", field: "duration"}, quantile("p95", 95),
		}, place{16, 19, 20, 14}},
		{"tasks-by-status", "Tasks by status", events.Tasks, donut, "", []column{by("Status", "status", 5), count("Tasks", "")}, place{36, 19, 12, 14}},

		{"activities", "Activities", events.Activities, table, "kind : activity", []column{
			by("Process", "processDefinitionKey", 10), by("Activity", "activityName", 20), count("Times", ""),
			{label: "Average", operation: "average", field: "duration"}, quantile("p95", 95),
		}, place{0, 33, 24, 14}},
		{"incidents-over-time", "Incidents by activity", events.Activities, stacked, incidents, []column{
			over("startTime"), by("Activity", "activityId", 10), count("Incidents", ""),
		}, place{24, 33, 24, 14}},

		{"calls-over-time", "Connector calls", events.Activities, stacked, calls, []column{
			over("startTime"), count("Completed", "status : completed"), count("Failed", "status : failed"),
		}, place{0, 47, 24, 13}},
		{"calls-by-implementation", "Connector calls by action", events.Activities, table, calls, []column{
			by("Action", "implementation", 20), count("Calls", ""), count("Failed", "status : failed"), quantile("p50", 50), quantile("p95", 95),
		}, place{24, 47, 24, 13}},

		{"mails-over-time", "Mails received and sent", events.Activities, stacked, mails, []column{
			over("timeStamp"), by("Type", "type", 2), count("Mails", ""),
		}, place{0, 60, 24, 12}},
		{"mails-by-mailbox", "Mails received by mailbox", events.Activities, sideways, "type : MAIL_RECEIVED", []column{
			by("Mailbox", "mailbox", 15), by("Outcome", "outcome", 8), count("Mails", ""),
		}, place{24, 60, 24, 12}},
	}
}
