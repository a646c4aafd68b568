package bpmn

import "slices"

// Link connects the parts of a process, for the parser and for code that builds a process without one: from Nodes, Flows
// (Source, Target), Parent and AttachedTo it sets the nodes' Incoming, Outgoing, Children and Boundary and what Node and Top look up. It checks nothing.
func (p *Process) Link() {
	p.nodes = make(map[string]*Node, len(p.Nodes))
	p.tops = nil
	for _, n := range p.Nodes {
		n.Incoming, n.Outgoing, n.Boundary, n.Children = nil, nil, nil, nil
		p.nodes[n.ID] = n
	}
	for _, f := range p.Flows {
		f.Source.Outgoing = append(f.Source.Outgoing, f)
		f.Target.Incoming = append(f.Target.Incoming, f)
	}
	p.conditional = false
	for _, n := range p.Nodes {
		p.conditional = p.conditional || n.Event == ConditionalEvent
		if n.AttachedTo != nil {
			n.AttachedTo.Boundary = append(n.AttachedTo.Boundary, n)
		}
		if n.Parent != nil {
			n.Parent.Children = append(n.Parent.Children, n)
		} else {
			p.tops = append(p.tops, n)
		}
	}
	for _, n := range p.Nodes {
		if n.Kind == InclusiveGateway && len(n.Incoming) > 1 {
			n.upstream = make([]map[*Node]bool, len(n.Incoming))
			for i, f := range n.Incoming {
				n.upstream[i] = p.reaching(f, n)
			}
		}
	}
}

// reaching are the nodes from which a path of flows leads to a flow without visiting a gateway.
func (p *Process) reaching(to *Flow, avoid *Node) map[*Node]bool {
	if to.Source == avoid {
		return nil
	}
	throws := map[*Node][]*Node{} // catching link event -> throwing ones
	for _, n := range p.Nodes {
		if n.Link != nil {
			throws[n.Link] = append(throws[n.Link], n)
		}
	}
	return closure([]*Node{to.Source}, func(n *Node) []*Node {
		if n == avoid {
			return nil
		}
		before := slices.Clone(throws[n])
		if n.AttachedTo != nil {
			before = append(before, n.AttachedTo)
		}
		for _, f := range n.Incoming {
			if f.Source != avoid {
				before = append(before, f.Source)
			}
		}
		return before
	})
}

// Reaches reports whether a token at from can still come to an inclusive gateway by its i-th incoming flow without passing the
// gateway before (BPMN 2.0, 13.4.3).
func (n *Node) Reaches(from *Node, i int) bool { return n.upstream[i][from] }

// Conditional reports whether something in the process waits for a change of variables.
func (p *Process) Conditional() bool { return p.conditional }
