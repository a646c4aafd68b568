package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"
)

// hostTarget is the bar for a process against the faster way to write the workflow by hand, all on one task queue;
// eventsTarget for its history.
const (
	hostTarget   = 0.95
	eventsTarget = 1 // the marker that no events are recorded
	// starters is how many instances are under way: enough to keep the server busy, few enough not to queue.
	starters = 8
	// sampled is how many histories of each kind are read.
	sampled = 10
)

// hostReport is the process host against workflows by hand.
type hostReport struct {
	Target       float64    `json:"target"`       // of rate against the first rival
	EventsTarget int        `json:"eventsTarget"` // more than the first rival's
	Starters     int        `json:"starters"`
	Rounds       int        `json:"rounds"`
	Lines        []hostLine `json:"lines"`
}

// hostLine is a process of some service tasks beside its rivals.
type hostLine struct {
	Tasks   int       `json:"tasks"`
	Process contender `json:"process"`
	Rivals  []rival   `json:"rivals"`
}

type rival struct {
	contender
	Rate spread `json:"rate"` // of the process against this rival, by rounds
	CPU  spread `json:"cpu"`  // CPU time of this rival against the process, server and worker together, by rounds
}

// contender is one way to run the same activities.
type contender struct {
	Name      string  `json:"name"`
	PerSecond spread  `json:"perSecond"`
	WorkerCPU spread  `json:"workerCpu"` // milliseconds an instance; the starter is in the same program
	ServerCPU spread  `json:"serverCpu"`
	History   history `json:"history"`

	run    func(ctx context.Context) (id string, err error) // starts one instance and waits for its end
	rounds []round
	ids    []string
}

// round is what a number of instances took.
type round struct {
	perSecond float64
	used      cpu // by one instance
}

// measureHost runs the contenders of each size in turn on one server in memory.
func measureHost(ctx context.Context, sizes []int, rounds int, progress io.Writer) (report *hostReport, err error) {
	p, err := newPlace(ctx, progress)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	if err := p.workBoth(ctx); err != nil {
		return nil, err
	}
	report = &hostReport{Target: hostTarget, EventsTarget: eventsTarget, Starters: starters, Rounds: rounds}
	for _, tasks := range sizes {
		contenders, err := p.contenders(ctx, tasks)
		if err != nil {
			return nil, err
		}
		for n := range rounds + 1 {
			fmt.Fprintf(progress, "process host: %d tasks, round %d of %d\n", tasks, n, rounds)
			if err := runRound(ctx, contenders, instancesFor(tasks), n); err != nil {
				return nil, err
			}
		}
		line, err := p.compare(ctx, tasks, contenders)
		if err != nil {
			return nil, err
		}
		report.Lines = append(report.Lines, line)
	}
	return report, nil
}

// instancesFor is how many instances of a size make a round of one to two seconds on a small machine.
func instancesFor(tasks int) int { return max(120/(tasks+2), starters) }

// runRound has each contender run a number of instances. The order turns every round, and round 0 only warms up.
func runRound(ctx context.Context, contenders []*contender, instances, n int) error {
	for i := range contenders {
		c := contenders[(i+n)%len(contenders)]
		result, ids, err := c.play(ctx, instances)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
		if n > 0 {
			c.rounds = append(c.rounds, result)
			c.ids = append(c.ids, ids...)
		}
	}
	return nil
}

// play runs instances, some at a time.
func (c *contender) play(ctx context.Context, instances int) (round, []string, error) {
	return c.playWith(ctx, instances, starters)
}

func (c *contender) playWith(ctx context.Context, instances, starters int) (round, []string, error) {
	ids := make([]string, instances)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(starters)
	used, began := usedCPU(), time.Now()
	for i := range instances {
		group.Go(func() (err error) {
			ids[i], err = c.run(ctx)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return round{}, nil, err
	}
	took := time.Since(began)
	spent := usedCPU().since(used)
	return round{
		perSecond: float64(instances) / took.Seconds(),
		used:      cpu{spent.self / time.Duration(instances), spent.children / time.Duration(instances)},
	}, ids, nil
}

// compare takes stock of the rounds. The first contender is the process.
func (p *place) compare(ctx context.Context, tasks int, contenders []*contender) (hostLine, error) {
	line := hostLine{Tasks: tasks}
	for i, c := range contenders {
		var err error
		if c.History, err = p.histories(ctx, c.ids[:min(sampled, len(c.ids))]); err != nil {
			return line, err
		}
		c.PerSecond = over(c.rounds, func(_ int, r round) float64 { return r.perSecond })
		c.WorkerCPU = over(c.rounds, func(_ int, r round) float64 { return r.used.self.Seconds() * 1000 })
		c.ServerCPU = over(c.rounds, func(_ int, r round) float64 { return r.used.children.Seconds() * 1000 })
		if i == 0 {
			line.Process = *c
			continue
		}
		process := contenders[0].rounds
		line.Rivals = append(line.Rivals, rival{
			contender: *c,
			Rate:      over(c.rounds, func(n int, r round) float64 { return process[n].perSecond / r.perSecond }),
			CPU: over(c.rounds, func(n int, r round) float64 {
				// No figure without /proc, rather than none that JSON can hold.
				if total := process[n].used.self + process[n].used.children; total > 0 {
					return float64(r.used.self+r.used.children) / float64(total)
				}
				return 0
			}),
		})
	}
	return line, nil
}

func over(rounds []round, value func(n int, r round) float64) spread {
	values := make([]float64, len(rounds))
	for n, r := range rounds {
		values[n] = value(n, r)
	}
	return spreadOf(values)
}

func (r *hostReport) print(w io.Writer) {
	fmt.Fprintf(w, "\n## Process host against a workflow written by hand (target: ratio >= %.2f, at most %d events more)\n\n", r.Target, r.EventsTarget)
	fmt.Fprintf(w, "%d instances at a time, %d rounds in turn; ratios above 1: the process is better; median (quartiles) over the rounds; CPU in ms an instance.\n\n", r.Starters, r.Rounds)
	t := table{{"tasks", "what", "instances/s", "ratio of rates", "ratio of CPU", "CPU server", "CPU worker", "events", "bytes"}}
	row := func(tasks int, c contender, rate, cpu string) {
		t = append(t, []string{
			fmt.Sprint(tasks), c.Name, fmt.Sprintf("%.1f", c.PerSecond.Median), rate, cpu,
			fmt.Sprintf("%.1f", c.ServerCPU.Median), fmt.Sprintf("%.1f", c.WorkerCPU.Median), c.History.events(), fmt.Sprint(c.History.Bytes),
		})
	}
	for _, l := range r.Lines {
		row(l.Tasks, l.Process, "", "")
		for _, rival := range l.Rivals {
			row(l.Tasks, rival.contender, rival.Rate.String(), rival.CPU.String())
		}
	}
	t.print(w)
}
