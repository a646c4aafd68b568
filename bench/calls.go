package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/waybill-io/waybill/activities/contract"
)

const (
	// bareCall is the type of an activity that does what the noop connector does, without the connector layer.
	bareCall = "bare.CALL"
	// callsTarget is the bar for the rate of calls through the connector layer against that activity.
	callsTarget = 0.95
	// callsTasks is how many calls a workflow makes.
	callsTasks = 20
)

func bare(_ context.Context, in contract.ConnectorCall) (contract.ConnectorResult, error) {
	return contract.ConnectorResult{Outputs: contract.Variables{"said": in.Inputs["text"]}}, nil
}

// callsReport is the connector layer against a bare activity, both called by the same workflow.
type callsReport struct {
	Target    float64   `json:"target"`
	Rounds    int       `json:"rounds"`
	Connector contender `json:"connector"`
	Bare      contender `json:"bare"`
	Rate      spread    `json:"rate"` // of the connector against the bare activity, by rounds
	// Allocations of the whole program, workflow and SDK included, for one call.
	ConnectorAllocations float64 `json:"connectorAllocations"`
	BareAllocations      float64 `json:"bareAllocations"`
}

func measureCalls(ctx context.Context, rounds int, progress io.Writer) (report *callsReport, err error) {
	p, err := newPlace(ctx, progress)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	if err := p.workBoth(ctx); err != nil {
		return nil, err
	}
	contenders := []*contender{
		p.rivalOn(byHandQueue, noopCall, "through the connector layer", callsTasks),
		p.rivalOn(byHandQueue, bareCall, "a bare activity", callsTasks),
	}
	for n := range rounds + 1 {
		fmt.Fprintf(progress, "connector calls: round %d of %d\n", n, rounds)
		if err := runRound(ctx, contenders, instancesFor(callsTasks), n); err != nil {
			return nil, err
		}
	}
	line, err := p.compare(ctx, callsTasks, contenders)
	if err != nil {
		return nil, err
	}
	report = &callsReport{Target: callsTarget, Rounds: rounds, Connector: line.Process, Bare: line.Rivals[0].contender, Rate: line.Rivals[0].Rate}
	for i, allocations := range []*float64{&report.ConnectorAllocations, &report.BareAllocations} {
		if *allocations, err = contenders[i].allocations(ctx); err != nil {
			return nil, err
		}
	}
	return report, nil
}

// allocations counts the allocations of a call.
func (c *contender) allocations(ctx context.Context) (float64, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const instances = 4 * starters
	if _, _, err := c.play(ctx, instances); err != nil {
		return 0, err
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / (instances * callsTasks), nil
}

func (r *callsReport) print(w io.Writer) {
	fmt.Fprintf(w, "\n## A connector call against a bare activity (target: ratio >= %.2f)\n\n", r.Target)
	fmt.Fprintf(w, "%d calls a workflow, %d workflows at a time, %d rounds in turn; median (quartiles) over the rounds; CPU in ms a workflow.\n\n", callsTasks, starters, r.Rounds)
	t := table{{"what", "calls/s", "ratio of rates", "CPU server", "CPU worker", "allocations a call"}}
	row := func(c contender, rate string, allocations float64) {
		t = append(t, []string{
			c.Name, fmt.Sprintf("%.0f", c.PerSecond.Median*callsTasks), rate, fmt.Sprintf("%.1f", c.ServerCPU.Median),
			fmt.Sprintf("%.1f", c.WorkerCPU.Median), fmt.Sprintf("%.0f", allocations),
		})
	}
	row(r.Connector, r.Rate.String(), r.ConnectorAllocations)
	row(r.Bare, "", r.BareAllocations)
	t.print(w)
}
