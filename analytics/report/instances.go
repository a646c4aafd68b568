package report

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waybill-io/waybill/events"
)

// tally counts things by their status.
type tally struct {
	total    float64
	statuses map[events.Status]float64
}

func (t *tally) add(status string, n float64) {
	if t.statuses == nil {
		t.statuses = map[events.Status]float64{}
	}
	t.total += n
	t.statuses[events.Status(status)] += n
}

// cells are those of the columns counted.
func (t tally) cells() []any {
	return []any{t.total, t.statuses[events.Active], t.statuses[events.Completed], t.statuses[events.Cancelled], t.statuses[events.Failed]}
}

// figures are the same one below the other.
func (t tally) figures(q *question, what string, more ...any) Element {
	var pairs []any
	for i, cell := range t.cells() {
		pairs = append(pairs, counted[i].name+" "+what, cell)
	}
	return q.figures("general-table", "Overview", append(more, pairs...)...)
}

// isVersion tells key:version from a key alone.
func isVersion(id string) bool {
	i := strings.LastIndexByte(id, ':')
	_, err := strconv.Atoi(id[i+1:])
	return i >= 0 && err == nil
}

// definition is a process with all its versions.
type definition struct {
	tally
	key, name string // the name of the latest version
	versions  map[int]bool
	latest    int
}

func (d *definition) saw(version int, name string) {
	if d.versions == nil {
		d.versions = map[int]bool{}
	}
	d.versions[version] = true
	if version > d.latest || version == d.latest && name > d.name {
		d.latest, d.name = version, name
	}
}

const (
	byDefinition = source("processDefinitionKey")
	byVersion    = source("processDefinitionVersion")
	byName       = source("processDefinitionName")
	byStatus     = source("status")
)

// definitions is the process definition overview.
func definitions(ctx context.Context, q *question) error {
	found := map[string]*definition{}
	var all tally
	f := append(q.withStatus(q.of(events.KindProcess)), q.within("startTime"))
	err := q.groups(ctx, events.ProcessInstances, f, []source{byDefinition, byVersion, byName, byStatus}, nil, func(g group) error {
		key := g.text(byDefinition)
		d := found[key]
		if d == nil {
			d = &definition{key: key}
			found[key] = d
		}
		version, _ := strconv.Atoi(g.text(byVersion)) // of a hand-written workflow there is none
		d.saw(version, g.text(byName))
		d.add(g.text(byStatus), g.Count)
		all.add(g.text(byStatus), g.Count)
		return nil
	})
	if err != nil {
		return err
	}
	named := map[string]int{}
	for _, d := range found {
		named[known(d.name, d.key)]++
	}
	shares := map[string]float64{}
	var rows [][]any
	for _, d := range slices.SortedFunc(maps.Values(found), func(a, b *definition) int {
		return cmp.Or(cmp.Compare(b.total, a.total), cmp.Compare(a.key, b.key))
	}) {
		name := known(d.name, d.key)
		if named[name] > 1 {
			name += " (" + d.key + ")"
		}
		shares[name] = d.total
		rows = append(rows, append(append([]any{name}, d.cells()...), d.key, float64(len(d.versions))))
	}
	columns := append(append([]column{{"Process definition", Text}}, counted...), column{"Key", Text}, column{"Versions", Count})
	q.add(
		all.figures(q, "process instances", "Total process definitions", float64(len(found))),
		q.pie("proc-inst-chart-title", "Total process instances overview", shares),
		q.table("detail-table", "Process definition details", columns, rows),
	)
	return nil
}

// instances is the process instances overview.
func instances(ctx context.Context, q *question) error {
	f := append(q.withStatus(q.of(events.KindProcess)), q.within("startTime"))
	var all tally
	var took moments
	err := q.groups(ctx, events.ProcessInstances, f, []source{byStatus}, durations(), func(g group) error {
		all.add(g.text(byStatus), g.Count)
		m, err := g.durations()
		took.add(m)
		return err
	})
	if err != nil {
		return err
	}
	q.add(
		all.figures(q, "process instances"),
		q.table("statistics", "Durations of instances that have ended", momentColumns, [][]any{took.cells()}),
	)
	slowest, err := q.listed(ctx, append(slices.Clip(f), exists("duration")), "duration", "desc")
	if err != nil {
		return err
	}
	running, err := q.listed(ctx, append(slices.Clip(f), term("status", events.Active)), "startTime", "asc")
	if err != nil {
		return err
	}
	columns := []column{{"Process instance", Text}, {"Process definition", Text}, {"Business key", Text}, {"Status", Text}, {"Started", Moment}, {"Ended", Moment}, {"Duration", Milliseconds}}
	q.add(
		q.table("slowest-instances", "Slowest instances that have ended", columns, slowest),
		q.table("longest-running-instances", "Instances that have been running longest", columns, running),
	)
	return nil
}

// listed are the first instances in an order.
func (q *question) listed(ctx context.Context, f filter, field, order string) ([][]any, error) {
	a, err := q.search(ctx, events.ProcessInstances, f, map[string]any{
		"size": q.slowest, "sort": []any{map[string]any{field: order}, map[string]any{"processInstanceId": "asc"}},
		"_source": []string{"processInstanceId", "processDefinitionId", "businessKey", "status", "startTime", "endTime", "duration"},
	})
	if err != nil {
		return nil, err
	}
	var rows [][]any
	for _, hit := range a.Hits.Hits {
		d := hit.Source
		took := any(float64(q.now.Sub(d.Start).Milliseconds()))
		if d.Duration != nil {
			took = float64(*d.Duration)
		}
		rows = append(rows, []any{d.Instance, d.Definition, d.BusinessKey, string(d.Status), q.stamp(d.Start), q.stamp(d.End), took})
	}
	return rows, nil
}

// stamp is a moment in a cell; nil: none.
func (q *question) stamp(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at.In(q.zone).Format(time.RFC3339)
}
