package contract

import (
	"encoding/json"
	"time"
)

// ReportActivity answers a report, on ReportQueue: ReportRequest -> ReportResult. Its errors are of the types below.
const ReportActivity = "waybill/report"

// MaxReport bounds the result of a report, in bytes.
const MaxReport = 1 << 20

// Types of the errors of ReportActivity, which a retry does not mend.
const (
	ReportInvalid     = "ReportInvalid"     // the request has to be changed
	ReportUnknown     = "ReportUnknown"     // there is no such report
	ReportNoIndex     = "ReportNoIndex"     // nothing was indexed for the tenant
	ReportNoServer    = "ReportNoServer"    // the worker has no index that can be searched
	ReportSlow        = "ReportSlow"        // a search took too long
	ReportUnavailable = "ReportUnavailable" // Elasticsearch does not answer, or refuses
)

// ReportRequest asks for a report, or for the values that one of its parameters can have.
type ReportRequest struct {
	Report     string            `json:"report"`
	Tenant     string            `json:"tenant,omitempty"`
	Parameters map[string]string `json:"parameters,omitempty"` // by id, as analytics/report has them
	Choices    string            `json:"choices,omitempty"`    // of this parameter; "": the report itself
}

// ReportResult is the answer, at most MaxReport bytes.
type ReportResult struct {
	Result json.RawMessage `json:"result"` // a report.Result, or a list of report.Choice
}

// SavedReportsID is the id of the registry of reports that people saved, by user and number.
const SavedReportsID = "reports"

// SavedReport is a report with values of its parameters under a name of its own, or another name for one of the reports that all have.
type SavedReport struct {
	Number     int               `json:"number"`
	Name       string            `json:"name"`
	Report     string            `json:"report"`
	Parameters map[string]string `json:"parameters,omitempty"`
	Created    time.Time         `json:"created,omitzero"`
	Hidden     bool              `json:"hidden,omitempty"` // one that all have, which this user removed
}
