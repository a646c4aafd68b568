package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics/report"
)

// reportTime bounds the searches of a report.
const reportTime = 50 * time.Second

// errNoIndex says which setting makes it so.
var errNoIndex = errors.New("reports ask Elasticsearch, and this worker writes events elsewhere: elastic-search.server.type=rest is expected in its settings")

// Reports answers what is asked of the index of events.
type Reports struct {
	reporter *report.Reporter // nil: there is no index
}

// NewReports returns the activity over what a worker writes events to. Only an index can be asked; of anything else, such as a folder of
// files, the activity says which setting that is.
func NewReports(target any) *Reports {
	index, ok := target.(report.Index)
	if !ok {
		return &Reports{}
	}
	return &Reports{reporter: &report.Reporter{Index: index}}
}

// RegisterReports makes a worker of ReportQueue answer reports.
func RegisterReports(r worker.ActivityRegistry, reports *Reports) {
	register(r, contract.ReportActivity, reports.Report)
}

// Report answers a report.
func (r *Reports) Report(ctx context.Context, in contract.ReportRequest) (contract.ReportResult, error) {
	if r.reporter == nil {
		return contract.ReportResult{}, reportRefused(contract.ReportNoServer, errNoIndex)
	}
	if _, ok := report.Find(in.Report); !ok {
		_, err := r.reporter.Report(ctx, report.Request{Report: in.Report})
		return contract.ReportResult{}, reportRefused(contract.ReportUnknown, err)
	}
	if in.Tenant != "" && !contract.ValidTenant(in.Tenant) {
		return contract.ReportResult{}, reportRefused(contract.ReportInvalid, fmt.Errorf("the tenant %q: %s is expected", in.Tenant, contract.TenantRule))
	}
	ctx, cancel := context.WithTimeout(ctx, reportTime)
	defer cancel()
	request := report.Request{Report: in.Report, Tenant: in.Tenant, Parameters: in.Parameters}
	var text []byte
	var err error
	if in.Choices != "" {
		var choices []report.Choice
		if choices, err = r.reporter.Choices(ctx, request, in.Choices); err == nil {
			text, err = json.Marshal(choices)
		}
	} else {
		var result report.Result
		if result, err = r.reporter.Report(ctx, request); err == nil {
			text, err = report.Encode(result, contract.MaxReport-64) // with what is around it
		}
	}
	for kind, sentinel := range map[string]error{
		contract.ReportInvalid: report.ErrInvalid, contract.ReportNoIndex: report.ErrNoIndex, contract.ReportSlow: report.ErrSlow, contract.ReportUnavailable: report.ErrUnavailable,
	} {
		if errors.Is(err, sentinel) {
			return contract.ReportResult{}, reportRefused(kind, err)
		}
	}
	return contract.ReportResult{Result: text}, err
}

// reportRefused is an error that those who wait see at once, in its own words.
func reportRefused(kind string, err error) error {
	return temporal.NewNonRetryableApplicationError(err.Error(), kind, nil)
}
