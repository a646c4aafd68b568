package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/waybill-io/waybill/testsuite"
	"github.com/waybill-io/waybill/worker/app"
	"github.com/waybill-io/waybill/workflows"
)

const (
	// recordingTarget is the bar for instances a second with events against without.
	recordingTarget = 0.95
	// markersTarget is the bar for the history events that events add to a workflow task.
	markersTarget = 1
)

// eventsReport is what it costs a process to record its events.
type eventsReport struct {
	Target        float64      `json:"target"`
	MarkersTarget int          `json:"markersTarget"` // a workflow task
	Starters      int          `json:"starters"`
	Rounds        int          `json:"rounds"`
	Lines         []eventsLine `json:"lines"`
}

type eventsLine struct {
	Tasks   int       `json:"tasks"` // service tasks of the process
	On      contender `json:"on"`
	Off     contender `json:"off"`
	Rate    spread    `json:"rate"`    // on against off, by rounds
	CPU     spread    `json:"cpu"`     // off against on, server and worker together, by rounds
	Events  float64   `json:"events"`  // recorded, an instance
	Markers float64   `json:"markers"` // a workflow task, at most
	Bytes   float64   `json:"bytes"`   // of history that they add, an event
}

// measureEvents has the same process run with events on and off, in turn, each on a server in memory of its own.
func measureEvents(ctx context.Context, sizes []int, rounds int, progress io.Writer) (report *eventsReport, err error) {
	var places [2]*place
	for i, off := range []bool{false, true} {
		if places[i], err = newPlace(ctx, progress); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, places[i].end()) }()
		if err := places[i].workNoop(ctx, app.Options{Recording: workflows.Recording{Off: off}}); err != nil {
			return nil, err
		}
	}
	report = &eventsReport{Target: recordingTarget, MarkersTarget: markersTarget, Starters: starters, Rounds: rounds}
	for _, tasks := range sizes {
		var both []*contender
		for i, name := range []string{"events on", "events off"} {
			all, err := places[i].contenders(ctx, tasks)
			if err != nil {
				return nil, err
			}
			all[0].Name = name
			both = append(both, all[0])
		}
		for n := range rounds + 1 {
			fmt.Fprintf(progress, "events: %d tasks, round %d of %d\n", tasks, n, rounds)
			if err := runRound(ctx, both, 4*instancesFor(tasks), n); err != nil {
				return nil, err
			}
		}
		line, err := compareEvents(ctx, places, tasks, both[0], both[1])
		if err != nil {
			return nil, err
		}
		report.Lines = append(report.Lines, line)
	}
	return report, nil
}

func compareEvents(ctx context.Context, places [2]*place, tasks int, on, off *contender) (line eventsLine, err error) {
	line.Tasks = tasks
	for i, c := range []*contender{on, off} {
		ids := c.ids[:min(sampled, len(c.ids))]
		if c.History, err = places[i].histories(ctx, ids); err != nil {
			return line, err
		}
		c.PerSecond = over(c.rounds, func(_ int, r round) float64 { return r.perSecond })
		c.WorkerCPU = over(c.rounds, func(_ int, r round) float64 { return r.used.self.Seconds() * 1000 })
		c.ServerCPU = over(c.rounds, func(_ int, r round) float64 { return r.used.children.Seconds() * 1000 })
		if i == 0 {
			if line.Events, line.Markers, err = places[i].recorded(ctx, ids); err != nil {
				return line, err
			}
		}
	}
	line.Rate = over(on.rounds, func(n int, r round) float64 { return r.perSecond / off.rounds[n].perSecond })
	line.CPU = over(on.rounds, func(n int, r round) float64 {
		if total := r.used.self + r.used.children; total > 0 {
			return float64(off.rounds[n].used.self+off.rounds[n].used.children) / float64(total)
		}
		return 0 // no figure without /proc
	})
	line.Bytes = float64(on.History.Bytes-off.History.Bytes) / max(line.Events, 1)
	line.On, line.Off = *on, *off
	return line, nil
}

// recorded counts the events of instances, and the most markers of a workflow task.
func (p *place) recorded(ctx context.Context, ids []string) (perInstance, perTask float64, err error) {
	for _, id := range ids {
		h, err := p.client.History(ctx, id, "")
		if err != nil {
			return 0, 0, err
		}
		batches, tasks, err := testsuite.Batches(h)
		if err != nil {
			return 0, 0, err
		}
		for _, b := range batches {
			perInstance += float64(len(b.Events))
		}
		markers := map[int64]float64{} // by workflow task
		for _, task := range tasks {
			markers[task]++
			perTask = max(perTask, markers[task])
		}
	}
	return perInstance / float64(len(ids)), perTask, nil
}

func (r *eventsReport) print(w io.Writer) {
	fmt.Fprintf(w, "\n## Events recorded with the history against none (target: ratio >= %.2f, at most %d history event more a workflow task)\n\n", r.Target, r.MarkersTarget)
	fmt.Fprintf(w, "%d instances at a time, %d rounds in turn; ratios above 1: it is better with events; median (quartiles) over the rounds; CPU in ms an instance.\n\n", r.Starters, r.Rounds)
	t := table{{"tasks", "what", "instances/s", "ratio of rates", "ratio of CPU", "CPU server", "CPU worker", "history events", "bytes", "events", "markers a workflow task", "bytes an event"}}
	for _, l := range r.Lines {
		for i, c := range []contender{l.On, l.Off} {
			row := []string{
				fmt.Sprint(l.Tasks), c.Name, fmt.Sprintf("%.1f", c.PerSecond.Median), "", "", fmt.Sprintf("%.1f", c.ServerCPU.Median),
				fmt.Sprintf("%.1f", c.WorkerCPU.Median), c.History.events(), fmt.Sprint(c.History.Bytes), "", "", "",
			}
			if i == 0 {
				row[3], row[4] = l.Rate.String(), l.CPU.String()
				row[9], row[10], row[11] = fmt.Sprintf("%.0f", l.Events), fmt.Sprintf("%.0f", l.Markers), fmt.Sprintf("%.0f", l.Bytes)
			}
			t = append(t, row)
		}
	}
	t.print(w)
}
