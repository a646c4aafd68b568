package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/worker/app"
)

const (
	// externalTarget is the bar for external tasks against a call in the worker, fetchedTarget that for a task until a poll that waits has it, and
	// reachedTarget that when thousands wait.
	externalTarget = 0.5
	fetchedTarget  = 100 * time.Millisecond
	reachedTarget  = time.Second

	externalStarters  = 20 // instances at a time: more than a batch
	externalInstances = 150
	externalSingles   = 200 // tasks that come one by one
	externalBatch     = 10
)

// externalReport is what taking tasks over HTTP costs.
type externalReport struct {
	Rounds    int       `json:"rounds"`
	Inside    spread    `json:"inside"` // instances a second, with a call in the worker
	Outside   spread    `json:"outside"`
	Bare      spread    `json:"bare"`      // with a Temporal worker in Go on the queue of the topic
	Ratio     spread    `json:"ratio"`     // of outside to inside
	BareRatio spread    `json:"bareRatio"` // of outside to bare
	Fetched   latency   `json:"fetched"`
	BareTaken latency   `json:"bareTaken"`
	Expired   latency   `json:"expired"`
	Parked    []parking `json:"parked"`
}

// externalPlace is a place with a gateway in a process of its own.
type externalPlace struct {
	*place
	gateway *benchGateway
}

func measureExternal(ctx context.Context, rounds int, progress io.Writer) (report *externalReport, err error) {
	p, err := newPlace(ctx, progress)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	if err := p.workNoop(ctx, app.Options{}); err != nil {
		return nil, err
	}
	e := &externalPlace{place: p}
	if e.gateway, err = startBenchGateway(ctx, p, progress); err != nil {
		return nil, err
	}
	report = &externalReport{Rounds: rounds}
	if err := e.race(ctx, report, progress); err != nil {
		return nil, err
	}
	fmt.Fprintln(progress, "external tasks: locks that run out")
	if report.Expired, err = e.expire(ctx); err != nil {
		return nil, err
	}
	for _, polls := range []int{0, 200, 2000} {
		fmt.Fprintf(progress, "external tasks: %d parked polls\n", polls)
		line, err := e.park(ctx, polls)
		if err != nil {
			return nil, err
		}
		report.Parked = append(report.Parked, line)
	}
	return report, nil
}

// race has processes of one task run in turn: with a call in the worker, with a worker outside, and with a Temporal worker on the queue of the topic.
func (e *externalPlace) race(ctx context.Context, report *externalReport, progress io.Writer) error {
	inside, err := e.deploy(ctx, 1)
	if err != nil {
		return err
	}
	outside, err := e.deployTopic(ctx, "outside")
	if err != nil {
		return err
	}
	bare, err := e.deployTopic(ctx, "bare")
	if err != nil {
		return err
	}
	bareTook, err := e.workBare("bare")
	if err != nil {
		return err
	}
	working, stop := context.WithCancel(ctx)
	defer stop()
	group, working := errgroup.WithContext(working)
	w := &outsideWorker{gateway: e.gateway, topic: "outside", id: "bench", most: externalBatch}
	group.Go(func() error { return w.work(working) })

	all := []*contender{e.runner("a call in the worker", inside), e.runner("outside", outside), e.runner("bare", bare)}
	for n := range report.Rounds + 1 {
		fmt.Fprintf(progress, "external tasks: round %d of %d\n", n, report.Rounds)
		for i := range all {
			c := all[(i+n)%len(all)]
			result, _, err := c.playWith(ctx, externalInstances, externalStarters)
			if err != nil {
				return fmt.Errorf("%s: %w", c.Name, err)
			}
			if n > 0 {
				c.rounds = append(c.rounds, result)
			}
		}
	}
	rate := func(_ int, r round) float64 { return r.perSecond }
	against := func(c *contender) spread {
		return over(all[1].rounds, func(n int, r round) float64 { return r.perSecond / c.rounds[n].perSecond })
	}
	report.Inside, report.Outside, report.Bare = over(all[0].rounds, rate), over(all[1].rounds, rate), over(all[2].rounds, rate)
	report.Ratio, report.BareRatio = against(all[0]), against(all[2])

	fmt.Fprintln(progress, "external tasks: one by one")
	w.forget()
	bareTook.forget()
	for range externalSingles {
		for _, c := range all[1:] {
			if _, err := c.run(ctx); err != nil {
				return err
			}
		}
	}
	report.Fetched, report.BareTaken = latencyOf(w.took()), latencyOf(bareTook.took())
	stop()
	if err := group.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// runner starts instances and waits for their ends.
func (e *externalPlace) runner(name string, d contract.Definition) *contender {
	return &contender{Name: name, run: func(ctx context.Context) (string, error) {
		i, err := e.client.StartDefinition(ctx, d, client.StartOptions{Key: d.Key, Variables: map[string]any{"text": text}})
		if err != nil {
			return "", err
		}
		result, err := e.client.WaitFor(ctx, i)
		if err == nil && result.Variables["said"] != text {
			err = fmt.Errorf("instance %s ended with %v", i.ID, result.Variables)
		}
		return i.ID, err
	}}
}

// deployTopic deploys the model of one task, as an external task of a topic.
func (e *externalPlace) deployTopic(ctx context.Context, topic string) (d contract.Definition, err error) {
	key := "topic-" + topic
	extensions, err := extensionsOf(key, 1)
	if err != nil {
		return d, err
	}
	model := chain(1, func(d *drawing, i int, id string) {
		d.element(`<serviceTask id="%s" name="%s" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" camunda:type="external" camunda:topic="%s"/>`, id, taskName(i), topic)
	})
	return e.deployModel(ctx, key, model, extensions, e.noop.Definition())
}

func (r *externalReport) print(w io.Writer) {
	fmt.Fprintf(w, "\n## External tasks over HTTP (targets: ratio >= %.1f, fetched within %s, reached within %s, all p95)\n\n", externalTarget, inMilliseconds(fetchedTarget), inMilliseconds(reachedTarget))
	fmt.Fprintf(w, "Processes of one task, %d at a time, one worker with batches of %d over a gateway in a process of its own; %d rounds in turn, median (quartiles).\n\n", externalStarters, externalBatch, r.Rounds)
	t := table{
		{"what", "tasks/s", "outside against it"},
		{"a call in the worker", r.Inside.String(), r.Ratio.String()},
		{"outside, fetched and completed", r.Outside.String(), ""},
		{"a Temporal worker in Go on the topic's queue", r.Bare.String(), r.BareRatio.String()},
	}
	t.print(w)
	fmt.Fprintln(w)
	t = table{
		{"how long", "p50", "p95", "max"},
		r.Fetched.row("a new task until a poll that waits has it"),
		r.BareTaken.row("the same, a Temporal worker in Go"),
		r.Expired.row("a lock that has run out until a poll that waits has the task"),
	}
	t.print(w)
	fmt.Fprintf(w, "\nPolls that wait, over %d topics, for %s; CPU in cores.\n\n", parkedTopics, parkedHold)
	t = table{{"polls", "gateway CPU", "Temporal CPU", "calls of Temporal/s", "gateway memory", "a new task reaches a poll: p50", "p95", "max"}}
	for _, l := range r.Parked {
		row := []string{fmt.Sprint(l.Polls), fmt.Sprintf("%.3f", l.Gateway), fmt.Sprintf("%.3f", l.Temporal), fmt.Sprintf("%.1f", l.Calls), mib(l.Memory)}
		if l.Polls == 0 {
			t = append(t, append(row, "", "", ""))
			continue
		}
		t = append(t, append(row, l.Reached.row("")[1:]...))
	}
	t.print(w)
}

func (l latency) row(what string) []string {
	return []string{what, inMilliseconds(l.Median), inMilliseconds(l.P95), inMilliseconds(l.Max)}
}
