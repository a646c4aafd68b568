package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/bpmn"
)

var epoch = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// scenario drives one instance. Every scenario runs three times: as it is, again (which must give the same bytes), and
// with the state written and read back before every step.
type scenario struct {
	name    string
	model   *bpmn.Process
	options Options
	steps   []step
}

// step applies an event, then compares what is not empty.
type step struct {
	after   time.Duration // since epoch; never less than before
	do      func(*instance) Event
	refused string // text of the error, which must leave the state unchanged
	stale   bool   // the event is refused with ErrStale

	want      string // the commands, see instance.label
	active    string // ids, space separated; "none"
	incidents string // "element: part of the text", separated by "; "; "none"
	path      string
	vars      Variables // exactly these
}

// instance is a run with what a host remembers: which element each command was for.
type instance struct {
	t       *testing.T
	p       *bpmn.Process
	s       *State
	now     time.Time
	persist bool
	of      map[int]string // command id -> element
	log     strings.Builder
}

func play(t *testing.T, scenarios []scenario) {
	t.Helper()
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			once := sc.run(t, false)
			require.Equal(t, once, sc.run(t, false), "the same events must give the same commands and states")
			require.Equal(t, once, sc.run(t, true), "a state that was written and read back must go on the same way")
		})
	}
}

func (sc scenario) run(t *testing.T, persist bool) string {
	in := &instance{t: t, p: sc.model, s: New(sc.options), now: epoch, persist: persist, of: map[int]string{}}
	for i, st := range sc.steps {
		in.step(fmt.Sprintf("step %d", i), st)
	}
	return in.log.String()
}

func (in *instance) step(name string, st step) {
	t := in.t
	t.Helper()
	in.reload()
	in.now = epoch.Add(st.after)
	before := in.stateJSON()
	ev := st.do(in)
	commands, err := Step(in.p, in.s, ev, in.now)
	if st.refused != "" || st.stale {
		require.ErrorContains(t, err, st.refused, name)
		require.Equal(t, st.stale, errors.Is(err, ErrStale), "%s: %v", name, err)
		require.Equal(t, before, in.stateJSON(), "%s: a refused event changes nothing", name)
		return
	}
	require.NoError(t, err, name)
	var got []string
	for _, c := range commands {
		got = append(got, in.label(c))
	}
	fmt.Fprintf(&in.log, "%#v\n%s\n", commands, in.stateJSON())
	require.Equal(t, st.want, strings.Join(got, "; "), "%s: commands; incidents: %v", name, in.s.Incidents)
	if st.active != "" {
		require.Equal(t, strings.Fields(strings.TrimPrefix(st.active, "none")), append([]string{}, in.s.Active()...), name)
	}
	if st.path != "" {
		require.Equal(t, st.path, strings.Join(in.s.Path, " "), name)
	}
	if st.vars != nil {
		require.Equal(t, st.vars, in.s.Variables, name)
	}
	in.incidents(name, st.incidents)
	sound(t, in.p, in.s)
}

func (in *instance) incidents(name, want string) {
	in.t.Helper()
	if want == "" || want == "none" {
		require.Empty(in.t, in.s.Incidents, name)
		return
	}
	list := strings.Split(want, "; ")
	require.Len(in.t, in.s.Incidents, len(list), "%s: %v", name, in.s.Incidents)
	for i, incident := range in.s.Incidents {
		element, text, _ := strings.Cut(list[i], ": ")
		require.Equal(in.t, element, incident.Element, name)
		require.Contains(in.t, incident.Message, text, name)
	}
}

// sound checks what must hold between any two steps: ids ascend, every token waits for exactly one thing besides its boundary
// events, no wait, scope or incident is without its token, and every scope knows how many tokens are in it.
func sound(t *testing.T, p *bpmn.Process, s *State) {
	t.Helper()
	waiting := map[int]int{}
	last := 0
	for _, w := range s.Waits {
		_, ok := find(s.Tokens, w.Token)
		if _, scoped := find(s.Scopes, w.Scope); w.Token == 0 {
			ok = scoped || w.Scope == 0
		}
		if !ok || w.ID <= last {
			t.Fatalf("wait %d of token %d comes after %d; tokens %v", w.ID, w.Token, last, s.Tokens)
		}
		last = w.ID
		if n := p.Node(w.Element); w.Token != 0 && n.Kind != bpmn.BoundaryEvent {
			i, _ := find(s.Tokens, w.Token)
			if at := p.Node(s.Tokens[i].Element); at != n && waiting[w.Token] == 1 {
				continue // an event-based gateway
			}
			waiting[w.Token]++
		}
	}
	live := map[int]int{}
	for _, j := range s.Joins {
		for _, n := range j.Arrived {
			live[j.Scope] += n
		}
	}
	for _, tok := range s.Tokens {
		live[tok.Scope]++
	}
	last = 0
	for _, sc := range s.Scopes {
		i, ok := find(s.Tokens, sc.Token)
		if _, around := find(s.Scopes, sc.Parent); !ok || sc.ID <= last || sc.Parent != 0 && !around {
			t.Fatalf("scope %+v comes after %d; tokens %v", sc, last, s.Tokens)
		}
		last = sc.ID
		if sc.Kind == ScopeLocal {
			if s.Tokens[i].Local != sc.ID {
				t.Fatalf("scope %+v is not that of token %+v", sc, s.Tokens[i])
			}
			continue
		}
		waiting[sc.Token]++
		if sc.Live != live[sc.ID] {
			t.Fatalf("scope %+v has %d tokens", sc, live[sc.ID])
		}
		if sc.Live == 0 && p.Node(sc.Element).Kind != bpmn.AdHocSubProcess {
			t.Fatalf("scope %+v is done and still open", sc)
		}
	}
	for _, i := range s.Incidents {
		if n := p.Node(i.Element); n.Kind == bpmn.AdHocSubProcess && waiting[i.Token] == 1 {
			continue // its completion condition could not be evaluated
		}
		waiting[i.Token]++
	}
	last = 0
	for _, tok := range s.Tokens {
		if tok.ID <= last || waiting[tok.ID] != 1 || p.Node(tok.Element) == nil {
			t.Fatalf("token %d at %q comes after %d and waits for %d things", tok.ID, tok.Element, last, waiting[tok.ID])
		}
		last = tok.ID
	}
	if len(waiting) != len(s.Tokens) || (s.Outcome != "") != (len(s.Tokens)+len(s.Joins) == 0) {
		t.Fatalf("outcome %q with %d tokens, %d joins, %d things waited for", s.Outcome, len(s.Tokens), len(s.Joins), len(waiting))
	}
}

func (in *instance) stateJSON() string {
	data, err := json.Marshal(in.s)
	require.NoError(in.t, err)
	return string(data)
}

func (in *instance) reload() {
	if !in.persist {
		return
	}
	var s State
	require.NoError(in.t, json.Unmarshal([]byte(in.stateJSON()), &s))
	require.Equal(in.t, in.s.Variables, s.Variables)
	in.s = &s
}

// label writes a command as a word, the element and what matters of it.
func (in *instance) label(c Command) string {
	clock := func(at time.Time) string { return at.Sub(epoch).String() }
	switch c := c.(type) {
	case CallConnector:
		in.of[c.ID] = c.Element
		return "call " + c.Element + in.inputs(c.Inputs)
	case RunScript:
		in.of[c.ID] = c.Element
		return "script " + c.Element + in.inputs(c.Variables)
	case OpenTask:
		in.of[c.ID] = c.Element
		return "task " + c.Element + in.inputs(c.Inputs)
	case StartTimer:
		in.of[c.ID] = c.Element
		return "timer " + c.Element + " " + clock(c.At)
	case Subscribe:
		in.of[c.ID] = c.Element
		return "subscribe " + c.Element + " " + c.Name + "/" + c.Key
	case SubscribeSignal:
		in.of[c.ID] = c.Element
		return "await " + c.Element + " " + c.Name
	case Publish:
		in.of[c.ID] = c.Element
		return "publish " + c.Name + "/" + c.Key + in.inputs(c.Variables)
	case Broadcast:
		return "broadcast " + c.Name + in.inputs(c.Variables)
	case OfferTask:
		in.of[c.ID] = c.Element
		return "offer " + c.Element + " " + c.Topic + in.inputs(c.Inputs)
	case StartChild:
		in.of[c.ID] = c.Element
		return "child " + c.Element + " " + c.Process + in.inputs(c.Variables)
	case Escalate:
		return "escalate " + c.Code + in.inputs(c.Variables)
	case Stop:
		require.Contains(in.t, in.of, c.ID, "stop of what was never given")
		return "stop " + in.of[c.ID]
	case End:
		return "end " + string(c.Outcome)
	}
	in.t.Fatalf("unknown command %T", c)
	return ""
}

func (in *instance) inputs(v Variables) string {
	if len(v) == 0 {
		return ""
	}
	data, err := json.Marshal(v)
	require.NoError(in.t, err)
	return " " + string(data)
}

// wait is the id of the oldest open command of an element.
func (in *instance) wait(element string) int {
	for _, w := range in.s.Waits {
		if w.Element == element {
			return w.ID
		}
	}
	in.t.Fatalf("nothing is under way for %q: %v", element, in.s.Waits)
	return 0
}

func begin(v Variables) func(*instance) Event {
	return func(*instance) Event { return Started{Variables: v} }
}

func beginAt(element string, v Variables) func(*instance) Event {
	return func(*instance) Event { return Started{Element: element, Variables: v} }
}

func done(element string, v Variables) func(*instance) Event {
	return func(in *instance) Event { return Completed{ID: in.wait(element), Outputs: v} }
}

func fails(element, code, message string) func(*instance) Event {
	return func(in *instance) Event {
		return Failed{ID: in.wait(element), Failure: Failure{Code: code, Message: message}}
	}
}

func fires(element string) func(*instance) Event {
	return func(in *instance) Event { return TimerFired{ID: in.wait(element)} }
}

func message(element string, v Variables) func(*instance) Event {
	return func(in *instance) Event { return MessageReceived{ID: in.wait(element), Variables: v} }
}

func answer(element string, action IncidentAction, v Variables) func(*instance) Event {
	return func(in *instance) Event {
		for _, i := range in.s.Incidents {
			if i.Element == element {
				return IncidentAnswered{ID: i.ID, Action: action, Variables: v}
			}
		}
		in.t.Fatalf("no incident at %q", element)
		return nil
	}
}

func given(ev Event) func(*instance) Event { return func(*instance) Event { return ev } }
