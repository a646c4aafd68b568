package contract

import (
	"strings"
	"time"
)

// Alert tells people that something stands still, or soon will. It is the input of AlertActivity. The names of its fields are those that rules match.
type Alert struct {
	ID       string    `json:"id"` // the same id is the same alert, however often it is raised
	Source   string    `json:"source"`
	Severity string    `json:"severity,omitempty"` // "": that of its source
	At       time.Time `json:"at"`
	Tenant   string    `json:"tenant,omitempty"`

	// What it is about. LocationPath is where in it: the path of elements, a folder.
	ProcessID        string       `json:"processId,omitempty"` // of the instance; of others: their workflow id
	ProcessName      string       `json:"processName,omitempty"`
	ProcessNamespace string       `json:"processNamespace,omitempty"`
	ProcessKey       string       `json:"processKey,omitempty"`
	ProcessVersion   int          `json:"processVersion,omitempty"`
	BusinessKey      string       `json:"businessKey,omitempty"`
	LocationPath     string       `json:"locationPath,omitempty"`
	Status           string       `json:"status,omitempty"` // suspended, stopped, refused, expiring, broken, lagging
	FaultName        string       `json:"faultName,omitempty"`
	FaultNamespace   string       `json:"faultNamespace,omitempty"`
	FaultDetails     FaultDetails `json:"faultDetails,omitzero"`
	Initiator        string       `json:"initiator,omitempty"`

	RunID    string `json:"runId,omitempty"`    // of the workflow, for the link to Temporal's Web UI
	Incident int    `json:"incident,omitempty"` // of a process

	Test *AlertTest `json:"test,omitempty"` // nothing has happened: rules are tried out
}

// AlertTest is how rules are tried out: what they tell is marked as a test, at once and apart from what really happens.
type AlertTest struct {
	Rule string `json:"rule,omitempty"` // the others are only asked; "": all that match act
}

// AlertInitiator is who has started a process that a rule starts.
func AlertInitiator(rule string) string { return "alert/" + rule }

// AlertStarter is the rule that has started a process with an initiator; "" when none has.
func AlertStarter(initiator string) string {
	rule, ok := strings.CutPrefix(initiator, AlertInitiator(""))
	if !ok {
		return ""
	}
	return rule
}

// FaultDetails is the fault of an alert.
type FaultDetails struct {
	Code    string `json:"code,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Details string `json:"details,omitempty"`
}

// Sources of alerts.
const (
	AlertProcess    = "process"    // suspended on an uncaught fault
	AlertMailbox    = "mailbox"    // watched no more
	AlertCredential = "credential" // its refresh token ends soon, or does not work
	AlertIndexer    = "indexer"    // lags
)

// AlertBroken is the status of a credential that does not work.
const AlertBroken = "broken"

// AlertResult tells which rules took an alert.
type AlertResult struct {
	Rules   []string `json:"rules,omitempty"`
	Ignored string   `json:"ignored,omitempty"` // the rule that has it ignored

	Verdicts []AlertVerdict `json:"verdicts,omitempty"` // of a test: what each rule says
}

// AlertVerdict is what a rule says of an alert.
type AlertVerdict struct {
	Rule    string `json:"rule"`
	Matches bool   `json:"matches"`
	Why     string `json:"why,omitempty"` // not, or what of the rule is wrong
	Group   string `json:"group,omitempty"`
}
