package report

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/waybill-io/waybill/events"
)

const (
	byTask     = source("name")
	byTaskKey  = source("taskDefinitionKey")
	byAssignee = source("assignee")
)

const unassigned = "(nobody)"

// work is what was done of a task, or by somebody.
type work struct {
	name  string
	tally tally
	took  moments
	by    map[string]*work // of a task, by assignee
}

func (w *work) add(g group, took moments) {
	w.tally.add(g.text(byStatus), g.Count)
	w.took.add(took)
}

// part is the part of a name, which it makes when there is none.
func part(parts map[string]*work, name string) *work {
	w := parts[name]
	if w == nil {
		w = &work{name: name, by: map[string]*work{}}
		parts[name] = w
	}
	return w
}

// most are the parts, that with the most tasks first.
func most(parts map[string]*work) []*work {
	return slices.SortedFunc(maps.Values(parts), func(a, b *work) int {
		return cmp.Or(cmp.Compare(b.tally.total, a.tally.total), cmp.Compare(a.name, b.name))
	})
}

// tasks is the task overview.
func tasks(ctx context.Context, q *question) error {
	f := append(q.withStatus(q.of(events.KindTask)), q.within("startTime"))
	all := work{}
	byName, people := map[string]*work{}, map[string]*work{}
	err := q.groups(ctx, events.Tasks, f, []source{byTask, byTaskKey, byAssignee, byStatus}, durations(), func(g group) error {
		took, err := g.durations()
		if err != nil {
			return err
		}
		who := known(g.text(byAssignee), unassigned)
		task := part(byName, known(g.text(byTask), g.text(byTaskKey)))
		for _, w := range []*work{&all, task, part(task.by, who), part(people, who)} {
			w.add(g, took)
		}
		return nil
	})
	if err != nil {
		return err
	}
	created, err := q.histogram(ctx, events.Tasks, f, "startTime", nil)
	if err != nil {
		return err
	}
	assigned := map[string]float64{}
	for _, w := range people {
		assigned[w.name] = w.tally.total
	}
	q.add(
		all.tally.figures(q, "tasks"),
		q.overTime("task-histogram-title", "Tasks created", Count, created.counts("Tasks")),
		q.pie("assignee-chart-title", "Tasks by assignee", assigned),
		q.assignees(people),
		q.taskDurations(most(byName)),
		q.taskStatistics(most(byName)),
		q.table("statistics", "Durations of tasks that are over", momentColumns, [][]any{all.took.cells()}),
	)
	return nil
}

func (q *question) assignees(people map[string]*work) Element {
	var rows [][]any
	for _, w := range most(people) {
		rows = append(rows, append(append([]any{w.name}, w.tally.cells()...), w.took.average()))
	}
	columns := append(append([]column{{"Assignee", Text}}, counted...), column{"Average duration", Milliseconds})
	return q.table("assignees", "Tasks by assignee", columns, rows)
}

// taskDurations compares the tasks that were done.
func (q *question) taskDurations(parts []*work) Element {
	e := q.element(MultiBarChart, "task-duration-title", "Durations of tasks")
	e.XAxis, e.YAxis = Text, Milliseconds
	e.Values = []Value{{Key: "Average"}, {Key: "Minimum"}, {Key: "Maximum"}}
	shown := 0
	for _, w := range parts {
		if w.took.Count == 0 {
			continue
		}
		if shown++; shown > maxSlices {
			q.note("Durations of tasks: the chart has the tasks of which there are most; the table has all.")
			break
		}
		average := w.took.Sum / w.took.Count
		for i, n := range []*float64{&average, w.took.Min, w.took.Max} {
			e.Values[i].Points = append(e.Values[i].Points, Point{w.name, n})
		}
	}
	return e
}

// taskStatistics has the statistics of each task, and below each those by assignee.
func (q *question) taskStatistics(parts []*work) Element {
	columns := append([]column{{"Task", Text}}, momentColumns...)
	var rows [][]any
	for _, w := range parts {
		rows = append(rows, append([]any{w.name}, w.took.cells()...))
	}
	e := q.table("detailed-task-stats-title", "Detailed task statistics", columns, rows)
	e.Type = MasterDetailTable
	for _, w := range parts[:len(e.Rows)] {
		var rows [][]any
		for _, w := range most(w.by) {
			rows = append(rows, append([]any{w.name}, w.took.cells()...))
		}
		detail := q.table("by-assignee", w.name, append([]column{{"Assignee", Text}}, momentColumns...), rows)
		e.DetailTables = append(e.DetailTables, detail)
	}
	return e
}

// kept counts tasks within and over a limit.
type kept struct{ within, over float64 }

// serviceLevel is the task service level agreement.
func serviceLevel(ctx context.Context, q *question) error {
	f := append(q.of(events.KindTask), q.within("startTime"))
	if q.task != "" {
		f = append(f, term("name", q.task))
	}
	limit := q.limit.Milliseconds()
	done := map[string]any{"bool": map[string]any{"filter": filter{term("status", events.Completed), exists("duration")}}}
	if q.ended {
		f = append(f, done)
	} else {
		f = append(f, map[string]any{"terms": map[string]any{"status": []events.Status{events.Active, events.Completed}}})
	}
	// A task under way is over the limit when it was created before this.
	latest := q.now.Add(-q.limit).UnixMilli()
	late := map[string]any{"bool": map[string]any{"should": filter{
		{"bool": map[string]any{"filter": filter{term("status", events.Completed), {"range": map[string]any{"duration": map[string]any{"gt": limit}}}}}},
		{"bool": map[string]any{"filter": filter{term("status", events.Active), {"range": map[string]any{"startTime": map[string]any{"lt": latest, "format": "epoch_millis"}}}}}},
	}, "minimum_should_match": 1}}
	var all kept
	byName, people := map[string]*kept{}, map[string]*kept{}
	err := q.groups(ctx, events.Tasks, f, []source{byTask, byAssignee}, map[string]any{"late": map[string]any{"filter": late}}, func(g group) error {
		over, err := read[struct {
			Count float64 `json:"doc_count"`
		}](g.aggs, "late")
		if err != nil {
			return err
		}
		for _, k := range []*kept{&all, keeper(byName, g.text(byTask)), keeper(people, known(g.text(byAssignee), unassigned))} {
			k.over += over.Count
			k.within += g.Count - over.Count
		}
		return nil
	})
	if err != nil {
		return err
	}
	q.add(
		q.pie("sla-chart-title", "Tasks within and over the limit", map[string]float64{"Within": all.within, "Over": all.over}),
		q.levels("sla-tasks", "By task", "Task", byName),
		q.levels("sla-assignees", "By assignee", "Assignee", people),
	)
	return nil
}

func keeper(parts map[string]*kept, name string) *kept {
	if parts[name] == nil {
		parts[name] = &kept{}
	}
	return parts[name]
}

func (q *question) levels(id, title, what string, parts map[string]*kept) Element {
	totals := map[string]float64{}
	for name, k := range parts {
		totals[name] = k.within + k.over
	}
	var rows [][]any
	for _, name := range largest(totals) {
		k := parts[name]
		rows = append(rows, []any{name, totals[name], k.within, k.over, 100 * k.within / totals[name]})
	}
	return q.table(id, title, []column{{what, Text}, {"Total", Count}, {"Within", Count}, {"Over", Count}, {"Share within", Percent}}, rows)
}
