package report

import (
	"slices"
	"strings"
)

// ParameterType says what a parameter takes. The names are the original's as far as it has them.
type ParameterType string

// The types.
const (
	ProcessType  ParameterType = "processDefinition" // key:version, or a key for all versions
	RangeType    ParameterType = "dateRange"         // one of Options; custom needs from and to
	DateType     ParameterType = "date"              // 2026-11-28, or RFC 3339
	ZoneType     ParameterType = "timeZone"          // Europe/Berlin
	IntervalType ParameterType = "dateInterval"      // one of Options
	StatusType   ParameterType = "status"            // one of Options
	IntegerType  ParameterType = "integer"           // from 1 to Max
	DurationType ParameterType = "duration"          // 90s, 2h30m, 3d; a number alone is in seconds
	TaskType     ParameterType = "task"              // the name of a task
	BooleanType  ParameterType = "boolean"           // true or false
	StringType   ParameterType = "string"
)

// Parameter is something that a report can be asked with.
type Parameter struct {
	ID          string        `json:"id"` // as requests have it, "processDefinitionId"
	Name        string        `json:"name"`
	NameKey     string        `json:"nameKey,omitempty"` // of the original's translations
	Description string        `json:"description"`
	Type        ParameterType `json:"type"`
	Flag        string        `json:"flag"` // of the command line
	Required    bool          `json:"required"`
	Default     string        `json:"value,omitempty"`     // "": none
	DependsOn   string        `json:"dependsOn,omitempty"` // the parameter that its choices depend on
	Options     []string      `json:"options,omitempty"`   // all that it can be
	Max         int           `json:"max,omitempty"`       // of an integer
	Choices     bool          `json:"choices,omitempty"`   // Reporter.Choices knows values
}

// The ids of parameters.
const (
	ProcessParameter        = "processDefinitionId"
	RangeParameter          = "dateRange"
	FromParameter           = "from"
	ToParameter             = "to"
	ZoneParameter           = "timeZone"
	IntervalParameter       = "dateRangeInterval"
	StatusParameter         = "status"
	SlowestParameter        = "slowProcessInstanceInteger"
	TaskParameter           = "taskName"
	DurationParameter       = "duration"
	EndedParameter          = "typeFiltering"
	ImplementationParameter = "implementation"
	MailboxParameter        = "mailbox"
)

// The date ranges, in the time zone of the report.
const (
	Today         = "today"
	Yesterday     = "yesterday"
	LastSevenDays = "last7Days" // today and the six days before
	PreviousMonth = "previousMonth"
	CurrentYear   = "currentYear"
	Custom        = "custom"
)

func processParameter(required bool) Parameter {
	p := Parameter{
		ID: ProcessParameter, Name: "Process definition", NameKey: "REPORTING.DEFAULT-REPORTS.PROCESS-DEFINITION", Type: ProcessType, Flag: "process", Required: required, Choices: true,
		Description: "one version, order:3, or all versions of a process, order",
	}
	if !required {
		p.Description += "; without it all processes"
	}
	return p
}

// dates are the parameters that say of which time a report is.
func dates() []Parameter {
	return []Parameter{
		{
			ID: RangeParameter, Name: "Date range", NameKey: "REPORTING.DEFAULT-REPORTS.DATE-RANGE", Type: RangeType, Flag: "range", Default: LastSevenDays,
			Options:     []string{Today, Yesterday, LastSevenDays, PreviousMonth, CurrentYear, Custom},
			Description: "what began in this time is counted; custom, or none, with from and to",
		},
		{ID: FromParameter, Name: "From", Type: DateType, Flag: "from", Description: "begin of a custom range: a day, or a time such as 2026-11-28T08:00:00Z"},
		{ID: ToParameter, Name: "To", Type: DateType, Flag: "to", Description: "end of a custom range: a day, which is counted, or a time, which is not; without it now"},
		{ID: ZoneParameter, Name: "Time zone", Type: ZoneType, Flag: "zone", Default: "UTC", Description: "where days begin, such as Europe/Berlin"},
	}
}

func statusParameter(what string) Parameter {
	return Parameter{
		ID: StatusParameter, Name: "Status", NameKey: "REPORTING.PROCESS-STATUS", Type: StatusType, Flag: "status", Default: allStatuses,
		Options: []string{allStatuses, "active", "completed", "cancelled", "failed"}, Description: "which " + what + " are counted",
	}
}

const allStatuses = "all"

func intervalParameter() Parameter {
	return Parameter{
		ID: IntervalParameter, Name: "Interval", NameKey: "REPORTING.DEFAULT-REPORTS.DATE-RANGE-INTERVAL", Type: IntervalType, Flag: "interval", Default: "day",
		Options: []string{"hour", "day", "week", "month", "year"}, Description: "what one bar of a chart over time stands for",
	}
}

func taskParameter() Parameter {
	return Parameter{
		ID: TaskParameter, Name: "Task", NameKey: "REPORTING.DEFAULT-REPORTS.TASK-SLA.TASK", Type: TaskType, Flag: "task", DependsOn: ProcessParameter, Choices: true,
		Description: "the name of a task; without it all tasks of the process",
	}
}

// Parameter is the parameter with an id.
func (r Report) Parameter(id string) (Parameter, bool) {
	i := slices.IndexFunc(r.Parameters, func(p Parameter) bool { return p.ID == id })
	if i < 0 {
		return Parameter{}, false
	}
	return r.Parameters[i], true
}

// option finds what was meant: in small or capital letters, and "byHour" and "complete", as the original's pages have it.
func (p Parameter) option(value string) (string, bool) {
	value = strings.ToLower(value)
	switch p.Type {
	case IntervalType:
		value = strings.TrimPrefix(value, "by")
	case StatusType:
		if value == "complete" {
			value = "completed"
		}
	}
	i := slices.IndexFunc(p.Options, func(o string) bool { return strings.EqualFold(o, value) })
	if i < 0 {
		return "", false
	}
	return p.Options[i], true
}
