package engine

import (
	"fmt"
	"strings"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/juel"
)

// model builds a process from nodes and flows written "a -> b", "a -> b ? ${condition}" or "a -> b default". The id of a
// flow is "a-b", or "a-b#2" for the second one between the same nodes.
func model(nodes []*bpmn.Node, flows ...string) *bpmn.Process {
	p := &bpmn.Process{ID: "p", Nodes: nodes, MapDefault: bpmn.MapNone}
	p.Link()
	seen := map[string]int{}
	for _, text := range flows {
		text, condition, _ := strings.Cut(text, " ? ")
		text, isDefault := strings.CutSuffix(text, " default")
		source, target, _ := strings.Cut(text, " -> ")
		if p.Node(source) == nil || p.Node(target) == nil {
			panic("no such node in flow " + text)
		}
		f := &bpmn.Flow{ID: source + "-" + target, Source: p.Node(source), Target: p.Node(target)}
		if seen[f.ID]++; seen[f.ID] > 1 {
			f.ID += fmt.Sprintf("#%d", seen[f.ID])
		}
		if condition != "" {
			f.Condition = &bpmn.Condition{Expr: expr(condition)}
		}
		if isDefault {
			f.Source.Default = f
		}
		p.Flows = append(p.Flows, f)
	}
	p.Link()
	return p
}

func with(p *bpmn.Process, properties ...bpmn.Property) *bpmn.Process {
	p.Properties = properties
	return p
}

func mapAll(p *bpmn.Process) *bpmn.Process {
	p.MapDefault = bpmn.MapAll
	return p
}

func nodes(list ...*bpmn.Node) []*bpmn.Node { return list }

func expr(text string) *juel.Expr {
	e, err := juel.Parse(text)
	if err != nil {
		panic(err)
	}
	return e
}

func node(kind bpmn.Kind, id string) *bpmn.Node { return &bpmn.Node{ID: id, Kind: kind} }

func start(id string) *bpmn.Node     { return node(bpmn.StartEvent, id) }
func end(id string) *bpmn.Node       { return node(bpmn.EndEvent, id) }
func exclusive(id string) *bpmn.Node { return node(bpmn.ExclusiveGateway, id) }
func parallel(id string) *bpmn.Node  { return node(bpmn.ParallelGateway, id) }
func task(id string) *bpmn.Node      { return node(bpmn.UndefinedTask, id) }

func terminate(id string) *bpmn.Node {
	n := end(id)
	n.Event = bpmn.TerminateEvent
	return n
}

func service(id string) *bpmn.Node {
	n := node(bpmn.ServiceTask, id)
	n.Implementation = "x." + id
	return n
}

func mapped(n *bpmn.Node, m bpmn.Mapping) *bpmn.Node {
	n.Mapping = &m
	return n
}

func user(id string) *bpmn.Node {
	n := node(bpmn.UserTask, id)
	n.Name = "Task " + id
	n.User = &bpmn.UserTaskInfo{}
	return n
}

func script(id, source, result string) *bpmn.Node {
	n := node(bpmn.ScriptTask, id)
	n.Script = &bpmn.Script{Format: "javascript", Source: source, ResultVariable: result}
	return n
}

func receive(id, name, key string) *bpmn.Node {
	n := node(bpmn.ReceiveTask, id)
	n.Message = &bpmn.Message{Name: expr(name)}
	if key != "" {
		n.Message.Key = expr(key)
	}
	return n
}

func catchMessage(id, name, key string) *bpmn.Node {
	n := receive(id, name, key)
	n.Kind, n.Event = bpmn.CatchEvent, bpmn.MessageEvent
	return n
}

func catchTimer(id, duration string) *bpmn.Node {
	n := node(bpmn.CatchEvent, id)
	n.Event, n.Timer = bpmn.TimerEvent, &bpmn.Timer{Duration: expr(duration)}
	return n
}

// boundary attaches a timer: a cycle when the text starts with R, a duration with P, else a date.
func boundary(id string, to *bpmn.Node, interrupting bool, when string) *bpmn.Node {
	n := node(bpmn.BoundaryEvent, id)
	n.Event, n.Timer, n.AttachedTo, n.Interrupting = bpmn.TimerEvent, &bpmn.Timer{}, to, interrupting
	switch when[0] {
	case 'R':
		n.Timer.Cycle = expr(when)
	case 'P':
		n.Timer.Duration = expr(when)
	default:
		n.Timer.Date = expr(when)
	}
	return n
}
