package chart

import (
	"time"

	"github.com/waybill-io/waybill/analytics/report"
)

func f(v float64) *float64 { return &v }

// sample is a report with an element of every type, and texts that must be escaped.
func sample() report.Result {
	days := make([]report.Point, 0, 14)
	for i := range 14 {
		p := report.Point{X: time.Date(2026, 11, 1+i, 0, 0, 0, 0, time.UTC).Format(time.RFC3339), Y: f(float64(i*7%11) * 3)}
		if i == 5 {
			p.Y = nil
		}
		days = append(days, p)
	}
	other := make([]report.Point, len(days))
	for i, p := range days {
		other[i] = report.Point{X: p.X, Y: f(float64(i))}
	}
	return report.Result{
		Report: "task-overview", Title: `Tasks of <order> & "returns"`, Parameters: map[string]string{"from": "2026-11-01", "to": "2026-11-15", "status": "all"},
		Notes: []string{"Counts of more than 10,000 are estimates."},
		Elements: []report.Element{
			{ID: "counts", Type: report.PieChart, Title: "Tasks by state", YAxis: report.Count, Values: []report.Value{{Key: "completed", Y: f(412)}, {Key: "active <b>", Y: f(98)}, {Key: "cancelled", Y: f(14)}}},
			{ID: "names", Type: report.PieChart, Title: "Tasks by name", YAxis: report.Count, Values: []report.Value{{Key: "Check the order", Y: f(200)}, {Key: "A task whose name is so long that nobody can read it in one line", Y: f(120)},
				{Key: "c", Y: f(1)}, {Key: "d", Y: f(2)}, {Key: "e", Y: f(3)}, {Key: "f", Y: f(4)}, {Key: "g", Y: f(5)}, {Key: "h", Y: f(6)}, {Key: "i", Y: f(7)}, {Key: "j", Y: f(8)}}},
			{ID: "assignee", Type: report.BarChart, Title: "Tasks by assignee", XAxis: report.Text, YAxis: report.Count, Values: []report.Value{{Key: "tasks", Points: []report.Point{{X: "ada@example.org", Y: f(120)}, {X: "grace & co", Y: f(1204)}, {X: "nobody", Y: f(3)}}}}},
			{ID: "few", Type: report.BarChart, Title: "Incidents by activity", XAxis: report.Text, YAxis: report.Count, Values: []report.Value{{Key: "incidents", Points: []report.Point{{X: "Notify on-call", Y: f(2)}, {X: "Send the answer", Y: f(1)}}}}},
			{ID: "sla", Type: report.MultiBarChart, Title: "Within and over the limit", XAxis: report.Text, YAxis: report.Count, Values: []report.Value{
				{Key: "within", Points: []report.Point{{X: "Check", Y: f(90)}, {X: "Answer", Y: f(60)}}}, {Key: "over", Points: []report.Point{{X: "Check", Y: f(10)}, {X: "Answer", Y: f(40)}}}}},
			{ID: "time", Type: report.MultiBarChart, Title: "Tasks per day", XAxis: report.Days, YAxis: report.Count, Values: []report.Value{{Key: "created", Points: days}, {Key: "completed", Points: other}}},
			{ID: "duration", Type: report.BarChart, Title: "Duration on average", XAxis: report.Days, YAxis: report.Milliseconds, Values: []report.Value{{Key: "average", Points: scaledBy(days, 400_000)}}},
			{ID: "statistics", Type: report.Table, Title: "Statistics", ColumnNames: []string{"Task", "Count", "Sum", "Average", "Share", "Last"},
				ColumnTypes: []report.Unit{report.Text, report.Count, report.Milliseconds, report.Milliseconds, report.Percent, report.Moment},
				Rows:        [][]any{{"Check the order", 412.0, 7_412_345_000.0, 3_645_000.0, 82.5, "2026-11-14T12:34:56Z"}, {"Answer <the> customer", 1234567.0, nil, 950.0, 17.5, nil}}},
			{ID: "none", Type: report.BarChart, Title: "Nothing", XAxis: report.Text, YAxis: report.Count, Values: []report.Value{}},
		},
	}
}

func scaledBy(points []report.Point, by float64) []report.Point {
	out := make([]report.Point, len(points))
	for i, p := range points {
		out[i] = report.Point{X: p.X}
		if p.Y != nil {
			out[i].Y = f(*p.Y * by)
		}
	}
	return out
}

// heated is a heat map of the support desk.
func heated() report.Result {
	return report.Result{Report: "process-definition-heat-map", Title: "Heat map of support-desk", Elements: []report.Element{{
		ID: "heat-map", Type: report.ProcessHeatMap, Title: "Support desk", HeatMap: &report.HeatMap{
			Definition:       "support-desk",
			ActivityNames:    map[string]string{"acknowledge": "Acknowledge receipt", "answer-customer": "Answer the customer"},
			TotalCountValues: map[string]float64{"mail-arrived": 412, "acknowledge": 300, "answer-customer": 112, "gone": 3},
			TotalTimeValues:  map[string]float64{"mail-arrived": 0, "acknowledge": 0.05, "answer-customer": 412.5, "gone": 1},
			AvgTimeValues:    map[string]float64{"mail-arrived": 0, "acknowledge": 0.0002, "answer-customer": 3.7, "gone": 0.3},
		},
	}}}
}
