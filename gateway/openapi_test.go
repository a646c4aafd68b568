package gateway

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics/report"
)

// Every call that is answered is documented, and every call that is documented is answered.
func TestDocumentHasAllRoutes(t *testing.T) {
	var document struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	require.NoError(t, json.Unmarshal(openAPI, &document))
	var documented []string
	for path, methods := range document.Paths {
		for method := range methods {
			if method == "parameters" {
				continue
			}
			// In the document a parameter of the path has no name for the rest of it.
			documented = append(documented, strings.ToUpper(method)+" "+strings.Replace(path, "/{path}", "/{path...}", 1))
		}
	}
	slices.Sort(documented)
	require.Equal(t, slices.Sorted(maps.Keys(routes(Options{Metrics: prometheus.NewRegistry()}))), documented)
}

// The document says which fields credentials have, no more and no less.
func TestDocumentHasAllFields(t *testing.T) {
	var document struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]any `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	require.NoError(t, json.Unmarshal(openAPI, &document))
	text := "-"
	for name, value := range map[string]any{
		"ReportParameter": report.Parameter{NameKey: "-", Default: "-", DependsOn: "-", Options: []string{"-"}, Max: 1, Choices: true}, "Report": report.Report{}, "ReportChoice": report.Choice{Key: "-", Version: 1},
		"ReportValue": report.Value{Y: new(float64), KeyAndValue: &[2]string{}, Others: 1, Points: []report.Point{{}}}, "ReportResult": report.Result{Notes: []string{"-"}},
		"ReportElement": report.Element{
			ColumnNames: []string{"-"}, ColumnTypes: []report.Unit{"-"}, Rows: [][]any{{}}, DetailTables: []report.Element{{}}, Values: []report.Value{{}}, XAxis: "-", YAxis: "-",
			HeatMap: &report.HeatMap{ActivityNames: map[string]string{"-": "-"}},
		},
		"ReportCharts": charts{}, "ReportName": reportName{}, "ReportDefinition": reportDefinition{Created: &text}, "ReportProcess": processDefinition{},
		"Credentials": credentials{}, "Email": email{}, "Outcome": outcome{}, "Emitted": emitted{}, "Connection": connection{LastAlive: new(time.Time), Cause: "-"},
		"EmailReport": contract.EmailReport{From: "-", Tenant: "-", MessageID: "-"}, "EmailStage": contract.EmailStage{Found: "-", Advice: "-", Setting: "-"},
		"EmailHealth": contract.EmailHealth{}, "EmailServer": contract.EmailServer{LastSuccess: new(time.Time), LastFailure: new(time.Time), Cause: "-"},
	} {
		text, err := json.Marshal(value)
		require.NoError(t, err)
		var fields map[string]any
		require.NoError(t, json.Unmarshal(text, &fields))
		if name == "Credentials" {
			fields["since"] = nil // left out when it is zero
		}
		require.Equal(t, slices.Sorted(maps.Keys(fields)), slices.Sorted(maps.Keys(document.Components.Schemas[name].Properties)), name)
	}
}

func TestDocumentIsLinted(t *testing.T) {
	const dir = "testdata/redocly"
	missing := ""
	if _, err := exec.LookPath("node"); err != nil {
		missing = "Node.js is not installed"
	} else if _, err := os.Stat(dir + "/node_modules/@redocly/cli"); err != nil {
		missing = "the linter is not installed (npm ci --ignore-scripts in gateway/" + dir + ")"
	}
	if missing != "" && os.Getenv("CI") == "true" {
		t.Fatal(missing)
	} else if missing != "" {
		t.Skip(missing)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	lint := func(file string) (string, error) {
		command := exec.CommandContext(ctx, "node", "node_modules/@redocly/cli/bin/cli.js", "lint", "--config", "redocly.yaml", file)
		command.Dir = dir
		command.Env = append(os.Environ(), "REDOCLY_TELEMETRY=off", "REDOCLY_SUPPRESS_UPDATE_NOTICE=true")
		output, err := command.CombinedOutput()
		return string(output), err
	}
	output, err := lint("../../openapi.json")
	require.NoError(t, err, output)

	wrong := t.TempDir() + "/openapi.json"
	require.NoError(t, os.WriteFile(wrong, []byte(strings.Replace(string(openAPI), `"$ref": "#/components/schemas/Outcome"`, `"$ref": "#/components/schemas/Nothing"`, 1)), 0o600))
	output, err = lint(wrong)
	require.Error(t, err, "the linter finds what is wrong")
	require.Contains(t, output, "Nothing")
}
