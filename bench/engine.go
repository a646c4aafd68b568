package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/engine"
)

const (
	engineRounds = 5
	engineRound  = 300 * time.Millisecond
	// engineTarget is the bar for models of flow only.
	engineTarget = 1_000_000
)

// engineReport is the engine alone on one core. A step is one executed element.
type engineReport struct {
	Target float64      `json:"target"` // steps per second
	Models []engineLine `json:"models"`
}

type engineLine struct {
	Model          string  `json:"model"`
	StepsPerSecond spread  `json:"stepsPerSecond"`
	AllocsPerStep  float64 `json:"allocsPerStep"`
	BytesPerStep   float64 `json:"bytesPerStep"`
	LongestMS      float64 `json:"longestMs"`     // of one call of the engine: a workflow task that takes a second is taken for one that hangs
	StateBytes     float64 `json:"bytesPerToken"` // of the state as JSON, after the first step
}

// measureEngine plays each model over and over on one processor, the garbage collector included.
func measureEngine(ctx context.Context) (*engineReport, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	r := &engineReport{Target: engineTarget}
	for _, m := range []struct {
		name      string
		drawing   *drawing
		variables engine.Variables
	}{
		{"flow only: 20 tasks that do nothing", chain(20, plainTask), nil},
		{"20 service tasks, answered at once", chain(20, serviceTask), nil},
		{"20 gateways with conditions", branches(20), engine.Variables{"amount": int64(200), "country": "y"}},
		{"20 sub-processes", nested(20), nil},
		{"100 service tasks in parallel", wide(100), nil},
		{"1000 service tasks in parallel", wide(1000), nil},
		{"2000 instances of a service task", instances(2000), nil},
	} {
		p, err := parsed(m.drawing)
		if err != nil {
			return nil, err
		}
		line, err := measureModel(ctx, p, m.variables)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		line.Model = m.name
		r.Models = append(r.Models, line)
	}
	return r, nil
}

func measureModel(ctx context.Context, p *bpmn.Process, v engine.Variables) (engineLine, error) {
	var rates []float64
	var before, after runtime.MemStats
	all := 0
	for round := range engineRounds + 1 {
		if err := ctx.Err(); err != nil {
			return engineLine{}, err
		}
		if round == 1 { // the first one warms up
			runtime.ReadMemStats(&before)
		}
		steps := 0
		began := time.Now()
		for time.Since(began) < engineRound {
			n, err := play(p, v)
			if err != nil {
				return engineLine{}, err
			}
			steps += n
		}
		if round > 0 {
			rates = append(rates, float64(steps)/time.Since(began).Seconds())
			all += steps
		}
	}
	runtime.ReadMemStats(&after)
	longest, perToken, err := longestStep(p, v)
	if err != nil {
		return engineLine{}, err
	}
	return engineLine{
		LongestMS: longest.Seconds() * 1000, StateBytes: perToken,
		StepsPerSecond: spreadOf(rates),
		AllocsPerStep:  float64(after.Mallocs-before.Mallocs) / float64(all),
		BytesPerStep:   float64(after.TotalAlloc-before.TotalAlloc) / float64(all),
	}, nil
}

// longestStep is the longest call of the engine in one instance, and what the state takes when its first step is done.
func longestStep(p *bpmn.Process, v engine.Variables) (longest time.Duration, bytesPerToken float64, err error) {
	err = drive(p, v, func(s *engine.State, event engine.Event) ([]engine.Command, error) {
		began := time.Now()
		commands, err := engine.Step(p, s, event, now)
		longest = max(longest, time.Since(began))
		if _, first := event.(engine.Started); first && len(s.Tokens) > 0 {
			text, err := json.Marshal(s)
			if err != nil {
				return nil, err
			}
			bytesPerToken = float64(len(text)) / float64(len(s.Tokens))
		}
		return commands, err
	}, func(*engine.State) {})
	return longest, bytesPerToken, err
}

// now is the same in all steps: the engine only hands it on.
var now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// play runs an instance to its end, each connector call answered at once, and returns how many elements it executed.
func play(p *bpmn.Process, v engine.Variables) (steps int, err error) {
	err = drive(p, v, func(s *engine.State, event engine.Event) ([]engine.Command, error) {
		return engine.Step(p, s, event, now)
	},
		func(s *engine.State) { steps = len(s.Path) + s.Dropped })
	return steps, err
}

// drive runs an instance to its end.
func drive(p *bpmn.Process, v engine.Variables, step func(*engine.State, engine.Event) ([]engine.Command, error), ended func(*engine.State)) error {
	s := engine.New(engine.Options{ID: "bench/1"})
	var event engine.Event = engine.Started{Variables: v}
	var queue []engine.Command
	for {
		commands, err := step(s, event)
		if err != nil {
			return err
		}
		if s.Outcome != "" {
			ended(s)
			return nil
		}
		queue = append(queue, commands...)
		if len(queue) == 0 {
			return fmt.Errorf("the instance waits for nothing; incidents: %v", s.Incidents)
		}
		c, ok := queue[0].(engine.CallConnector)
		if !ok {
			return fmt.Errorf("unexpected command %T", queue[0])
		}
		queue = queue[1:]
		event = engine.Completed{ID: c.ID}
	}
}

func (r *engineReport) print(w io.Writer) {
	fmt.Fprintf(w, "\n## Engine alone, one core (target: %.1f million steps/s, flow only)\n\n", r.Target/1e6)
	t := table{{"model", "steps/s (quartiles), million", "allocations/step", "bytes/step", "longest call, ms", "state, bytes/token"}}
	for _, m := range r.Models {
		million := spread{m.StepsPerSecond.Median / 1e6, m.StepsPerSecond.Low / 1e6, m.StepsPerSecond.High / 1e6}
		t = append(t, []string{m.Model, million.String(), fmt.Sprintf("%.1f", m.AllocsPerStep), fmt.Sprintf("%.0f", m.BytesPerStep),
			fmt.Sprintf("%.1f", m.LongestMS), fmt.Sprintf("%.0f", m.StateBytes)})
	}
	t.print(w)
}
