package report

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func number(n float64) *float64 { return &n }

func sample() Result {
	return Result{Report: "task-overview", Elements: []Element{
		{ID: "a", Type: Table, Title: "=Tasks", ColumnNames: []string{"Task", "Average", "Within"}, ColumnTypes: []Unit{Text, Milliseconds, Percent}, Rows: [][]any{
			{"=1+1", 1500.5, 66.66}, {"-2", nil, 0.0}, {`say "no", or`, -3.0, nil}, {"@x", 0.0, 1.0},
		}},
		{ID: "b", Type: PieChart, Title: "Pie", Values: []Value{slice("ann", 3)}},
		{ID: "c", Type: MultiBarChart, Title: "Bars", XAxis: Days, YAxis: Count, Values: []Value{
			{Key: "Received", Points: []Point{{"2026-01-01T00:00:00Z", number(1)}, {"2026-01-02T00:00:00Z", nil}}},
			{Key: "Sent", Points: []Point{{"2026-01-01T00:00:00Z", number(2)}, {"2026-01-02T00:00:00Z", number(3)}}},
		}},
		{ID: "d", Type: ProcessHeatMap, Title: "Map", HeatMap: &HeatMap{
			Definition: "order:1", ActivityNames: map[string]string{"check": "Check"}, TotalCountValues: map[string]float64{"check": 2}, TotalCountPercentages: map[string]float64{"check": 100},
			TotalTimeValues: map[string]float64{"check": 0.5}, TotalTimePercentages: map[string]float64{"check": 100}, AvgTimeValues: map[string]float64{"check": 0.25}, AvgTimePercentages: map[string]float64{"check": 100},
		}},
	}}
}

func TestCSV(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, WriteCSV(&out, sample(), ""))
	require.Equal(t, `'=Tasks
Task,Average (ms),Within (%)
'=1+1,1500.5,66.66
'-2,,0
"say ""no"", or",-3,
'@x,0,1

Pie
Name,Value
ann,3

Bars
From,Received,Sent
2026-01-01T00:00:00Z,1,2
2026-01-02T00:00:00Z,,3

Map
Id,Activity,Count,Count (%),Total hours,Total hours (%),Average hours,Average hours (%)
check,Check,2,100,0.5,100,0.25,100
`, out.String())
	out.Reset()
	require.NoError(t, WriteCSV(&out, sample(), "b"))
	require.Equal(t, "Name,Value\nann,3\n", out.String())
	require.ErrorContains(t, WriteCSV(&out, sample(), "x"), `the report task-overview has no element "x": it has a, b, c, d`)
}

// The shape is that of the original's answers.
func TestJSON(t *testing.T) {
	text, err := json.Marshal(sample().Elements[1:])
	require.NoError(t, err)
	require.JSONEq(t, `[
		{"id":"b","type":"pieChart","title":"Pie","titleKey":"","values":[{"key":"ann","y":3,"keyAndValue":["ann","3"]}]},
		{"id":"c","type":"multiBarChart","title":"Bars","titleKey":"","xAxisType":"date_day","yAxisType":"count","values":[
			{"key":"Received","values":[["2026-01-01T00:00:00Z",1],["2026-01-02T00:00:00Z",null]]},
			{"key":"Sent","values":[["2026-01-01T00:00:00Z",2],["2026-01-02T00:00:00Z",3]]}]},
		{"id":"d","type":"processDefinitionHeatMap","title":"Map","titleKey":"","processDefinitionId":"order:1","activityNames":{"check":"Check"},
			"totalCountValues":{"check":2},"totalCountsPercentages":{"check":100},"totalTimeValues":{"check":0.5},"totalTimePercentages":{"check":100},"avgTimeValues":{"check":0.25},"avgTimePercentages":{"check":100}}
	]`, string(text))
	var back []Element
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, sample().Elements[1:], back)
	require.ErrorContains(t, json.Unmarshal([]byte(`{"x":1}`), &Point{}), "a point [x, y] is expected")
}

func TestShow(t *testing.T) {
	for want, got := range map[string]string{
		"350ms": Show(350.0, Milliseconds), "0.3ms": Show(0.25, Milliseconds), "1.5s": Show(1500.0, Milliseconds), "2m5s": Show(125_000.0, Milliseconds), "2h3m": Show(7_380_000.0, Milliseconds), "3d4h": Show(76*3.6e6, Milliseconds), "30m": Show(1_800_000.0, Milliseconds), "1m10s": Show(70_000.0, Milliseconds), "10m": Show(600_000.0, Milliseconds),
		"66.7 %": Show(66.66, Percent), "12": Show(12.0, Count), "0.333": Show(1.0/3, Count), "": Show(nil, Count), "ann": Show("ann", Text),
	} {
		require.Equal(t, want, got)
	}
}
