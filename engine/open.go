package engine

import "slices"

// Active are the ids of the elements that tokens wait at, in order of the tokens; an element with several tokens is listed
// as often. A sub-process or a loop is not listed for what is inside it, and tokens that wait at a join are not listed:
// State.Joins counts them.
func (s *State) Active() []string {
	active := make([]string, 0, len(s.Tokens))
	owners := map[int]bool{}
	for i := range s.Scopes {
		sc := &s.Scopes[i]
		if sc.Kind != ScopeLocal && (sc.Live > 0 || sc.Kind != ScopeSub) { // an ad-hoc sub-process may be open and empty
			owners[sc.Token] = true
		}
	}
	for _, t := range s.Tokens {
		if !owners[t.ID] || slices.ContainsFunc(s.Incidents, func(i Incident) bool { return i.Token == t.ID }) {
			active = append(active, t.Element)
		}
	}
	return active
}

// Idle reports that no connector call and no script is under way: a good moment to stop and go on elsewhere.
func (s *State) Idle() bool {
	for i := range s.Waits {
		switch s.Waits[i].Kind {
		case WaitCall, WaitScript, WaitOffer, WaitPublish:
			return false
		}
	}
	return true
}

// Open are the commands that are under way, in order of their ids: what a host gives out again when it goes on with a
// state that it has read back.
func (s *State) Open() []Command {
	commands := make([]Command, 0, len(s.Waits))
	for _, w := range s.Waits {
		if w.Kind != WaitCondition {
			commands = append(commands, w.order())
		}
	}
	return commands
}

// order is the command that a wait stands for.
func (w Wait) order() Command {
	switch w.Kind {
	case WaitTimer:
		return StartTimer{ID: w.ID, Element: w.Element, At: w.At}
	case WaitMessage, WaitReply:
		return Subscribe{ID: w.ID, Element: w.Element, Name: w.Name, Key: w.Key}
	case WaitSignal:
		return SubscribeSignal{ID: w.ID, Element: w.Element, Name: w.Name}
	}
	return w.Command
}
