package alerts

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/activities/contract"
)

// Severities, the least first.
func Severities() []string { return []string{"info", "warning", "error", Critical} }

// Critical is the severity that may pass through quiet hours.
const Critical = "critical"

// fields are what rules match and group by.
var fields = map[string]func(contract.Alert) string{
	"id":                   func(a contract.Alert) string { return a.ID },
	"source":               func(a contract.Alert) string { return a.Source },
	"severity":             func(a contract.Alert) string { return Severity(a) },
	"tenant":               func(a contract.Alert) string { return a.Tenant },
	"processId":            func(a contract.Alert) string { return a.ProcessID },
	"processName":          func(a contract.Alert) string { return a.ProcessName },
	"processNamespace":     func(a contract.Alert) string { return a.ProcessNamespace },
	"processKey":           func(a contract.Alert) string { return a.ProcessKey },
	"businessKey":          func(a contract.Alert) string { return a.BusinessKey },
	"locationPath":         func(a contract.Alert) string { return a.LocationPath },
	"status":               func(a contract.Alert) string { return a.Status },
	"faultName":            func(a contract.Alert) string { return a.FaultName },
	"faultNamespace":       func(a contract.Alert) string { return a.FaultNamespace },
	"faultDetails.code":    func(a contract.Alert) string { return a.FaultDetails.Code },
	"faultDetails.reason":  func(a contract.Alert) string { return a.FaultDetails.Reason },
	"faultDetails.details": func(a contract.Alert) string { return a.FaultDetails.Details },
	"initiator":            func(a contract.Alert) string { return a.Initiator },
}

// values are all that fields with a fixed set of them may have.
var values = map[string][]string{
	"source":   {contract.AlertProcess, contract.AlertMailbox, contract.AlertCredential, contract.AlertIndexer},
	"severity": Severities(),
}

// Fields are the names of the fields that rules match and group by, sorted.
func Fields() []string { return slices.Sorted(maps.Keys(fields)) }

// Severity is that of an alert, else that of its source.
func Severity(a contract.Alert) string {
	usual := "error"
	if a.Source == contract.AlertIndexer || a.Source == contract.AlertCredential && a.Status != contract.AlertBroken {
		usual = "warning"
	}
	return cmp.Or(a.Severity, usual)
}

// Group is what the alerts of a group have in common: the values of the rule's fields. It is for people, and the same text is the same group.
func (r *Rule) Group(a contract.Alert) string {
	parts := make([]string, len(r.GroupBy))
	for i, name := range r.GroupBy {
		parts[i] = name + "=" + fields[name](a)
	}
	text := strings.Join(parts, ", ")
	if len(text) > maxGroup { // still one text for each group
		text = fmt.Sprintf("%s %x", cut(text, maxGroup), contract.AlertDigest(text))
	}
	return text
}

// bounds are how long the texts of an alert may be, in bytes: a group holds one, and a workflow holds groups.
const (
	maxName   = 300
	maxGroup  = 400
	maxReason = 1000
	maxDetail = 2000
)

// Bounded is an alert whose texts are cut to what is kept of them.
func Bounded(a contract.Alert) contract.Alert {
	for _, text := range []*string{
		&a.Source, &a.Severity, &a.Tenant, &a.ProcessName, &a.ProcessNamespace, &a.ProcessKey, &a.BusinessKey, &a.LocationPath, &a.Status,
		&a.FaultName, &a.FaultNamespace, &a.FaultDetails.Code, &a.Initiator, &a.RunID,
	} {
		*text = cut(*text, maxName)
	}
	a.FaultDetails.Reason = cut(a.FaultDetails.Reason, maxReason)
	a.FaultDetails.Details = cut(a.FaultDetails.Details, maxDetail)
	return a
}

func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit-3], "") + "..."
}
