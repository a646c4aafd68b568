package bpmn

// mappable tells what an extensions file can have a mapping for.
func mappable(n *Node) bool {
	switch n.Kind {
	case ServiceTask, SendTask, BusinessRuleTask, UserTask, ScriptTask, CallActivity:
		return true
	case ThrowEvent, EndEvent:
		return isThrower(n)
	}
	return isCatcher(n)
}

// isCatcher tells what only takes: whatever comes with a message, a signal, an error or an escalation.
func isCatcher(n *Node) bool {
	switch n.Kind {
	case ReceiveTask:
		return true
	case CatchEvent, BoundaryEvent:
	case StartEvent:
		if n.Parent == nil {
			return false
		}
	default:
		return false
	}
	switch n.Event {
	case MessageEvent, SignalEvent, ErrorEvent, EscalationEvent:
		return true
	}
	return false
}

// isThrower tells what only gives.
func isThrower(n *Node) bool {
	return (n.Kind == ThrowEvent || n.Kind == EndEvent) && (n.Event == MessageEvent || n.Event == SignalEvent)
}
