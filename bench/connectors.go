package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/waybill-io/waybill/connectors"
)

// connectorsReport is what connectors cost over the libraries they are made of, without Temporal.
type connectorsReport struct {
	Rounds int             `json:"rounds"`
	Lines  []connectorLine `json:"lines"`
}

type connectorLine struct {
	Name string `json:"name"`
	Bare string `json:"bare"`
	// Calls a second, one after the other.
	Ours       spread `json:"perSecond"`
	Theirs     spread `json:"barePerSecond"`
	Rate       spread `json:"rate"` // of the connector against the library, by rounds
	OursAllocs spread `json:"allocations"`
	BareAllocs spread `json:"bareAllocations"`
}

// duel is an action of a connector and the same work without it.
type duel struct {
	name, rival string
	calls       int // a round
	ours, bare  func(ctx context.Context) error
}

// bout is what one side of a duel has done in a round.
type bout struct {
	perSecond, allocations float64
}

func measureConnectors(ctx context.Context, rounds int, progress io.Writer) (report *connectorsReport, err error) {
	a, err := newArena(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.end()) }()
	report = &connectorsReport{Rounds: rounds}
	for _, d := range a.duels {
		fmt.Fprintf(progress, "connectors: %s\n", d.name)
		line, err := d.fight(ctx, rounds)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.name, err)
		}
		report.Lines = append(report.Lines, line)
	}
	return report, nil
}

// fight has both sides do their work in turn. The first round is not counted.
func (d duel) fight(ctx context.Context, rounds int) (line connectorLine, err error) {
	var bouts [2][]bout
	sides := [2]func(context.Context) error{d.ours, d.bare}
	for n := range rounds + 1 {
		for i := range sides {
			side := (i + n) % 2
			b, err := d.do(ctx, sides[side])
			if err != nil {
				return line, err
			}
			if n > 0 {
				bouts[side] = append(bouts[side], b)
			}
		}
	}
	var ratios []float64
	for n, ours := range bouts[0] {
		ratios = append(ratios, ours.perSecond/bouts[1][n].perSecond)
	}
	of := func(bouts []bout, value func(bout) float64) spread {
		var values []float64
		for _, b := range bouts {
			values = append(values, value(b))
		}
		return spreadOf(values)
	}
	rate, allocations := func(b bout) float64 { return b.perSecond }, func(b bout) float64 { return b.allocations }
	return connectorLine{
		Name: d.name, Bare: d.rival, Rate: spreadOf(ratios), Ours: of(bouts[0], rate), Theirs: of(bouts[1], rate),
		OursAllocs: of(bouts[0], allocations), BareAllocs: of(bouts[1], allocations),
	}, nil
}

func (d duel) do(ctx context.Context, call func(context.Context) error) (bout, error) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	begun := time.Now()
	for range d.calls {
		if err := call(ctx); err != nil {
			return bout{}, err
		}
	}
	took := time.Since(begun)
	runtime.ReadMemStats(&after)
	calls := float64(d.calls)
	return bout{calls / took.Seconds(), float64(after.Mallocs-before.Mallocs) / calls}, nil
}

// built makes an instance of a connector.
func built(t connectors.Template, settings map[string]string) (connectors.Connector, error) {
	return t.Make(connectors.Instance{Definition: t.Definition, Settings: connectors.NewSettings(t.Definition, func(name string) (string, error) { return settings[name], nil })})
}

// calling calls an action as an activity does.
func calling(ctx context.Context, c connectors.Connector, action string, inputs map[string]any) (map[string]any, error) {
	return connectors.Do(ctx, c, connectors.Call{Action: action, IdempotencyKey: "bench", Inputs: inputs})
}

func (r *connectorsReport) print(w io.Writer) {
	fmt.Fprintf(w, "\n## Connectors against the libraries they are made of\n\n")
	fmt.Fprintf(w, "One call after the other, without Temporal, %d rounds in turn; median (quartiles) over the rounds.\n\n", r.Rounds)
	t := table{{"connector", "bare", "calls/s", "bare calls/s", "ratio of rates", "allocations a call", "bare"}}
	for _, l := range r.Lines {
		t = append(t, []string{
			l.Name, l.Bare, fmt.Sprintf("%.0f", l.Ours.Median), fmt.Sprintf("%.0f", l.Theirs.Median), l.Rate.String(),
			fmt.Sprintf("%.0f", l.OursAllocs.Median), fmt.Sprintf("%.0f", l.BareAllocs.Median),
		})
	}
	t.print(w)
}
