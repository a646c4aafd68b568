package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/waybill-io/waybill/bpmn"
)

// ErrStale is the error of an answer that nobody waits for: its command was stopped or answered before, or there never
// was one, or the instance has ended. A host drops such an answer; a message that comes so must go back to its sender.
var ErrStale = errors.New("nobody waits for this answer")

// ErrEnded is the error of every other event for an instance that has ended.
var ErrEnded = errors.New("the instance has ended")

// maxMoves bounds how many elements one step enters. A loop that never waits would otherwise not end; it becomes an
// incident, and a retry gives it as many moves again.
const maxMoves = 100_000

// bytesPerMove is how many bytes of variables make a condition count as one move more: reading a long text in a loop takes
// a host's time as many elements do, and a step that takes seconds is taken for one that hangs.
const bytesPerMove = 1000

// elementsPerMove is how many tokens, scopes or waits, when all have to be looked at, make one move more.
const elementsPerMove = 20

// maxTokens bounds the tokens of an instance, which a loop with a fork in it multiplies: the state must stay within what a
// host can carry to its next run.
const maxTokens = 5000

// maxTokensOf1 is the bound of engine version 1.
const maxTokensOf1 = 1000

// Options are what an instance is told when it is made.
type Options struct {
	ID          string // what expressions see as processInstanceId
	Definition  string // likewise as processDefinitionId; "": the process's id
	BusinessKey string
	Initiator   string // user who started it, or ""
	Engine      int    // behaviour version; 0: the newest
	Called      bool   // by a call activity: errors and escalations that nothing here catches are the caller's
	Depth       int    // of a called instance: one more than its caller's
	Record      bool   // steps answer Record
}

// New returns the state of an instance that has not started. Its first event must be Started.
func New(o Options) *State {
	if o.Engine == 0 {
		o.Engine = Version
	}
	return &State{Engine: o.Engine, ID: o.ID, Definition: o.Definition, BusinessKey: o.BusinessKey, Initiator: o.Initiator, Called: o.Called, Depth: o.Depth, Record: o.Record}
}

// Step applies an event to s, in place, and returns what the host must do, in order. now is the host's time and must not
// run backwards. On an error the event was refused and s is unchanged: errors.Is tells ErrStale and ErrEnded apart.
//
// p must be the model that the instance started with. Values in events and commands are shared with the state: neither
// side changes a map or list in place. Not safe for concurrent use of one state; p may be shared.
func (e Engine) Step(p *bpmn.Process, s *State, ev Event, now time.Time) ([]Command, error) {
	m := machine{p: p, s: s, now: now.UTC().Round(0), scripts: e.Scripts}
	m.ready, m.commands = m.readySpace[:0], m.commandSpace[:0]
	logged := s.Logged
	if err := m.accept(ev); err != nil {
		s.Logged = logged
		return nil, err
	}
	m.run()
	m.recorded()
	return m.commands, nil
}

// Step is Engine.Step for models without JavaScript in place.
func Step(p *bpmn.Process, s *State, ev Event, now time.Time) ([]Command, error) {
	return Engine{}.Step(p, s, ev, now)
}

// machine is the work space of one step.
type machine struct {
	p        *bpmn.Process
	s        *State
	now      time.Time
	scripts  Scripts
	commands []Command
	moves    int
	weight   int        // of a condition, in moves; 0: not known yet
	ready    []runnable // tokens that are awake, in order of creation
	next     int        // the first of them that has not run yet
	reaped   bool       // tokens have been taken away, so that not all that are awake need be there
	view     view       // what expressions see
	changes  []string   // variables that were set and that conditional events have not heard of
	fresh    []int      // conditional events that have just begun to wait
	adHoc    []int      // ad-hoc sub-processes in which something has ended
	log      []entry    // what happened, where the instance records
	brought  any        // by the answer of the step: what token.current is then; nil: the results

	// These spare allocations in the steps without a fork.
	readySpace   [2]runnable
	commandSpace [3]Command
}

// accept checks an event and does the first of its effects; what follows from it is left to run.
func (m *machine) accept(ev Event) error {
	if m.s.Engine < 1 || m.s.Engine > Version {
		return fmt.Errorf("the state has engine version %d; this engine knows versions 1 to %d", m.s.Engine, Version)
	}
	if started, ok := ev.(Started); ok {
		return m.start(started)
	}
	if m.s.Seq == 0 {
		return fmt.Errorf("%T: the instance has not started; its first event is Started", ev)
	}
	switch ev := ev.(type) {
	case Completed:
		return m.completed(ev)
	case TaskAssigned:
		return m.taskAssigned(ev)
	case Failed:
		return m.failed(ev)
	case TimerFired:
		return m.timerFired(ev)
	case MessageReceived:
		return m.received(ev.ID, ev.Variables, WaitMessage, WaitReply)
	case SignalReceived:
		return m.received(ev.ID, ev.Variables, WaitSignal)
	case Escalated:
		return m.escalated(ev)
	}
	if m.s.Outcome != "" {
		return fmt.Errorf("%T: %w", ev, ErrEnded)
	}
	switch ev := ev.(type) {
	case VariablesSet:
		return m.variablesSet(ev)
	case Activated:
		return m.activated(ev)
	case ScopeFinished:
		return m.scopeFinished(ev)
	case IncidentAnswered:
		return m.incidentAnswered(ev)
	case Cancelled:
		m.end(OutcomeCancelled)
		return nil
	}
	return fmt.Errorf("%T is no event", ev)
}

func (m *machine) start(ev Started) error {
	if m.s.Seq > 0 {
		return errors.New("the instance has started already")
	}
	node, err := m.startEvent(ev.Element)
	if err != nil {
		return err
	}
	variables, err := m.startVariables(ev.Variables)
	if err != nil {
		return err
	}
	if node.Event == bpmn.ConditionalEvent {
		if err := m.startCondition(node, variables); err != nil {
			return err
		}
	}
	m.s.Path = make([]string, 0, min(len(m.p.Nodes), PathLimit))
	m.s.Variables = variables
	m.begins()
	m.setInitiator(node)
	if m.p.History {
		m.s.Results = Variables{node.ID: map[string]any(maps.Clone(variables))}
	}
	token := m.newToken(0)
	if m.p.History && m.s.Engine >= 5 {
		m.token(token).Last = node.ID
	}
	m.beginsAt(token, node)
	if node.Kind != bpmn.StartEvent { // the event has happened: that is why the instance begins
		m.token(token).Element = node.ID
		m.ready = append(m.ready, runnable{token: token, node: node, begun: true})
		return nil
	}
	m.wake(token, node)
	return nil
}

// startCondition refuses a start at a conditional start event whose condition does not hold.
func (m *machine) startCondition(n *bpmn.Node, variables Variables) error {
	before := m.s.Variables
	m.s.Variables = variables
	defer func() { m.s.Variables = before }()
	m.view = view{node: n}
	ok, err := m.condition(n.Condition)
	if err != nil {
		return fmt.Errorf("condition of start event %q: %w", n.ID, err)
	}
	if !ok {
		return fmt.Errorf("the condition of start event %q does not hold", n.ID)
	}
	return nil
}

// startEvent is where an instance begins: a start event of the process itself, or what follows an instantiating gateway.
func (m *machine) startEvent(id string) (*bpmn.Node, error) {
	if id != "" {
		if n := m.p.Node(id); n != nil && Starts(n) {
			return n, nil
		}
		return nil, fmt.Errorf("process %q has no start event %q", m.p.ID, id)
	}
	var found *bpmn.Node
	for _, n := range m.p.Top() {
		if n.Kind != bpmn.StartEvent || n.Event != bpmn.NoEvent {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("process %q has several none start events, %q and %q: name one", m.p.ID, found.ID, n.ID)
		}
		found = n
	}
	if found == nil {
		return nil, fmt.Errorf("process %q has no none start event: name the start event", m.p.ID)
	}
	return found, nil
}

// Starts reports whether an instance can begin at a node: at a start event of the process, at an instantiating receive task, or at
// an event that follows an instantiating gateway.
func Starts(n *bpmn.Node) bool {
	switch {
	case n.Parent != nil:
		return false
	case n.Kind == bpmn.StartEvent:
		return true
	case n.Kind == bpmn.ReceiveTask && n.Instantiate:
		return true
	}
	return len(n.Incoming) == 1 && n.Incoming[0].Source.Kind == bpmn.EventBasedGateway && n.Incoming[0].Source.Instantiate
}

// answered finds the wait that an event answers, and the element that goes on.
func (m *machine) answered(id int, kinds ...WaitKind) (Wait, *bpmn.Node, error) {
	i, ok := find(m.s.Waits, id)
	if !ok {
		return Wait{}, nil, fmt.Errorf("command %d: %w", id, ErrStale)
	}
	w := m.s.Waits[i]
	if !slices.Contains(kinds, w.Kind) {
		return Wait{}, nil, fmt.Errorf("command %d of element %q is a %s, not a %s", id, w.Element, w.Kind, kinds[0])
	}
	n, err := m.node(w.Element)
	return w, n, err
}

// node is an element that the state names: the model must be the one that the state was made with.
func (m *machine) node(id string) (*bpmn.Node, error) {
	if n := m.p.Node(id); n != nil {
		return n, nil
	}
	return nil, fmt.Errorf("process %q has no element %q: the state belongs to another model", m.p.ID, id)
}

// end stops everything that is under way, in order.
func (m *machine) end(o Outcome) {
	m.endWith(End{Outcome: o})
}

func (m *machine) endWith(end End) {
	if end.Outcome != OutcomeCompleted {
		m.cutProcess()
	}
	for _, w := range m.s.Waits {
		m.stop(w)
	}
	m.ends(end)
	m.s.Waits, m.s.Tokens, m.s.Joins, m.s.Incidents, m.s.Scopes, m.s.Compensations, m.s.Results = nil, nil, nil, nil, nil, nil, nil
	m.s.Outcome = end.Outcome
	m.command(end)
}

func (m *machine) command(c Command) { m.commands = append(m.commands, c) }

func (m *machine) nextID() int {
	m.s.Seq++
	return m.s.Seq
}
