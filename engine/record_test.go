package engine

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/testsuite/eventlog"
)

// unrecorded checks what a step has recorded and returns its other commands.
func unrecorded(t *testing.T, log *eventlog.Checker, s *State, commands []Command) []Command {
	t.Helper()
	for i, c := range commands {
		r, ok := c.(Record)
		if !ok {
			continue
		}
		require.Equal(t, i, len(commands)-1, "Record is the last command")
		require.Positive(t, r.Len())
		for e := range r.Events() {
			if err := log.Add(e); err != nil {
				t.Fatalf("%v: %+v", err, e)
			}
		}
		commands = commands[:i:i]
	}
	active := 0
	for i := range s.Tokens {
		if s.Tokens[i].Activity != 0 {
			active++
		}
	}
	for i := range s.Joins {
		require.NotZero(t, s.Joins[i].Activity)
		active++
	}
	require.Len(t, log.Open(events.KindActivity), active)
	require.Len(t, log.Open(events.KindIncident), len(s.Incidents))
	waits := map[events.Kind]int{}
	for _, w := range s.Waits {
		switch w.Kind {
		case WaitTask:
			waits[events.KindTask]++
		case WaitCall:
			waits[events.KindIntegration]++
		case WaitOffer:
			waits[events.KindExternalTask]++
		}
	}
	for _, kind := range []events.Kind{events.KindTask, events.KindIntegration, events.KindExternalTask} {
		require.Len(t, log.Open(kind), waits[kind], kind)
	}
	require.Equal(t, s.Outcome == "", len(log.Open(events.KindProcess)) == 1)
	return commands
}

// plainState is a state without what recording keeps in it.
func plainState(t *testing.T, s *State) string {
	t.Helper()
	data, err := json.Marshal(s)
	require.NoError(t, err)
	var p State
	require.NoError(t, json.Unmarshal(data, &p))
	p.Record, p.Logged, p.Began = false, 0, 0
	for i := range p.Tokens {
		p.Tokens[i].Activity, p.Tokens[i].Since, p.Tokens[i].Heard = 0, 0, ""
	}
	for i := range p.Joins {
		p.Joins[i].Activity, p.Joins[i].Since = 0, 0
	}
	for i := range p.Waits {
		p.Waits[i].Ref, p.Waits[i].Activity, p.Waits[i].Since = 0, 0, 0
	}
	for i := range p.Incidents {
		p.Incidents[i].Ref, p.Incidents[i].Activity = 0, 0
	}
	data, err = json.Marshal(&p)
	require.NoError(t, err)
	return string(data)
}
