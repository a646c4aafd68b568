package engine

// Active are the ids of the elements that tokens wait at, in order of the tokens; an element with several tokens is listed
// as often. Tokens that wait at a parallel join are not listed: State.Joins counts them.
func (s *State) Active() []string {
	active := make([]string, len(s.Tokens))
	for i, t := range s.Tokens {
		active[i] = t.Element
	}
	return active
}

// Idle reports that no connector call and no script is under way: a good moment to stop and go on elsewhere.
func (s *State) Idle() bool {
	for i := range s.Waits {
		if k := s.Waits[i].Kind; k == WaitCall || k == WaitScript {
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
		switch w.Kind {
		case WaitTimer:
			commands = append(commands, StartTimer{ID: w.ID, Element: w.Element, At: w.At})
		case WaitMessage:
			commands = append(commands, Subscribe{ID: w.ID, Element: w.Element, Name: w.Name, Key: w.Key})
		default:
			commands = append(commands, w.Command)
		}
	}
	return commands
}
