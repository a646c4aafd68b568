package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics/chart"
	"github.com/waybill-io/waybill/analytics/report"
	"github.com/waybill-io/waybill/client"
)

const (
	// maxQuestion bounds the body of a request for a report, in bytes: a model is the largest part.
	maxQuestion = 4 << 20
	// questionTimeout bounds what a request asks of Temporal.
	questionTimeout = 100 * time.Second
	// retryReport is when asking again may help, in seconds.
	retryReport = "10"
)

// reports is the API of reports.
type reports struct {
	Options
}

func reportRoutes(o Options) map[string]http.Handler {
	r := &reports{o}
	all := map[string]http.Handler{
		"GET /api/reports": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			reply(w, http.StatusOK, report.All())
		}),
		"GET /api/reports/{name}":                     r.serve(r.get),
		"POST /api/reports/{name}":                    r.serve(r.post),
		"GET /api/reports/{name}/choices/{parameter}": r.serve(r.choices),
	}
	maps.Copy(all, reportingRoutes(r))
	return all
}

// question is a request for a report, as it came.
type question struct {
	contract.ReportRequest
	element string
	options chart.Options
}

// serve bounds a request and answers its error.
func (o *reports) serve(handle func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), questionTimeout)
		defer cancel()
		r = r.WithContext(ctx)
		r.Body = http.MaxBytesReader(w, r.Body, maxQuestion)
		if err := handle(w, r); err != nil {
			reportProblem(w, err)
		}
	})
}

func reportProblem(w http.ResponseWriter, err error) {
	var bad badRequest
	var large *http.MaxBytesError
	code := http.StatusServiceUnavailable
	switch kind := client.ReportRefused(err); {
	case errors.As(err, &large):
		code = http.StatusRequestEntityTooLarge
	case errors.As(err, &bad), errors.Is(err, report.ErrInvalid), kind == contract.ReportInvalid:
		code = http.StatusBadRequest
	case errors.Is(err, client.ErrNotFound), kind == contract.ReportUnknown, kind == contract.ReportNoIndex:
		code = http.StatusNotFound
	case errors.Is(err, errNotAcceptable):
		code = http.StatusNotAcceptable
	case kind == contract.ReportSlow:
		code = http.StatusGatewayTimeout
	case kind != contract.ReportNoServer && kind != contract.ReportUnavailable && client.Refused(err): // by the registry of saved reports
		code = http.StatusConflict
	default:
		w.Header().Set("Retry-After", retryReport)
	}
	problem(w, code, err.Error())
}

// named finds the report of a path.
func named(r *http.Request) (report.Report, error) {
	found, ok := report.Find(r.PathValue("name"))
	if !ok {
		return found, fmt.Errorf("there is no report %q: one of %s is expected: %w", r.PathValue("name"), strings.Join(report.Names(), ", "), client.ErrNotFound)
	}
	return found, nil
}

func (o *reports) get(w http.ResponseWriter, r *http.Request) error {
	found, err := named(r)
	if err != nil {
		return err
	}
	q := question{ReportRequest: contract.ReportRequest{Report: found.Name, Parameters: map[string]string{}}}
	for name, values := range r.URL.Query() {
		q.take(name, values[0])
	}
	return o.answer(w, r, q)
}

func (o *reports) post(w http.ResponseWriter, r *http.Request) error {
	found, err := named(r)
	if err != nil {
		return err
	}
	given, err := readParameters(r)
	if err != nil {
		return err
	}
	q := question{ReportRequest: contract.ReportRequest{Report: found.Name, Parameters: map[string]string{}}}
	for name, value := range given {
		q.take(name, value)
	}
	return o.answer(w, r, q)
}

// take takes a value of a request. What is none of the answer's is a parameter.
func (q *question) take(name, value string) {
	switch name {
	case "tenant":
		q.Tenant = value
	case "element":
		q.element = value
	case "measure":
		q.options.Measure = chart.Measure(value)
	case "model":
		q.options.Model = []byte(value)
	case "format": // that is of the URL
	default:
		q.Parameters[name] = value
	}
}

// readParameters reads a body of names and values: texts, numbers, true and false. A dateRange may be the object that the original's pages
// send. An empty body has none.
func readParameters(r *http.Request) (map[string]string, error) {
	var body map[string]json.RawMessage
	if r.ContentLength != 0 {
		var err error
		if body, err = read[map[string]json.RawMessage](r); err != nil {
			return nil, err
		}
	}
	given := map[string]string{}
	for name, raw := range body {
		switch {
		case bytes.Equal(raw, []byte("null")):
		case raw[0] == '"':
			var text string
			if err := json.Unmarshal(raw, &text); err != nil {
				return nil, badRequest{fmt.Errorf("%s: %w", name, err)}
			}
			given[name] = text
		case raw[0] == '{' && name == report.RangeParameter:
			if err := takeRange(given, raw); err != nil {
				return nil, err
			}
		case raw[0] == '{', raw[0] == '[':
			return nil, badRequest{fmt.Errorf("%s: a text, a number, true or false is expected", name)}
		default:
			given[name] = string(raw)
		}
	}
	return given, nil
}

// answer asks a worker, and writes what the request accepts.
func (o *reports) answer(w http.ResponseWriter, r *http.Request, q question) error {
	form, err := formatOf(r)
	if err != nil {
		return err
	}
	result, err := o.ask(r.Context(), q.ReportRequest)
	if err != nil {
		return err
	}
	return form.write(w, result, q)
}

// ask checks a request before a worker is asked.
func (o *reports) ask(ctx context.Context, in contract.ReportRequest) (report.Result, error) {
	var result report.Result
	if in.Tenant != "" && !contract.ValidTenant(in.Tenant) {
		return result, badRequest{fmt.Errorf("the tenant: %s is expected", contract.TenantRule)}
	}
	if err := report.Check(report.Request{Report: in.Report, Parameters: in.Parameters}); err != nil {
		return result, err
	}
	err := o.Client.Report(ctx, in, &result)
	return result, err
}

func (o *reports) choices(w http.ResponseWriter, r *http.Request) error {
	found, err := named(r)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	choices, err := o.choicesOf(r.Context(), contract.ReportRequest{
		Report: found.Name, Tenant: query.Get("tenant"), Choices: r.PathValue("parameter"), Parameters: map[string]string{report.ProcessParameter: query.Get(report.ProcessParameter)},
	})
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, choices)
	return nil
}

func (o *reports) choicesOf(ctx context.Context, in contract.ReportRequest) ([]report.Choice, error) {
	if in.Tenant != "" && !contract.ValidTenant(in.Tenant) {
		return nil, badRequest{fmt.Errorf("the tenant: %s is expected", contract.TenantRule)}
	}
	choices := []report.Choice{}
	err := o.Client.Report(ctx, in, &choices)
	if choices == nil { // so the worker wrote "none"
		choices = []report.Choice{}
	}
	return choices, err
}
