package bpmn

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Warning is something that runs, but perhaps not as its author meant.
type Warning struct {
	File    string
	Line    int
	Kind    string // the element's name in BPMN
	Element string // the element's id
	Code    string // stable, such as unreachable; docs and tools may rely on it
	Msg     string
}

// String reads like an Error, with the code at the end.
func (w Warning) String() string {
	e := Error{File: w.File, Line: w.Line, Kind: w.Kind, Element: w.Element, Msg: w.Msg}
	return fmt.Sprintf("%s [%s]", e.Error(), w.Code)
}

// Lint returns the warnings about a model, in the order of its lines. Codes:
//
//   - unreachable: no path leads from a start event to the element
//   - no-end: no path leads from the element to an end
//   - exclusive-no-default: an exclusive gateway that may find no flow to take
//   - exclusive-unconditional: a flow without a condition that shadows later flows
//   - join-never-completes: a parallel join that provably waits for ever
//   - no-mapping: a service or send task without an entry in the extensions file or parameters in the model
//   - local-output: an output parameter of a connector call that ends with its task
//   - undeclared-output: an output mapping to a variable that nothing declares
//   - unknown-variable: an expression reads a variable that nothing declares or sets
//   - legacy-name: a connector name that a new connector could not have
//   - java: the model asks for a Java class or bean, which a worker must answer
//   - task-change, call-binding, waits, no-message: something means less than in the engine that the model was drawn for
//   - ignored-process, ignored-condition, ignored-extension, ignored-mapping, cycle-once: Parse left something out
func Lint(m *Model) []Warning {
	l := &linter{warnings: slices.Clone(m.notices)}
	for _, p := range m.Processes {
		l.file, l.p = m.Name, p
		l.paths()
		for _, n := range p.Nodes {
			l.exclusive(n)
			l.join(n)
			l.connector(n)
		}
		l.variables()
	}
	slices.SortStableFunc(l.warnings, func(a, b Warning) int { return cmp.Compare(a.Line, b.Line) })
	return l.warnings
}

type linter struct {
	file     string
	p        *Process
	warnings []Warning
}

func (l *linter) warn(n *Node, code, format string, args ...any) {
	l.warnings = append(l.warnings, Warning{
		File: l.file, Line: n.Line, Kind: n.Kind.String(), Element: n.ID, Code: code, Msg: fmt.Sprintf(format, args...),
	})
}

// paths warns of what cannot be reached and of what cannot end.
func (l *linter) paths() {
	var starts, ends []*Node
	for _, n := range l.p.Nodes {
		if n.Parent == nil && (n.Kind == StartEvent || n.Instantiate || n.Triggered) {
			starts = append(starts, n)
		}
		if len(n.Outgoing) == 0 {
			ends = append(ends, n)
		}
	}
	reachable := closure(starts, next)
	ending := closure(ends, previous)
	var trapped []*Node
	for _, n := range l.p.Nodes {
		if !reachable[n] {
			l.warn(n, "unreachable", "no path leads here from a start event")
		} else if !ending[n] {
			trapped = append(trapped, n)
		}
	}
	if len(trapped) > 0 {
		l.warn(trapped[0], "no-end", "no path leads from here to an end; the same holds for %d more elements", len(trapped)-1)
	}
}

func next(n *Node) []*Node {
	to := slices.Clone(n.Boundary)
	for _, f := range n.Outgoing {
		to = append(to, f.Target)
	}
	if n.Link != nil {
		to = append(to, n.Link)
	}
	if n.Handler != nil {
		to = append(to, n.Handler)
	}
	for _, c := range n.Children {
		if c.Kind == StartEvent || c.Triggered || n.Kind == AdHocSubProcess && len(c.Incoming) == 0 {
			to = append(to, c)
		}
	}
	return to
}

func previous(n *Node) []*Node {
	var from []*Node
	if n.AttachedTo != nil {
		from = append(from, n.AttachedTo)
	}
	for _, f := range n.Incoming {
		from = append(from, f.Source)
	}
	if n.Parent != nil && len(n.Incoming) == 0 {
		from = append(from, n.Parent)
	}
	return from
}

// closure is everything that can be reached from some nodes, themselves included.
func closure(from []*Node, step func(*Node) []*Node) map[*Node]bool {
	seen := map[*Node]bool{}
	for todo := slices.Clone(from); len(todo) > 0; {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !seen[n] {
			seen[n] = true
			todo = append(todo, step(n)...)
		}
	}
	return seen
}

func (l *linter) exclusive(n *Node) {
	if n.Kind == InclusiveGateway && n.Default == nil && len(n.Outgoing) > 1 &&
		!slices.ContainsFunc(n.Outgoing, func(f *Flow) bool { return f.Condition == nil }) {
		l.warn(n, "exclusive-no-default", "all flows have conditions and none is the default: when no condition holds, an incident")
	}
	if n.Kind != ExclusiveGateway {
		return
	}
	var open []*Flow
	for _, f := range n.Outgoing {
		if f.Condition == nil && f != n.Default {
			open = append(open, f)
		}
	}
	switch {
	case len(open) == 0 && n.Default == nil && len(n.Outgoing) > 0:
		l.warn(n, "exclusive-no-default", "all flows have conditions and none is the default: when no condition holds, an incident")
	case len(open) > 0 && len(n.Outgoing) > 1 && (n.Default != nil || open[0] != n.Outgoing[len(n.Outgoing)-1]):
		l.warn(n, "exclusive-unconditional", "flow %q has no condition: it is taken when its turn comes, and the flows after it never are", open[0].ID)
	}
}

// join warns when a parallel join can never complete. Two tokens that wait at different incoming flows descend from one
// token of the start event, so there was a node that split it and that reaches the two flows by different branches. Where
// no such node exists, at most one token ever waits here. The search is not linear, so it is left out for huge models.
func (l *linter) join(n *Node) {
	if n.Kind != ParallelGateway || len(n.Incoming) < 2 || len(l.p.Nodes) > 1000 || n.Parent != nil && n.Parent.Kind == AdHocSubProcess {
		return
	}
	for _, fork := range l.p.Nodes {
		if splits(fork) && feeds(fork, n) {
			return
		}
	}
	l.warn(n, "join-never-completes", "this join waits for %d tokens, but nothing splits a token into branches that meet here", len(n.Incoming))
}

// splits reports whether a node can make several tokens of one.
func splits(n *Node) bool {
	return n.Kind != ExclusiveGateway && n.Kind != EventBasedGateway && len(n.Outgoing) > 1 || slices.ContainsFunc(n.Boundary, func(b *Node) bool { return !b.Interrupting })
}

// feeds reports whether different branches of fork may reach different incoming flows of join. A non-interrupting timer
// may fire repeatedly, so it counts as several branches.
func feeds(fork, join *Node) bool {
	var branches [][]*Flow // incoming flows of join that each branch reaches
	add := func(first *Flow, to []*Node) {
		reached := closure(to, func(n *Node) []*Node {
			if n == join {
				return nil
			}
			return next(n)
		})
		var flows []*Flow
		for _, f := range join.Incoming {
			if f == first || f.Source != join && reached[f.Source] {
				flows = append(flows, f)
			}
		}
		branches = append(branches, flows)
	}
	for _, f := range fork.Outgoing {
		add(f, []*Node{f.Target})
	}
	for _, b := range fork.Boundary {
		add(nil, []*Node{b})
		if !b.Interrupting {
			add(nil, []*Node{b})
		}
	}
	for i, a := range branches {
		for _, b := range branches[:i] {
			if len(a) > 0 && len(b) > 0 && (len(a) > 1 || len(b) > 1 || a[0] != b[0]) {
				return true
			}
		}
	}
	return false
}

// connectorName is the rule for the names of new connectors.
var connectorName = regexp.MustCompile(`^[a-z]([-a-z0-9]{0,24}[a-z0-9])?$`)

func (l *linter) connector(n *Node) {
	if n.Implementation == "" || n.Java {
		return
	}
	if i := strings.LastIndexByte(n.Implementation, '.'); i >= 0 && !connectorName.MatchString(n.Implementation[:i]) {
		l.warn(n, "legacy-name", "%q is a legacy connector name: a new one has 1 to 26 lower case letters, digits and hyphens", n.Implementation[:i])
	}
	if n.Mapping != nil {
		return
	}
	names := "none declared"
	if known := l.known(); len(known) > 0 {
		names = strings.Join(known, ", ")
	}
	if l.p.MapDefault == MapAll {
		l.warn(n, "no-mapping", "no mapping entry, and the mapping default is all: the connector gets all variables (%s) and may write them", names)
	} else {
		l.warn(n, "no-mapping", "no mapping entry, and the mapping default is none: the connector gets nothing and writes nothing; all would have sent: %s", names)
	}
}
