package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics/report"
	"github.com/waybill-io/waybill/client"
)

// The paths by which pages of the original asked for reports, with its shapes. Its application stood under /activiti-app: a proxy that takes
// that away is all that such a page needs.
const reporting = "/app/rest/reporting"

func reportingRoutes(o *reports) map[string]http.Handler {
	return map[string]http.Handler{
		"POST " + reporting + "/default-reports":            o.serve(o.restoreDefaults),
		"GET " + reporting + "/reports":                     o.serve(o.listReports),
		"DELETE " + reporting + "/reports":                  o.serve(o.resetReports),
		"POST " + reporting + "/reports/{id}":               o.serve(o.saveReport),
		"PUT " + reporting + "/reports/{id}":                o.serve(o.renameReport),
		"DELETE " + reporting + "/reports/{id}":             o.serve(o.removeReport),
		"POST " + reporting + "/reports/{id}/export-to-csv": o.serve(o.exportReport),
		"GET " + reporting + "/report-params/{id}":          o.serve(o.reportParameters),
		"POST " + reporting + "/report-params/{id}":         o.serve(o.runReport),
		"GET " + reporting + "/report-params/{id}/tasks":    o.serve(o.taskNames),
		"GET " + reporting + "/process-definitions":         o.serve(o.processDefinitions),
	}
}

// reportName is a report in a list.
type reportName struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

// reportDefinition is what a report can be asked, as pages of the original read it.
type reportDefinition struct {
	ID         int     `json:"id"`
	Name       string  `json:"name"`
	Created    *string `json:"created"`
	Definition string  `json:"definition"` // JSON
}

// reportParameter is a parameter in a reportDefinition.
type reportParameter struct {
	ID        string  `json:"id"`
	Name      *string `json:"name"`
	NameKey   string  `json:"nameKey"`
	Type      string  `json:"type"`
	Value     any     `json:"value"`
	DependsOn *string `json:"dependsOn"`
}

// charts are the elements of a result. Tables have texts in all cells, as those of the original.
type charts struct {
	Elements []report.Element `json:"elements"`
}

func chartsOf(result report.Result) charts {
	return charts{texts(result.Elements)}
}

func texts(elements []report.Element) []report.Element {
	all := make([]report.Element, len(elements))
	for i, e := range elements {
		rows := make([][]any, len(e.Rows))
		for j, row := range e.Rows {
			for k, value := range row {
				rows[j] = append(rows[j], report.Show(value, e.ColumnTypes[k]))
			}
		}
		e.Rows, e.DetailTables = rows, texts(e.DetailTables)
		all[i] = e
	}
	return all
}

func (o *reports) listReports(w http.ResponseWriter, r *http.Request) error {
	all, err := o.saved(r)
	if err != nil {
		return err
	}
	names := []reportName{}
	for _, s := range all {
		if !s.Hidden {
			names = append(names, reportName{s.Number, s.Name})
		}
	}
	reply(w, http.StatusOK, names)
	return nil
}

// shown are the parameters that pages of the original know how to ask for.
var shown = map[report.ParameterType]bool{
	report.ProcessType: true, report.RangeType: true, report.IntervalType: true, report.StatusType: true, report.IntegerType: true, report.TaskType: true, report.DurationType: true, report.BooleanType: true,
}

// reportParameters says what a report can be asked or, when the URL has values, answers it.
func (o *reports) reportParameters(w http.ResponseWriter, r *http.Request) error {
	s, err := o.one(r)
	if err != nil {
		return err
	}
	if query := r.URL.Query(); len(query) > 0 {
		given := map[string]string{}
		for name, values := range query {
			given[name] = values[0]
		}
		return o.run(w, r, s, given)
	}
	found, _ := report.Find(s.Report)
	parameters := []reportParameter{}
	for _, p := range found.Parameters {
		if !shown[p.Type] {
			continue
		}
		e := reportParameter{ID: p.ID, NameKey: p.NameKey, Type: string(p.Type)}
		if p.DependsOn != "" {
			e.DependsOn = &p.DependsOn
		}
		value := p.Default
		if own, ok := s.Parameters[p.ID]; ok {
			value = own
		}
		if value != "" {
			e.Value = typed(p.Type, value)
		}
		parameters = append(parameters, e)
	}
	text, err := json.Marshal(map[string]any{"parameters": parameters})
	if err != nil {
		return err
	}
	d := reportDefinition{ID: s.Number, Name: s.Name, Definition: string(text)}
	if !s.Created.IsZero() {
		created := s.Created.UTC().Format("2006-01-02T15:04:05.000-0700")
		d.Created = &created
	}
	reply(w, http.StatusOK, d)
	return nil
}

// typed is a value as JSON has it: of numbers and truths, reports take spellings that JSON does not, such as +5 and T.
func typed(of report.ParameterType, value string) any {
	switch of {
	case report.IntegerType:
		if n, err := strconv.Atoi(value); err == nil {
			return n
		}
	case report.BooleanType:
		if b, err := strconv.ParseBool(value); err == nil {
			return b
		}
	}
	return value
}

// runReport answers a report with the values of a form.
func (o *reports) runReport(w http.ResponseWriter, r *http.Request) error {
	s, given, err := o.form(r)
	if err != nil {
		return err
	}
	return o.run(w, r, s, given)
}

func (o *reports) run(w http.ResponseWriter, r *http.Request, s contract.SavedReport, given map[string]string) error {
	result, err := o.ask(r.Context(), formRequest(r, s, given))
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, chartsOf(result))
	return nil
}

// formRequest keeps of a form what the report has: pages send all fields that any report has, those that were not filled in as null or 0.
func formRequest(r *http.Request, s contract.SavedReport, given map[string]string) contract.ReportRequest {
	in := contract.ReportRequest{Report: s.Report, Tenant: r.URL.Query().Get("tenantId"), Parameters: map[string]string{}}
	found, _ := report.Find(s.Report)
	for _, p := range found.Parameters {
		value := given[p.ID]
		if value == "" || value == "0" {
			value = s.Parameters[p.ID]
		}
		if value != "" {
			in.Parameters[p.ID] = value
		}
	}
	if in.Parameters[report.FromParameter] != "" && given[report.FromParameter] != "" {
		delete(in.Parameters, report.RangeParameter) // that of the saved report
	}
	return in
}

func (o *reports) exportReport(w http.ResponseWriter, r *http.Request) error {
	s, given, err := o.form(r)
	if err != nil {
		return err
	}
	in := formRequest(r, s, given)
	result, err := o.ask(r.Context(), in)
	if err != nil {
		return err
	}
	return formatCSV.write(w, result, question{ReportRequest: in})
}

// taskNames are the names of the tasks of a process.
func (o *reports) taskNames(w http.ResponseWriter, r *http.Request) error {
	if _, err := o.one(r); err != nil {
		return err
	}
	query := r.URL.Query()
	choices, err := o.choicesOf(r.Context(), contract.ReportRequest{
		Report: "task-service-level-agreement", Tenant: query.Get("tenantId"), Choices: report.TaskParameter, Parameters: map[string]string{report.ProcessParameter: query.Get(report.ProcessParameter)},
	})
	if err != nil {
		return err
	}
	names := []string{}
	for _, c := range choices {
		names = append(names, c.ID)
	}
	reply(w, http.StatusOK, names)
	return nil
}

// processDefinition is a process as pages of the original list it.
type processDefinition struct {
	ID           string   `json:"id"`
	Name         string   `json:"name"`
	Description  *string  `json:"description"`
	Key          string   `json:"key"`
	Category     *string  `json:"category"`
	Version      int      `json:"version"`
	Deployment   *string  `json:"deploymentId"`
	Tenant       string   `json:"tenantId"`
	MetaData     []string `json:"metaDataValues"`
	HasStartForm bool     `json:"hasStartForm"`
}

func (o *reports) processDefinitions(w http.ResponseWriter, r *http.Request) error {
	tenant := r.URL.Query().Get("tenantId")
	choices, err := o.choicesOf(r.Context(), contract.ReportRequest{Report: "task-overview", Tenant: tenant, Choices: report.ProcessParameter})
	if err != nil {
		return err
	}
	all := []processDefinition{}
	for _, c := range choices {
		all = append(all, processDefinition{ID: c.ID, Name: c.Name, Key: c.Key, Version: c.Version, Tenant: tenant, MetaData: []string{}})
	}
	reply(w, http.StatusOK, all)
	return nil
}

// takeRange reads the range of a form: an id, or two days.
func takeRange(given map[string]string, raw []byte) error {
	var span struct {
		Start string `json:"startDate"`
		End   string `json:"endDate"`
		Range string `json:"rangeId"`
	}
	if err := json.Unmarshal(raw, &span); err != nil {
		return badRequest{fmt.Errorf("%s: startDate, endDate and rangeId are expected: %w", report.RangeParameter, err)}
	}
	if span.Range != "" && !strings.EqualFold(span.Range, report.Custom) {
		given[report.RangeParameter] = span.Range
		return nil
	}
	for id, text := range map[string]string{report.FromParameter: span.Start, report.ToParameter: span.End} {
		// Pages pick days, and send each as its beginning.
		if day, midnight := strings.CutSuffix(text, "T00:00:00.000Z"); midnight {
			text = day
		}
		if text != "" {
			given[id] = text
		}
	}
	return nil
}

// missing is the error of a report that is not there.
func missing(id string) error {
	return fmt.Errorf("there is no report with the id %q: %w: GET %s/reports lists them", id, client.ErrNotFound, reporting)
}
