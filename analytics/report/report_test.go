package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/events"
)

// Whatever happened, all reports say what counting says.
func TestReportsEqualTheFold(t *testing.T) {
	documents := randomLog(11, 900)
	r := indexed(t, documents)
	for _, span := range []struct{ from, to, zone, interval, process, status string }{
		{"2026-03-20", "2026-04-05", "UTC", "day", "", ""},
		{"2026-03-28", "2026-03-30", "Europe/Berlin", "hour", "order", ""}, // summer time begins
		{"2026-03-14T08:00:00Z", "2026-04-11T10:00:00Z", "America/St_Johns", "week", "claim:2", "completed"},
		{"2026-01-01", "2026-12-31", "Asia/Kathmandu", "month", "hire", "active"},
		{"2026-01-01", "2026-04-08", "Europe/Berlin", "year", "order:3", "failed"},
		{"2020-01-01", "2020-02-01", "UTC", "day", "", ""}, // nothing
	} {
		t.Run(fmt.Sprint(span), func(t *testing.T) {
			zone, err := time.LoadLocation(span.zone)
			require.NoError(t, err)
			at := func(text string, days int) time.Time {
				if day, err := time.ParseInLocation(time.DateOnly, text, zone); err == nil {
					return day.AddDate(0, 0, days)
				}
				at, err := time.Parse(time.RFC3339, text)
				require.NoError(t, err)
				return at
			}
			f := fold{documents: documents, from: at(span.from, 0), to: at(span.to, 1), zone: zone, interval: span.interval, process: span.process, status: span.status}
			c := check{T: t, r: r, f: f, parameters: map[string]string{
				FromParameter: span.from, ToParameter: span.to, ZoneParameter: span.zone, IntervalParameter: span.interval, ProcessParameter: span.process, StatusParameter: span.status,
			}}
			c.heatMap()
			c.definitions()
			c.instances()
			c.tasks()
			c.serviceLevel()
			c.incidents()
			c.connectors()
			c.mails()
		})
	}
}

// check compares each report with the fold.
type check struct {
	*testing.T
	r          *Reporter
	f          fold
	parameters map[string]string
}

// ask asks with those of the parameters that the report has, and some more.
func (c check) ask(name string, more ...string) Result {
	report, ok := Find(name)
	require.True(c, ok, name)
	given := map[string]string{}
	for id, value := range c.parameters {
		if _, known := report.Parameter(id); known {
			given[id] = value
		}
	}
	for i := 0; i < len(more); i += 2 {
		given[more[i]] = more[i+1]
	}
	return asked(c.T, c.r, name, given)
}

// pairs are the values of a table of figures.
func figures(e Element) []any {
	var values []any
	for _, row := range e.Rows {
		values = append(values, row[1])
	}
	return values
}

func (c check) heatMap() {
	if c.f.process == "" {
		return // it is of one process
	}
	result := c.ask("process-definition-heat-map")
	h := result.element(c.T, "heat-map").HeatMap
	require.Equal(c, c.f.process, h.Definition)
	spots := split(c.f.of(events.KindActivity), func(d events.Document) string { return d.ActivityID })
	require.Len(c, h.TotalCountValues, len(spots))
	var most, longest, slowest float64
	for id, documents := range spots {
		s := statistics(documents)
		require.InDelta(c, float64(len(documents)), h.TotalCountValues[id], 0)
		require.True(c, near(s[1].(float64)/3.6e6, h.TotalTimeValues[id]), id)
		average, _ := s[4].(float64)
		require.True(c, near(average/3.6e6, h.AvgTimeValues[id]), id)
		most, longest, slowest = max(most, float64(len(documents))), max(longest, s[1].(float64)), max(slowest, average)
		require.Equal(c, "At "+id, h.ActivityNames[id])
	}
	for id, documents := range spots {
		s := statistics(documents)
		average, _ := s[4].(float64)
		require.True(c, near(float64(len(documents))/most*100, h.TotalCountPercentages[id]))
		if longest > 0 {
			require.True(c, near(s[1].(float64)/longest*100, h.TotalTimePercentages[id]))
			require.True(c, near(average/slowest*100, h.AvgTimePercentages[id]))
		}
	}
	sameRows(c.T, rowsOf(spots, func(id string, documents []events.Document) []any {
		s := statistics(documents)
		return []any{"At " + id, id, "task", float64(len(documents)), s[1], s[4]}
	}), result.element(c.T, "activities").Rows, "activities")
}

func (c check) definitions() {
	f := c.f
	f.process = ""
	result := c.ask("process-definition-overview")
	found := f.of(events.KindProcess)
	parts := split(found, func(d events.Document) string { return d.Key })
	require.Equal(c, append([]any{float64(len(parts))}, counts(found)...), figures(result.element(c.T, "general-table")))
	latest := func(documents []events.Document) (name string, versions float64) {
		seen := map[int]bool{}
		top := 0
		for _, d := range documents {
			seen[d.DefinitionVersion] = true
			top = max(top, d.DefinitionVersion)
		}
		for _, d := range documents {
			if d.DefinitionVersion == top {
				name = max(name, d.Process.Name)
			}
		}
		return name, float64(len(seen))
	}
	sameRows(c.T, rowsOf(parts, func(key string, documents []events.Document) []any {
		name, versions := latest(documents)
		return append(append([]any{cmp.Or(name, key)}, counts(documents)...), key, versions)
	}), result.element(c.T, "detail-table").Rows, "definitions")
	total := 0.0
	for _, v := range result.element(c.T, "proc-inst-chart-title").Values {
		total += *v.Y
	}
	require.InDelta(c, float64(len(found)), total, 0)
}

func (c check) instances() {
	result := c.ask("process-instances-overview", SlowestParameter, "7")
	found := c.f.of(events.KindProcess)
	require.Equal(c, counts(found), figures(result.element(c.T, "general-table")))
	sameRows(c.T, [][]any{statistics(found)}, result.element(c.T, "statistics").Rows, "statistics")
	took := func(d events.Document) float64 {
		if d.Duration != nil {
			return float64(*d.Duration)
		}
		return float64(today.Sub(d.Start).Milliseconds())
	}
	for id, running := range map[string]bool{"slowest-instances": false, "longest-running-instances": true} {
		var listed []events.Document
		for _, d := range found {
			if (d.Status == events.Active) == running {
				listed = append(listed, d)
			}
		}
		slices.SortFunc(listed, func(a, b events.Document) int {
			return cmp.Or(cmp.Compare(took(b), took(a)), cmp.Compare(a.Instance, b.Instance))
		})
		var rows [][]any
		for _, d := range listed[:min(7, len(listed))] {
			row := []any{d.Instance, d.Definition, d.BusinessKey, string(d.Status), d.Start.In(c.f.zone).Format(time.RFC3339), nil, took(d)}
			if !running {
				row[5] = d.End.In(c.f.zone).Format(time.RFC3339)
			}
			rows = append(rows, row)
		}
		sameRows(c.T, rows, result.element(c.T, id).Rows, id)
	}
}

func (c check) tasks() {
	result := c.ask("task-overview")
	found := c.f.of(events.KindTask)
	require.Equal(c, counts(found), figures(result.element(c.T, "general-table")))
	require.Equal(c, c.f.points(starts(found)), result.element(c.T, "task-histogram-title").Values[0].Points)
	people := split(found, assignee)
	require.Equal(c, shares(people), result.element(c.T, "assignee-chart-title").Values)
	sameRows(c.T, rowsOf(people, func(who string, documents []events.Document) []any {
		return append(append([]any{who}, counts(documents)...), statistics(documents)[4])
	}), result.element(c.T, "assignees").Rows, "assignees")
	byName := split(found, func(d events.Document) string { return cmp.Or(d.Event.Name, d.TaskKey) })
	statisticsOf := func(name string, documents []events.Document) []any {
		return append([]any{name}, statistics(documents)...)
	}
	table := result.element(c.T, "detailed-task-stats-title")
	sameRows(c.T, rowsOf(byName, statisticsOf), table.Rows, "tasks")
	for i, name := range names(byName) {
		require.Equal(c, name, table.DetailTables[i].Title)
		sameRows(c.T, rowsOf(split(byName[name], assignee), statisticsOf), table.DetailTables[i].Rows, name)
	}
	chart := result.element(c.T, "task-duration-title")
	for i, column := range []int{4, 2, 3} {
		n := 0
		for _, name := range names(byName) {
			if s := statistics(byName[name]); s[0] != 0.0 {
				require.Equal(c, name, chart.Values[i].Points[n].X)
				require.True(c, near(s[column].(float64), *chart.Values[i].Points[n].Y))
				n++
			}
		}
		require.Len(c, chart.Values[i].Points, n)
	}
}

func (c check) serviceLevel() {
	if c.f.process == "" {
		return
	}
	f := c.f
	f.status = ""
	for _, completed := range []bool{true, false} {
		result := c.ask("task-sla", DurationParameter, "1h", TaskParameter, "Check", EndedParameter, fmt.Sprint(completed))
		var within, over []events.Document
		for _, d := range f.of(events.KindTask) {
			switch age := today.Sub(d.Start); {
			case d.Event.Name != "Check":
			case d.Status == events.Completed && *d.Duration <= time.Hour.Milliseconds(), d.Status == events.Active && !completed && age <= time.Hour:
				within = append(within, d)
			case d.Status == events.Completed, d.Status == events.Active && !completed:
				over = append(over, d)
			}
		}
		levels := map[string]float64{}
		for _, v := range result.element(c.T, "sla-chart-title").Values {
			levels[v.Key] = *v.Y
		}
		require.Equal(c, map[string]float64{"Within": float64(len(within)), "Over": float64(len(over))}, levels)
		good := split(within, assignee)
		sameRows(c.T, rowsOf(split(append(within, over...), assignee), func(who string, documents []events.Document) []any {
			n, all := float64(len(good[who])), float64(len(documents))
			return []any{who, all, n, all - n, n / all * 100}
		}), result.element(c.T, "sla-assignees").Rows, "service level")
	}
}

func (c check) incidents() {
	f := c.f
	f.status = ""
	result := c.ask("incidents")
	found := f.of(events.KindIncident)
	levels := func(documents []events.Document) []any {
		open := counts(documents)[1].(float64)
		return []any{float64(len(documents)), open, float64(len(documents)) - open, statistics(documents)[4]}
	}
	require.Equal(c, levels(found)[:3], figures(result.element(c.T, "general-table")))
	sameRows(c.T, rowsOf(split(found, func(d events.Document) string { return d.Key + " " + d.ActivityID }), func(name string, documents []events.Document) []any {
		key, id, _ := strings.Cut(name, " ")
		return append([]any{id, id, key}, levels(documents)...)
	}), result.element(c.T, "incidents-by-element").Rows, "elements")
	sameRows(c.T, rowsOf(split(found, func(d events.Document) string { return cmp.Or(d.ErrorCode, "(none)") }), func(code string, documents []events.Document) []any {
		return append([]any{code}, levels(documents)...)
	}), result.element(c.T, "incidents-by-reason").Rows, "reasons")
	sameRows(c.T, [][]any{statistics(found)}, result.element(c.T, "statistics").Rows, "answers")
	var ends []time.Time
	for _, d := range f.documents {
		if d.Kind == events.KindIncident && f.belongs(d) && f.in(d.End) {
			ends = append(ends, d.End)
		}
	}
	chart := result.element(c.T, "incidents-histogram")
	// What was answered may be later than now in a random log, where there is no interval up to now.
	require.Equal(c, f.points(starts(found)), chart.Values[0].Points[:len(f.intervals())])
	require.Equal(c, f.points(ends), chart.Values[1].Points[:len(f.intervals())])
}

func (c check) connectors() {
	f := c.f
	f.status = ""
	result := c.ask("connectors")
	found := f.of(events.KindIntegration)
	parts := split(found, func(d events.Document) string { return d.Implementation })
	table := result.element(c.T, "connectors")
	require.Len(c, table.Rows, len(parts))
	for i, name := range names(parts) {
		n := counts(parts[name])
		attempts := 0.0
		var durations []float64
		for _, d := range parts[name] {
			attempts += float64(d.Attempts)
			if d.Duration != nil {
				durations = append(durations, float64(*d.Duration))
			}
		}
		slices.Sort(durations)
		longest := any(nil)
		if len(durations) > 0 {
			longest = durations[len(durations)-1]
		}
		row := table.Rows[i]
		sameRows(c.T, [][]any{{name, n[0], n[1], n[4], n[4].(float64) / n[0].(float64) * 100, attempts, longest}}, [][]any{append(slices.Clone(row[:6]), row[9])}, name)
		for j, percent := range quantiles {
			requireQuantile(c.T, durations, percent, row[6+j])
		}
	}
	calls := result.element(c.T, "calls-histogram")
	require.Equal(c, f.points(starts(found)), calls.Values[0].Points)
	require.Equal(c, f.points(starts(slices.DeleteFunc(slices.Clone(found), func(d events.Document) bool { return d.Status != events.Failed }))), calls.Values[1].Points)
	require.Len(c, result.element(c.T, "latency-histogram").Values[2].Points, len(f.intervals()))
}

// requireQuantile allows an estimate as far as two of the values beside the one that it is of.
func requireQuantile(t *testing.T, sorted []float64, percent float64, got any) {
	t.Helper()
	if len(sorted) == 0 {
		require.Nil(t, got)
		return
	}
	rank := percent / 100 * float64(len(sorted)-1)
	low, high := max(0, int(math.Floor(rank))-2), min(len(sorted)-1, int(math.Ceil(rank))+2)
	require.GreaterOrEqual(t, got, sorted[low])
	require.LessOrEqual(t, got, sorted[high])
}

func (c check) mails() {
	f := c.f
	f.status, f.process = "", ""
	result := c.ask("mail")
	sides := split(f.of(events.KindMail), func(d events.Document) string { return string(d.Type) })
	received, sent := sides[string(events.MailReceived)], sides[string(events.MailSent)]
	require.Equal(c, []any{float64(len(received)), float64(len(sent))}, figures(result.element(c.T, "general-table")))
	chart := result.element(c.T, "mail-histogram")
	require.Equal(c, f.points(starts(received)), chart.Values[0].Points)
	require.Equal(c, f.points(starts(sent)), chart.Values[1].Points)
	sameRows(c.T, rowsOf(split(append(received, sent...), func(d events.Document) string { return cmp.Or(d.Mailbox, "(none)") }), func(name string, documents []events.Document) []any {
		n := split(documents, func(d events.Document) string { return string(d.Type) })
		return []any{name, float64(len(n[string(events.MailReceived)])), float64(len(n[string(events.MailSent)]))}
	}), result.element(c.T, "mailboxes").Rows, "mailboxes")
	sameRows(c.T, rowsOf(split(received, func(d events.Document) string { return cmp.Or(d.Outcome, "(none)") }), func(name string, documents []events.Document) []any {
		return []any{name, float64(len(documents))}
	}), result.element(c.T, "outcomes").Rows, "outcomes")
}
