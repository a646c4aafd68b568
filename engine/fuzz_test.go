package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/testsuite/eventlog"
)

// FuzzStep runs random events over random models. It asks that nothing panics, that every token waits for something or has
// an incident, that a refused event changes nothing, that a second run, with the state written and read back before
// every step, gives the same commands and states, and that a third one, which records, does so too and has a sound log.
func FuzzStep(f *testing.F) {
	for seed := range uint64(150) {
		f.Add(seed, seed*7, uint8(40))
	}
	f.Fuzz(func(t *testing.T, modelSeed, eventSeed uint64, events uint8) {
		p := randomModel(rand.New(rand.NewPCG(modelSeed, 1)))
		first := randomRun(t, p, eventSeed, int(events), false, false)
		second := randomRun(t, p, eventSeed, int(events), true, false)
		require.Equal(t, first, second)
		require.Equal(t, first, randomRun(t, p, eventSeed, int(events), false, true), "recording changes nothing")
	})
}

// modeller draws random models of everything that can be executed. It keeps to what bpmn.Parse lets pass: flows stay within a
// scope, what waits for a gateway's event follows one, cancel events are in transactions.
type modeller struct {
	r     *rand.Rand
	list  []*bpmn.Node
	flows []string
}

func randomModel(r *rand.Rand) *bpmn.Process {
	d := &modeller{r: r}
	d.scope(nil, 2+r.IntN(8), 0)
	p := model(d.list, d.flows...)
	if r.IntN(2) == 0 {
		p.MapDefault = bpmn.MapAll
	}
	if r.IntN(4) == 0 {
		p.Uncaught = bpmn.UncaughtEnd
	}
	d.compensations()
	d.listeners()
	p.Properties = []bpmn.Property{{Name: "n", Type: "integer", Value: int64(1)}}
	return p
}

// compensations lets throwing compensation events name an activity, now and then.
func (d *modeller) compensations() {
	for _, n := range d.list {
		if a := d.list[d.r.IntN(len(d.list))]; n.Event == bpmn.CompensationEvent && n.Kind != bpmn.StartEvent && a.IsActivity() {
			n.Compensate = a
		}
	}
}

// listeners lets elements set variables when they end, now and then, or fail to.
func (d *modeller) listeners() {
	for _, n := range d.list {
		if d.r.IntN(6) == 0 {
			text := []string{"${execution.setVariable('x', 1)}", "${execution.setVariable('n', n + 1)}", "${execution.setVariable('x', local)}"}[d.r.IntN(3)]
			n.Listeners = []bpmn.Listener{{Event: "end", Expr: expr(text)}}
		}
	}
}

func (d *modeller) id() string { return fmt.Sprintf("n%d", len(d.list)) }

func (d *modeller) add(n *bpmn.Node, parent *bpmn.Node) *bpmn.Node {
	n.Parent = parent
	d.list = append(d.list, n)
	return n
}

// scope draws what is directly in a sub-process, or in the process.
func (d *modeller) scope(parent *bpmn.Node, size, depth int) {
	r := d.r
	var nodes []*bpmn.Node
	adHoc := parent != nil && parent.Kind == bpmn.AdHocSubProcess
	if !adHoc && (parent == nil || !parent.Triggered) {
		nodes = append(nodes, d.add(start(d.id()), parent))
	} else if !adHoc {
		nodes = append(nodes, d.add(d.trigger(parent), parent))
	}
	for range size {
		n := d.add(randomNode(r, d.id()), parent)
		if parent != nil && parent.Kind == bpmn.Transaction && n.Kind == bpmn.EndEvent && r.IntN(2) == 0 {
			n.Event = bpmn.CancelEvent
		}
		nodes = append(nodes, n)
		if depth < 2 && r.IntN(5) == 0 {
			nodes = append(nodes, d.sub(parent, depth))
		}
	}
	if depth < 2 && r.IntN(3) == 0 {
		sub := d.add(node(bpmn.SubProcess, d.id()), parent)
		sub.Triggered = true
		d.scope(sub, 1+r.IntN(3), depth+1)
	}
	for _, n := range nodes {
		d.decorate(n, parent)
	}
	for i, n := range nodes {
		if n.Kind == bpmn.EventBasedGateway && nodes[len(nodes)-1].Kind != bpmn.StartEvent {
			for range 1 + r.IntN(3) {
				event := []*bpmn.Node{catchMessage(d.id(), "m", ""), catchTimer(d.id(), "PT5M"), signalled(node(bpmn.CatchEvent, d.id()))}[r.IntN(3)]
				d.add(event, parent)
				d.flows = append(d.flows, n.ID+" -> "+event.ID, event.ID+" -> "+nodes[len(nodes)-1].ID)
			}
			continue
		}
		if n.Kind == bpmn.EndEvent || n.ForCompensation || n.Link != nil {
			continue
		}
		for range r.IntN(4) {
			to := nodes[min(1, len(nodes)-1)+r.IntN(max(len(nodes)-1, 1))]
			if to.ForCompensation || to.Kind == bpmn.StartEvent || adHoc && r.IntN(2) == 0 {
				continue
			}
			d.flows = append(d.flows, randomFlow(r, n, to))
		}
		if i == 0 && !adHoc && len(nodes) > 1 && !nodes[1].ForCompensation {
			d.flows = append(d.flows, n.ID+" -> "+nodes[1].ID)
		}
	}
}

func (d *modeller) sub(parent *bpmn.Node, depth int) *bpmn.Node {
	kind := []bpmn.Kind{bpmn.SubProcess, bpmn.SubProcess, bpmn.Transaction, bpmn.AdHocSubProcess}[d.r.IntN(4)]
	sub := d.add(node(kind, d.id()), parent)
	if kind == bpmn.AdHocSubProcess {
		sub.AdHoc = &bpmn.AdHoc{Sequential: d.r.IntN(2) == 0, CancelRemaining: d.r.IntN(2) == 0}
		if d.r.IntN(2) == 0 {
			sub.AdHoc.Until = when("${x == 1}")
		}
	}
	d.scope(sub, 1+d.r.IntN(4), depth+1)
	if kind == bpmn.Transaction {
		b := d.add(attached(node(bpmn.BoundaryEvent, d.id()), sub, true), parent)
		b.Event = bpmn.CancelEvent
	}
	return sub
}

func when(text string) *bpmn.Condition { return &bpmn.Condition{Expr: expr(text)} }

func signalled(n *bpmn.Node) *bpmn.Node {
	n.Event, n.Signal = bpmn.SignalEvent, &bpmn.Signal{Name: expr("s")}
	return n
}

func attached(n, to *bpmn.Node, interrupting bool) *bpmn.Node {
	n.AttachedTo, n.Interrupting = to, interrupting
	return n
}

// trigger is the start event of an event sub-process.
func (d *modeller) trigger(*bpmn.Node) *bpmn.Node {
	n := d.event(start(d.id()))
	n.Interrupting = n.Event == bpmn.ErrorEvent || n.Event == bpmn.CompensationEvent || d.r.IntN(2) == 0
	return n
}

// event makes an event one that a boundary event or an event sub-process can have.
func (d *modeller) event(n *bpmn.Node) *bpmn.Node {
	switch d.r.IntN(7) {
	case 0:
		n.Event, n.Timer = bpmn.TimerEvent, &bpmn.Timer{Cycle: expr([]string{"R/PT10M", "R2/PT1H", "${x}"}[d.r.IntN(3)])}
	case 1:
		n.Event, n.Message = bpmn.MessageEvent, &bpmn.Message{Name: expr("m")}
	case 2:
		return signalled(n)
	case 3:
		n.Event, n.Condition = bpmn.ConditionalEvent, when("${x == 1}")
	case 4:
		n.Event, n.Error = bpmn.ErrorEvent, &bpmn.ErrorRef{CodeVariable: "x"}
		if d.r.IntN(2) == 0 {
			n.Error.Code = expr("E")
		}
	case 5:
		n.Event, n.Escalation = bpmn.EscalationEvent, &bpmn.Escalation{}
	case 6:
		if n.Kind != bpmn.StartEvent || n.Parent == nil {
			n.Event, n.Escalation = bpmn.EscalationEvent, &bpmn.Escalation{Code: expr("U")}
			break
		}
		n.Event = bpmn.CompensationEvent
	}
	return n
}

// decorate gives an activity boundary events, a loop, local variables and a compensation handler, now and then.
func (d *modeller) decorate(n, parent *bpmn.Node) {
	r := d.r
	switch n.Kind {
	case bpmn.StartEvent, bpmn.EndEvent, bpmn.ThrowEvent, bpmn.CatchEvent, bpmn.BoundaryEvent,
		bpmn.ExclusiveGateway, bpmn.ParallelGateway, bpmn.InclusiveGateway, bpmn.EventBasedGateway:
		return
	}
	for range r.IntN(3) {
		if r.IntN(3) > 0 {
			continue
		}
		b := d.add(attached(d.event(node(bpmn.BoundaryEvent, d.id())), n, r.IntN(2) == 0), parent)
		b.Interrupting = b.Interrupting || b.Event == bpmn.ErrorEvent
		if r.IntN(4) > 0 {
			d.flows = append(d.flows, b.ID+" -> "+n.ID)
		}
	}
	switch r.IntN(12) {
	case 0:
		n.Loop = &bpmn.Loop{Cardinality: expr("${n}"), Sequential: r.IntN(2) == 0, Output: []string{"", "x"}[r.IntN(2)]}
	case 1:
		n.Loop = &bpmn.Loop{Collection: expr([]string{"x", "${[1, 2]}", "a,b"}[2*r.IntN(2)]), Element: "n", Sequential: r.IntN(2) == 0, OutputItem: "n"}
		if r.IntN(2) == 0 {
			n.Loop.Until = when("${nrOfCompletedInstances > 1}")
		}
	case 2:
		n.Loop = &bpmn.Loop{Standard: true, TestBefore: r.IntN(2) == 0, While: when("${loopCounter < 2}")}
	}
	if r.IntN(6) == 0 {
		n.Inputs = []bpmn.Assignment{{Name: "local", Value: bpmn.Value{Expr: expr("${n}")}}, {Name: "x", Value: bpmn.Value{Expr: expr("${x}")}}}
		n.Outputs = []bpmn.Assignment{{Name: "n", Value: bpmn.Value{Expr: expr("${local}")}}}
	}
	if r.IntN(5) == 0 {
		n.Handler = d.add([]*bpmn.Node{service(d.id()), user(d.id()), task(d.id())}[r.IntN(3)], parent)
		n.Handler.ForCompensation = true
	}
}

func randomNode(r *rand.Rand, id string) *bpmn.Node {
	switch r.IntN(24) {
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
	case 12, 13:
		return node(bpmn.InclusiveGateway, id)
	case 14:
		return node(bpmn.EventBasedGateway, id)
	case 15, 16:
		return throwing(r, node([]bpmn.Kind{bpmn.ThrowEvent, bpmn.EndEvent}[r.IntN(2)], id))
	case 17:
		n := node(bpmn.CallActivity, id)
		n.Call = &bpmn.Call{Element: expr("${x}"), In: []bpmn.Transfer{{All: true}}, Out: []bpmn.Transfer{{Source: "x", Target: "x"}}}
		return n
	case 18:
		n := node(bpmn.CatchEvent, id)
		n.Event, n.Condition, n.Variables = bpmn.ConditionalEvent, when("${x == 1}"), []string{"x"}
		return n
	case 19:
		n := service(id)
		n.Implementation, n.Topic = "", expr("topic")
		if r.IntN(2) == 0 {
			n.ErrorMappings = []bpmn.ErrorMapping{throwsWhen("E", "${externalTask.retries == 1}"), throwsWhen("E", "${x == 1}")}
		}
		return n
	case 20:
		return signalled(node(bpmn.CatchEvent, id))
	}
	return service(id)
}

func throwing(r *rand.Rand, n *bpmn.Node) *bpmn.Node {
	switch r.IntN(5) {
	case 0:
		return signalled(n)
	case 1:
		n.Event, n.Escalation = bpmn.EscalationEvent, &bpmn.Escalation{Code: expr([]string{"U", "V"}[r.IntN(2)])}
	case 2:
		n.Event, n.Message = bpmn.MessageEvent, &bpmn.Message{Name: expr("m")}
	case 3:
		n.Event = bpmn.CompensationEvent
	case 4:
		if n.Kind == bpmn.EndEvent {
			n.Event, n.Error = bpmn.ErrorEvent, &bpmn.ErrorRef{Code: expr([]string{"E", "F"}[r.IntN(2)])}
		}
	}
	return n
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

func randomRun(t *testing.T, p *bpmn.Process, seed uint64, events int, persist, record bool) string {
	r := rand.New(rand.NewPCG(seed, 2))
	in := &instance{t: t, p: p, s: New(Options{ID: "i", Called: seed%3 == 0, Record: record}), now: epoch, persist: persist}
	var checker eventlog.Checker
	var log strings.Builder
	for i := range events {
		if len(in.s.Tokens) > 50 || in.s.Dropped > 0 || in.s.Seq > 5000 || log.Len() > 1<<21 {
			break // a loop that forks or never waits has tests of its own; large states outlast the fuzzer's patience
		}
		in.reload()
		before := in.stateJSON()
		in.now = in.now.Add(time.Duration(r.IntN(3600)) * time.Second)
		var ev Event = Started{Variables: Variables{"x": i}}
		if i > 0 {
			ev = randomEvent(r, p, in.s)
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
		if record {
			if in.s.Dropped > 0 { // hundreds of thousands of events, and the last step
				commands = slices.DeleteFunc(commands, func(c Command) bool { _, ok := c.(Record); return ok })
			} else {
				commands = unrecorded(t, &checker, in.s, commands)
			}
			after = plainState(t, in.s)
		}
		data, err := json.Marshal(commands)
		require.NoError(t, err)
		fmt.Fprintf(&log, "%T\n%s\n%s\n", ev, data, after)
	}
	return log.String()
}

// randomEvent mostly fits the state; now and then it is late, of the wrong kind or for nothing.
func randomEvent(r *rand.Rand, p *bpmn.Process, s *State) Event {
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
	if r.IntN(12) == 0 {
		return randomCommand(r, p, s, v)
	}
	if n := len(s.Incidents); n > 0 && (len(s.Waits) == 0 || r.IntN(2) == 0) {
		action := []IncidentAction{IncidentRetry, IncidentRetry, IncidentResolve, IncidentSkip, "other"}[r.IntN(5)]
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
	case WaitSignal:
		return SignalReceived{ID: w.ID, Variables: v}
	case WaitCondition:
		return VariablesSet{Variables: Variables{"x": 1}}
	case WaitTask, WaitChild:
		if r.IntN(8) == 0 {
			return Escalated{ID: w.ID, Code: []string{"U", "V"}[r.IntN(2)], Variables: v}
		}
		if r.IntN(8) == 0 {
			return Failed{ID: w.ID, Failure: Failure{Code: []string{"", "E"}[r.IntN(2)], Message: "failed"}, Variables: v}
		}
	}
	if w.Kind == WaitOffer && r.IntN(2) == 0 {
		by := By{Worker: "ann", Leases: []Lease{{Number: 1, Worker: "ann", At: epoch, Until: epoch}}}
		failed := Failed{ID: w.ID, Failure: Failure{Message: "failed"}, Variables: v, Local: randomVariables(r), Catchable: r.IntN(4) == 0, By: by}
		if retries := r.IntN(3); retries > 0 {
			failed.Again = &Again{Retries: &retries, Priority: &retries, Set: r.IntN(3) == 0}
		}
		return failed
	}
	if w.Kind != WaitTask && r.IntN(5) == 0 {
		return Failed{ID: w.ID, Failure: Failure{Code: []string{"", "E"}[r.IntN(2)], Message: "failed"}}
	}
	switch {
	case w.Kind == WaitTask && r.IntN(6) == 0:
		return TaskAssigned{ID: w.ID, Assignee: []string{"", "ann"}[r.IntN(2)]}
	case w.Kind == WaitScript && r.IntN(6) == 0:
		return Completed{ID: w.ID, Outputs: v, Local: randomVariables(r), Removed: []string{"x"}}
	}
	return Completed{ID: w.ID, Outputs: v}
}

// randomCommand is what people do to an instance.
func randomCommand(r *rand.Rand, p *bpmn.Process, s *State, v Variables) Event {
	n := p.Nodes[r.IntN(len(p.Nodes))]
	switch r.IntN(3) {
	case 0:
		if ids := Enabled(p, s); len(ids) > 0 {
			return Activated{Element: ids[r.IntN(len(ids))]}
		}
		return Activated{Element: n.ID}
	case 1:
		return ScopeFinished{Element: n.ID}
	}
	return VariablesSet{Variables: v, Task: r.IntN(s.Seq + 2)}
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
