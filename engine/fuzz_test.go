package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/bpmn"
)

// FuzzStep runs random events over random models. It asks that nothing panics, that every token waits for something or has
// an incident, that a refused event changes nothing, and that a second run, with the state written and read back before
// every step, gives the same commands and states.
func FuzzStep(f *testing.F) {
	for seed := range uint64(150) {
		f.Add(seed, seed*7, uint8(40))
	}
	f.Fuzz(func(t *testing.T, modelSeed, eventSeed uint64, events uint8) {
		p := randomModel(rand.New(rand.NewPCG(modelSeed, 1)))
		first := randomRun(t, p, eventSeed, int(events), false)
		second := randomRun(t, p, eventSeed, int(events), true)
		require.Equal(t, first, second)
	})
}

func randomModel(r *rand.Rand) *bpmn.Process {
	list := nodes(start("s"))
	for i := range 2 + r.IntN(10) {
		list = append(list, randomNode(r, fmt.Sprintf("n%d", i)))
	}
	var flows []string
	for _, n := range list {
		if n.Kind == bpmn.EndEvent {
			continue
		}
		for range r.IntN(4) {
			flows = append(flows, randomFlow(r, n, list[1+r.IntN(len(list)-1)]))
		}
	}
	flows = append(flows, "s -> n0")
	for i, n := range list[1:] {
		if n.Kind < bpmn.ServiceTask || n.Kind > bpmn.ScriptTask || r.IntN(3) > 0 {
			continue
		}
		when := []string{"PT1M", "R/PT10M", "R2/PT1H", "2026-03-02T10:00:00Z", "${x}"}[r.IntN(5)]
		id := fmt.Sprintf("b%d", i)
		list = append(list, boundary(id, n, r.IntN(2) == 0, when))
		if r.IntN(4) > 0 {
			flows = append(flows, id+" -> "+list[1+i].ID)
		}
	}
	p := model(list, flows...)
	if r.IntN(2) == 0 {
		p.MapDefault = bpmn.MapAll
	}
	p.Properties = []bpmn.Property{{Name: "n", Type: "integer", Value: int64(1)}}
	return p
}

func randomNode(r *rand.Rand, id string) *bpmn.Node {
	switch r.IntN(13) {
	case 0:
		return end(id)
	case 1:
		if r.IntN(3) == 0 {
			return terminate(id)
		}
		return end(id)
	case 2, 3:
		return exclusive(id)
	case 4, 5:
		return parallel(id)
	case 6:
		return task(id)
	case 7:
		return user(id)
	case 8:
		return script(id, "1", "x")
	case 9:
		return catchMessage(id, "m", []string{"", "${x}"}[r.IntN(2)])
	case 10:
		return catchTimer(id, []string{"PT5M", "${x}"}[r.IntN(2)])
	case 11:
		return mapped(service(id), bpmn.Mapping{
			Inputs:  []bpmn.Param{{Name: "in", Expr: expr("${x + n}")}},
			Outputs: []bpmn.Param{{Name: "n", Variable: "x"}, {Name: "x", Expr: expr("${x}")}},
		})
	}
	return service(id)
}

func randomFlow(r *rand.Rand, from, to *bpmn.Node) string {
	flow := from.ID + " -> " + to.ID
	if from.Kind == bpmn.ParallelGateway {
		return flow
	}
	switch r.IntN(5) {
	case 0:
		return flow + " ? ${x == 1}"
	case 1:
		return flow + " ? ${n > 2}"
	case 2:
		return flow + " default"
	}
	return flow
}

func randomRun(t *testing.T, p *bpmn.Process, seed uint64, events int, persist bool) string {
	r := rand.New(rand.NewPCG(seed, 2))
	in := &instance{t: t, p: p, s: New(Options{ID: "i"}), now: epoch, persist: persist}
	var log strings.Builder
	for i := range events {
		if len(in.s.Tokens) > 50 || in.s.Dropped > 0 {
			break // a loop that forks or never waits; the limits have tests of their own
		}
		in.reload()
		before := in.stateJSON()
		in.now = in.now.Add(time.Duration(r.IntN(3600)) * time.Second)
		var ev Event = Started{Variables: Variables{"x": i}}
		if i > 0 {
			ev = randomEvent(r, in.s)
		}
		commands, err := Step(p, in.s, ev, in.now)
		after := in.stateJSON()
		if err != nil {
			require.Equal(t, before, after)
			require.Nil(t, commands)
			fmt.Fprintf(&log, "%T: %v %t\n", ev, err, errors.Is(err, ErrStale))
			continue
		}
		sound(t, p, in.s)
		data, err := json.Marshal(commands)
		require.NoError(t, err)
		fmt.Fprintf(&log, "%T\n%s\n%s\n", ev, data, after)
	}
	return log.String()
}

// randomEvent mostly fits the state; now and then it is late, of the wrong kind or for nothing.
func randomEvent(r *rand.Rand, s *State) Event {
	v := randomVariables(r)
	switch r.IntN(40) {
	case 0:
		return VariablesSet{Variables: v}
	case 1:
		return Completed{ID: r.IntN(s.Seq + 2), Outputs: v}
	case 2:
		return TimerFired{ID: r.IntN(s.Seq + 2)}
	case 3:
		return Started{Variables: v}
	case 4:
		if r.IntN(4) == 0 {
			return Cancelled{}
		}
	}
	if n := len(s.Incidents); n > 0 && (len(s.Waits) == 0 || r.IntN(2) == 0) {
		action := []IncidentAction{IncidentRetry, IncidentRetry, IncidentResolve, IncidentResolve, "other"}[r.IntN(5)]
		return IncidentAnswered{ID: s.Incidents[r.IntN(n)].ID, Action: action, Variables: v}
	}
	if len(s.Waits) == 0 {
		return IncidentAnswered{ID: 1, Action: IncidentCancel}
	}
	w := s.Waits[r.IntN(len(s.Waits))]
	switch w.Kind {
	case WaitTimer:
		return TimerFired{ID: w.ID}
	case WaitMessage:
		return MessageReceived{ID: w.ID, Variables: v}
	}
	if w.Kind != WaitTask && r.IntN(5) == 0 {
		return Failed{ID: w.ID, Failure: Failure{Code: []string{"", "E"}[r.IntN(2)], Message: "failed"}}
	}
	return Completed{ID: w.ID, Outputs: v}
}

func randomVariables(r *rand.Rand) Variables {
	v := Variables{}
	if r.IntN(2) == 0 {
		v["x"] = []any{1, 2, 2.5, "${x}", "PT1M", nil, "text", map[string]any{"k": []any{1}}, true}[r.IntN(9)]
	}
	if r.IntN(3) == 0 {
		v["n"] = []any{0, 3, "4", "no number"}[r.IntN(4)]
	}
	return v
}
