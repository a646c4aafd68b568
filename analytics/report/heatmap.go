package report

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/waybill-io/waybill/events"
)

const (
	byActivity     = source("activityId")
	byActivityName = source("activityName")
	byActivityType = source("activityType")
)

// spot is an activity of a process.
type spot struct {
	id, name, kind string
	count, named   float64
	took           moments
}

// heatMap is the process definition heat map.
func heatMap(ctx context.Context, q *question) error {
	f := append(q.withStatus(q.of(events.KindActivity)), q.within("startTime"))
	spots := map[string]*spot{}
	err := q.groups(ctx, events.Activities, f, []source{byActivity, byActivityName, byActivityType}, durations(), func(g group) error {
		id := g.text(byActivity)
		s := spots[id]
		if s == nil {
			s = &spot{id: id}
			spots[id] = s
		}
		s.count += g.Count
		if g.Count > s.named { // versions may call it otherwise
			s.name, s.kind, s.named = g.text(byActivityName), g.text(byActivityType), g.Count
		}
		took, err := g.durations()
		s.took.add(took)
		return err
	})
	if err != nil {
		return err
	}
	h := &HeatMap{
		Definition: q.process, ActivityNames: map[string]string{}, TotalCountValues: map[string]float64{}, TotalTimeValues: map[string]float64{}, AvgTimeValues: map[string]float64{},
	}
	var rows [][]any
	for _, s := range slices.SortedFunc(maps.Values(spots), func(a, b *spot) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.id, b.id))
	}) {
		h.TotalCountValues[s.id] = s.count
		h.TotalTimeValues[s.id] = s.took.Sum / float64(time.Hour.Milliseconds())
		h.AvgTimeValues[s.id] = 0
		if s.took.Count > 0 {
			h.AvgTimeValues[s.id] = h.TotalTimeValues[s.id] / s.took.Count
		}
		if s.name != "" {
			h.ActivityNames[s.id] = s.name
		}
		rows = append(rows, []any{known(s.name, s.id), s.id, s.kind, s.count, s.took.Sum, s.took.average()})
	}
	h.TotalCountPercentages, h.TotalTimePercentages, h.AvgTimePercentages = percentages(h.TotalCountValues), percentages(h.TotalTimeValues), percentages(h.AvgTimeValues)
	e := q.element(ProcessHeatMap, "heat-map", q.report.Title)
	e.HeatMap = h
	q.add(e, q.table("activities", "Activities", []column{
		{"Activity", Text}, {"Id", Text}, {"Type", Text}, {"Count", Count}, {"Total time", Milliseconds}, {"Average time", Milliseconds},
	}, rows))
	return nil
}

// percentages are those of the largest.
func percentages(values map[string]float64) map[string]float64 {
	largest := 0.0
	for _, v := range values {
		largest = max(largest, v)
	}
	shares := map[string]float64{}
	for id, v := range values {
		if largest > 0 {
			v *= 100 / largest
		}
		shares[id] = v
	}
	return shares
}
