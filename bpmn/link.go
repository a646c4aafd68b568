package bpmn

// Link connects the parts of a process, for the parser and for code that builds a process without one: from Nodes, Flows
// (Source, Target) and AttachedTo it sets the nodes' Incoming, Outgoing and Boundary and what Node looks up. It checks nothing.
func (p *Process) Link() {
	p.nodes = make(map[string]*Node, len(p.Nodes))
	for _, n := range p.Nodes {
		n.Incoming, n.Outgoing, n.Boundary = nil, nil, nil
		p.nodes[n.ID] = n
	}
	for _, f := range p.Flows {
		f.Source.Outgoing = append(f.Source.Outgoing, f)
		f.Target.Incoming = append(f.Target.Incoming, f)
	}
	for _, n := range p.Nodes {
		if n.AttachedTo != nil {
			n.AttachedTo.Boundary = append(n.AttachedTo.Boundary, n)
		}
	}
}
