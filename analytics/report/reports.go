package report

import (
	"context"
	"slices"
	"strings"
)

// Report is a report that can be asked for.
type Report struct {
	Name       string      `json:"name"`
	Number     int         `json:"id"` // by which the original's paths name it
	Title      string      `json:"title"`
	Summary    string      `json:"summary"`
	Parameters []Parameter `json:"parameters"`

	answer func(context.Context, *question) error
}

// All are the reports, in the order in which they are listed: first the five of the original.
func All() []Report {
	with := slices.Concat[[]Parameter]
	one := func(p Parameter) []Parameter { return []Parameter{p} }
	return []Report{
		{
			Name: "process-definition-heat-map", Number: 1, Title: "Process definition heat map", answer: heatMap,
			Summary:    "How often each activity of a process ran, and how long",
			Parameters: with(one(processParameter(true)), dates(), one(statusParameter("activities"))),
		}, {
			Name: "process-definition-overview", Number: 2, Title: "Process definition overview", answer: definitions,
			Summary:    "How many instances each process has",
			Parameters: with(dates(), one(statusParameter("instances"))),
		}, {
			Name: "process-instances-overview", Number: 3, Title: "Process instances overview", answer: instances,
			Summary: "How many instances there are, how long they took, and the slowest",
			Parameters: with(one(processParameter(false)), dates(), []Parameter{{
				ID: SlowestParameter, Name: "Slowest instances", NameKey: "REPORTING.DEFAULT-REPORTS.PROCESS-INSTANCES-OVERVIEW.SLOW-PROC-INST-NUMBER",
				Type: IntegerType, Flag: "slowest", Default: "10", Max: 1000, Description: "how many of the slowest instances are listed",
			}, statusParameter("instances")}),
		}, {
			Name: "task-overview", Number: 4, Title: "Task overview", answer: tasks,
			Summary:    "How many tasks there are, over time, by assignee and by task, and how long they took",
			Parameters: with(one(processParameter(false)), dates(), []Parameter{intervalParameter(), statusParameter("tasks")}),
		}, {
			Name: "task-service-level-agreement", Number: 5, Title: "Task service level agreement", answer: serviceLevel,
			Summary: "How many tasks were done within a time",
			Parameters: with(one(processParameter(true)), []Parameter{taskParameter(), {
				ID: DurationParameter, Name: "Duration", NameKey: "REPORTING.DEFAULT-REPORTS.TASK-SLA.DURATION", Type: DurationType, Flag: "duration", Required: true,
				Description: "the time that a task may take: 90s, 2h30m, 3d; a number alone is in seconds",
			}, {
				ID: EndedParameter, Name: "Completed tasks only", NameKey: "REPORTING.DEFAULT-REPORTS.TASK-SLA.TYPE-FILTERING", Type: BooleanType, Flag: "completed", Default: "true",
				Description: "false: a task under way counts, too; it is over the limit when it is older than that",
			}}, dates()),
		}, {
			Name: "incidents", Number: 6, Title: "Incidents", answer: incidents,
			Summary:    "What went wrong: where, why, how often, and how long it took to answer it",
			Parameters: with(one(processParameter(false)), dates(), one(intervalParameter())),
		}, {
			Name: "connectors", Number: 7, Title: "Connector calls", answer: connectors,
			Summary: "How many calls each connector had, how many failed, and how long they took",
			Parameters: with(one(processParameter(false)), []Parameter{{
				ID: ImplementationParameter, Name: "Implementation", Type: StringType, Flag: "implementation", Choices: true, Description: "one action of a connector, email.SEND; without it all",
			}}, dates(), one(intervalParameter())),
		}, {
			Name: "mail", Number: 8, Title: "Mail", answer: mails,
			Summary: "How many mails came and went, by mailbox, and what became of them",
			Parameters: with([]Parameter{{
				ID: MailboxParameter, Name: "Mailbox", Type: StringType, Flag: "mailbox", Choices: true, Description: "one mailbox; without it all",
			}}, dates(), one(intervalParameter())),
		},
	}
}

// Names are the names of all reports.
func Names() []string {
	var names []string
	for _, r := range All() {
		names = append(names, r.Name)
	}
	return names
}

// Find finds a report by its name; task-sla is short for the longest.
func Find(name string) (Report, bool) {
	if name == "task-sla" {
		name = "task-service-level-agreement"
	}
	all := All()
	i := slices.IndexFunc(all, func(r Report) bool { return r.Name == name })
	if i < 0 {
		return Report{}, false
	}
	return all[i], true
}

// titleKey is a key of translations as the original makes them.
func titleKey(report, element string) string {
	return "REPORTING.DEFAULT-REPORTS." + strings.ToUpper(report) + "." + strings.ToUpper(element)
}
