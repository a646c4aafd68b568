package report

import (
	"context"

	"github.com/waybill-io/waybill/events"
)

const byImplementation = source("implementation")

// quantiles are those of durations that are reported.
var quantiles = []float64{50, 95, 99}

// calls asks for what is reported of calls: failures, attempts, and how long they took.
func calls() map[string]any {
	return map[string]any{
		"failed":    map[string]any{"filter": term("status", events.Failed)},
		"under_way": map[string]any{"filter": term("status", events.Active)},
		"attempts":  map[string]any{"sum": map[string]any{"field": "attempts"}},
		"longest":   map[string]any{"max": map[string]any{"field": "duration"}},
		"quantiles": map[string]any{"percentiles": map[string]any{"field": "duration", "percents": quantiles, "keyed": false}},
	}
}

// called is what calls found.
type called struct {
	failed, underWay, attempts float64
	longest                    *float64
	quantiles                  []*float64 // as many as quantiles; nil: nothing has ended
}

func (g group) calls() (c called, err error) {
	number := func(name, field string) *float64 {
		found, failed := read[map[string]*float64](g.aggs, name)
		if failed != nil {
			err = failed
		}
		return found[field]
	}
	count := func(name, field string) float64 {
		if n := number(name, field); n != nil {
			return *n
		}
		return 0
	}
	c.failed, c.underWay, c.attempts, c.longest = count("failed", "doc_count"), count("under_way", "doc_count"), count("attempts", "value"), number("longest", "value")
	if err != nil {
		return c, err
	}
	found, err := read[struct {
		Values []struct {
			Value *float64 `json:"value"`
		} `json:"values"`
	}](g.aggs, "quantiles")
	for _, v := range found.Values {
		c.quantiles = append(c.quantiles, v.Value)
	}
	return c, err
}

// connectors is the report of connector calls.
func connectors(ctx context.Context, q *question) error {
	f := append(q.of(events.KindIntegration), q.within("startTime"))
	if q.implementation != "" {
		f = append(f, term("implementation", q.implementation))
	}
	totals := map[string]float64{}
	rows := map[string][]any{}
	var total, failed, attempts float64
	err := q.groups(ctx, events.Activities, f, []source{byImplementation}, calls(), func(g group) error {
		c, err := g.calls()
		if err != nil {
			return err
		}
		name := known(g.text(byImplementation), noCode)
		totals[name] = g.Count
		row := []any{name, g.Count, c.underWay, c.failed, 100 * c.failed / g.Count, c.attempts}
		for _, n := range append(c.quantiles, c.longest) {
			row = append(row, cell(n))
		}
		rows[name] = row
		total, failed, attempts = total+g.Count, failed+c.failed, attempts+c.attempts
		return nil
	})
	if err != nil {
		return err
	}
	found, err := q.histogram(ctx, events.Activities, f, "startTime", calls())
	if err != nil {
		return err
	}
	lines := []line{{"p50", map[int64]*float64{}}, {"p95", map[int64]*float64{}}, {"p99", map[int64]*float64{}}}
	failures := line{"Failures", map[int64]*float64{}}
	for _, b := range found.Buckets {
		c, err := b.calls()
		if err != nil {
			return err
		}
		failures.points[b.start] = &c.failed
		for i, n := range c.quantiles {
			lines[i].points[b.start] = n
		}
	}
	var sorted [][]any
	for _, name := range largest(totals) {
		sorted = append(sorted, rows[name])
	}
	q.note("Percentiles are estimates (t-digest).")
	q.add(
		q.figures("general-table", "Overview", "Calls", total, "Failures", failed, "Attempts", attempts),
		q.table("connectors", "Calls by implementation", []column{
			{"Implementation", Text}, {"Calls", Count}, {"Under way", Count}, {"Failures", Count}, {"Failure rate", Percent}, {"Attempts", Count},
			{"p50", Milliseconds}, {"p95", Milliseconds}, {"p99", Milliseconds}, {"Longest", Milliseconds},
		}, sorted),
		q.overTime("calls-histogram", "Calls and failures", Count, found.counts("Calls"), failures),
		q.overTime("latency-histogram", "Durations of calls", Milliseconds, lines...),
	)
	return nil
}

// cell is a number, or nil.
func cell(n *float64) any {
	if n == nil {
		return nil
	}
	return *n
}
