package bpmn

// Link connects a process that was built in code instead of parsed: from Nodes, Flows (Source, Target) and AttachedTo it
// sets the nodes' Index, Incoming, Outgoing and Boundary and what Node looks up. It checks nothing.
func (p *Process) Link() {
	p.nodes = make(map[string]*Node, len(p.Nodes))
	for i, n := range p.Nodes {
		n.Index, n.Incoming, n.Outgoing, n.Boundary = i, nil, nil, nil
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
