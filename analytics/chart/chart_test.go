package chart

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/analytics/report"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	path := "testdata/" + file
	if *update {
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "look at the picture, then run with -update")
}

// wellFormed returns all texts of a picture, and refuses what a browser would run or load.
func wellFormed(t *testing.T, picture []byte) string {
	t.Helper()
	var texts strings.Builder
	d := xml.NewDecoder(bytes.NewReader(picture))
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return texts.String()
		}
		require.NoError(t, err)
		switch tok := tok.(type) {
		case xml.StartElement:
			require.Contains(t, []string{"svg", "title", "desc", "style", "rect", "g", "text", "path", "circle"}, tok.Name.Local)
			for _, a := range tok.Attr {
				require.NotContains(t, []string{"href", "src", "onload", "onclick"}, a.Name.Local)
			}
		case xml.CharData:
			texts.Write(tok)
			texts.WriteByte('\n')
		}
	}
}

func TestReport(t *testing.T) {
	picture, err := SVG(sample(), Options{})
	require.NoError(t, err)
	again, err := SVG(sample(), Options{})
	require.NoError(t, err)
	require.Equal(t, string(picture), string(again))
	golden(t, "report.svg", picture)
	texts := wellFormed(t, picture)
	for _, want := range []string{`Tasks of <order> & "returns"`, "active <b>", "412 · 78.6 %", "2 others", "grace & co", "1,204", "85 d 19 h", "No data in this range.", "Counts of more than 10,000 are estimates."} {
		require.Contains(t, texts, want)
	}
	require.Contains(t, string(picture), `role="img" aria-labelledby="wb-title-task-overview wb-description-task-overview"`)
}

func TestHeatMap(t *testing.T) {
	model, err := os.ReadFile("../../examples/support-desk/processes/support-desk.bpmn")
	require.NoError(t, err)
	for measure, want := range map[Measure][]string{
		ByCount:   {"How often", "up to 412", "300"},
		ByTotal:   {"Time in total", "up to 17 d 5 h", "3 min"},
		ByAverage: {"Time on average", "up to 3 h 42 min", "720 ms"},
	} {
		picture, err := SVG(heated(), Options{Model: model, Measure: measure})
		require.NoError(t, err)
		texts := wellFormed(t, picture)
		for _, w := range append(want, "Answer the customer: 112 times, 17 d 5 h in total, 3 h 42 min on average", "another version of the model: gone.") {
			require.Contains(t, texts, w)
		}
		if measure == ByTotal {
			golden(t, "heat-map.svg", picture)
		}
	}
}

func TestHeatMapWithoutDiagram(t *testing.T) {
	for name, c := range map[string]struct{ model, want string }{
		"no model":      {"", "--model FILE.bpmn"},
		"no diagram":    {`<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p"/></definitions>`, "has no diagram"},
		"another model": {readFile(t, "../../bpmn/testdata/miwg/A.1.0.bpmn"), "has none of these activities"},
	} {
		picture, err := SVG(heated(), Options{Model: []byte(c.model)})
		require.NoError(t, err, name)
		texts := wellFormed(t, picture)
		require.Contains(t, texts, c.want, name)
		require.Contains(t, texts, "Acknowledge receipt", name)
	}
	_, err := SVG(heated(), Options{Model: []byte(`<!DOCTYPE a><definitions/>`)})
	require.ErrorContains(t, err, "document type declaration is refused")
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}

func TestRefused(t *testing.T) {
	_, err := SVG(report.Result{}, Options{Measure: "median"})
	require.ErrorContains(t, err, `measure "median" is unknown`)
	_, err = SVG(report.Result{Report: "r", Elements: []report.Element{{ID: "e", Type: "lineChart"}}}, Options{})
	require.ErrorContains(t, err, `draw e of report r: elements of type "lineChart" are not drawn`)
	_, err = SVG(report.Result{Elements: []report.Element{{Type: report.ProcessHeatMap}}}, Options{})
	require.ErrorContains(t, err, "has no numbers")
}

// TestBounds draws what is far too much, and numbers that are none.
func TestBounds(t *testing.T) {
	long := strings.Repeat("Ünïcödé <&> ", 1000)
	var points []report.Point
	var rows [][]any
	var values []report.Value
	for i := range 5000 {
		points = append(points, report.Point{X: long, Y: f(float64(i))})
		rows = append(rows, []any{long, float64(i), math.NaN(), true})
		values = append(values, report.Value{Key: long, Y: f(float64(i))})
	}
	points[1].Y, points[2].Y, values[1].Y = f(math.NaN()), f(math.Inf(1)), f(math.Inf(-1))
	several := make([]report.Value, 20)
	for i := range several {
		several[i] = report.Value{Key: long, Points: points[:i*100+3]}
	}
	var elements []report.Element
	for _, e := range []report.Element{
		{Type: report.PieChart, Values: values}, {Type: report.BarChart, XAxis: report.Text, Values: several[:1]}, {Type: report.MultiBarChart, XAxis: report.Text, Values: several},
		{Type: report.MultiBarChart, XAxis: report.Hours, YAxis: report.Milliseconds, Values: several},
		{Type: report.Table, ColumnNames: []string{long, "n", "m", "more", "none"}, ColumnTypes: []report.Unit{report.Text, report.Count, report.Percent}, Rows: rows},
		{Type: report.MasterDetailTable, ColumnNames: []string{"a"}, Rows: rows, DetailTables: []report.Element{{Type: report.Table, ColumnNames: []string{"b"}, Rows: rows}}},
	} {
		e.Title = long
		for range 10 {
			elements = append(elements, e)
		}
	}
	picture, err := SVG(report.Result{Report: "r", Title: long, Elements: elements}, Options{})
	require.NoError(t, err)
	texts := wellFormed(t, picture)
	require.True(t, strings.Contains(texts, "20 more elements are not drawn."), "%.2000s", texts[max(0, len(texts)-2000):])
	require.Less(t, len(picture), 2<<20)
}

func TestSpan(t *testing.T) {
	for ms, want := range map[float64]string{
		0: "0 ms", 0.4: "0 ms", 950: "950 ms", 1500: "1.5 s", 59_999: "60 s", 60_000: "1 min", 245_000: "4 min 5 s", 3_599_999: "60 min", 3_600_000: "1 h", 11_520_000: "3 h 12 min",
		86_399_999_999: "1,000 d", 187_200_000: "2 d 4 h", -1500: "-1.5 s",
	} {
		require.Equal(t, want, span(ms), ms)
	}
}
