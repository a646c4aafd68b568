package report

import (
	"context"

	"github.com/waybill-io/waybill/events"
)

const (
	byErrorCode = source("errorCode")
	byAction    = source("action")
)

const noCode = "(none)"

// trouble is what went wrong at one place, or for one reason.
type trouble struct {
	row    []any // what it is
	open   float64
	closed float64
	took   moments
}

// troubles are added up by a name.
type troubles map[string]*trouble

func (all troubles) add(name string, g group, took moments, row ...any) {
	t := all[name]
	if t == nil {
		t = &trouble{row: row}
		all[name] = t
	}
	if g.text(byStatus) == string(events.Active) {
		t.open += g.Count
	} else {
		t.closed += g.Count
	}
	t.took.add(took)
}

// rows are what it is, total, open, answered, and how long the answer took.
func (all troubles) rows() [][]any {
	totals := map[string]float64{}
	for name, t := range all {
		totals[name] = t.open + t.closed
	}
	var rows [][]any
	for _, name := range largest(totals) {
		t := all[name]
		rows = append(rows, append(append([]any{}, t.row...), totals[name], t.open, t.closed, t.took.average()))
	}
	return rows
}

// incidents is the report of incidents.
func incidents(ctx context.Context, q *question) error {
	of := q.of(events.KindIncident)
	places, reasons := troubles{}, troubles{}
	actions := map[string]float64{}
	open, closed := 0.0, 0.0
	var answers moments
	opened := append(of[:len(of):len(of)], q.within("startTime"))
	err := q.groups(ctx, events.Activities, opened, []source{byDefinition, byActivity, byActivityName, byErrorCode, byAction, byStatus}, durations(), func(g group) error {
		took, err := g.durations()
		if err != nil {
			return err
		}
		key, id, code := g.text(byDefinition), g.text(byActivity), known(g.text(byErrorCode), noCode)
		places.add(key+" "+id, g, took, known(g.text(byActivityName), id), id, key)
		reasons.add(code, g, took, code)
		answers.add(took)
		if g.text(byStatus) == string(events.Active) {
			open += g.Count
			return nil
		}
		closed += g.Count
		actions[known(g.text(byAction), noCode)] += g.Count
		return nil
	})
	if err != nil {
		return err
	}
	lines, err := q.comings(ctx, of)
	if err != nil {
		return err
	}
	counts := []column{{"Total", Count}, {"Open", Count}, {"Answered", Count}, {"Average time to the answer", Milliseconds}}
	q.add(
		q.figures("general-table", "Overview", "Incidents", open+closed, "Open", open, "Answered", closed),
		q.overTime("incidents-histogram", "Incidents opened and answered", Count, lines...),
		q.table("incidents-by-element", "Incidents by element", append([]column{{"Element", Text}, {"Id", Text}, {"Process", Text}}, counts...), places.rows()),
		q.table("incidents-by-reason", "Incidents by reason", append([]column{{"Reason", Text}}, counts...), reasons.rows()),
		q.pie("incidents-by-answer", "Answers", actions),
		q.table("statistics", "Times to the answer", momentColumns, [][]any{answers.cells()}),
	)
	return nil
}

// comings counts what began and what ended in each interval; what ended may have begun before the range.
func (q *question) comings(ctx context.Context, of filter) ([]line, error) {
	var lines []line
	for _, side := range []struct{ name, field string }{{"Opened", "startTime"}, {"Answered", "endTime"}} {
		f := append(of[:len(of):len(of)], q.within(side.field))
		found, err := q.histogram(ctx, events.Activities, f, side.field, nil)
		if err != nil {
			return nil, err
		}
		lines = append(lines, found.counts(side.name))
	}
	return lines, nil
}
