package scenario

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/testsuite/eventlog"
)

// TestEventsOfScenarios reads the log of every instance of every scenario file. What is under way in the log is what is under way in the
// instance, no more and no less, and an instance that records does what one does that does not. Every type of event that an instance can have
// occurs.
func TestEventsOfScenarios(t *testing.T) {
	files, err := filepath.Glob("../scenarios/*/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	count := map[events.Type]int{}
	for _, name := range files {
		f, err := open(name, Options{})
		require.NoError(t, err)
		for n := range f.Cases {
			c := &f.Cases[n]
			plain := newWorld(t.Context(), f)
			plain.silent = true
			failed := f.runIn(plain, c)
			if failed != nil { // what it expects of events it cannot have
				require.ErrorContains(t, failed, "expected events", "%s: %s", name, c.Name)
			}
			checkers := map[*instance]*eventlog.Checker{}
			w := newWorld(t.Context(), f)
			w.observe = func(i *instance, e events.Event) {
				if checkers[i] == nil {
					checkers[i] = &eventlog.Checker{}
				}
				require.NoError(t, checkers[i].Add(e), "%s: %s: %+v", name, c.Name, e)
				count[e.Type]++
			}
			if failure := f.runIn(w, c); failure != nil {
				t.Fatalf("%s:%d: %s: %v", name, failure.line, c.Name, failure)
			}
			require.Equal(t, len(w.instances), len(checkers))
			for n, i := range w.instances {
				s := i.state
				l := checkers[i]
				if s.Outcome != "" {
					require.Empty(t, l.Open(""), "%s: %s: %s", name, c.Name, i.name)
				} else {
					require.Len(t, l.Open(events.KindProcess), 1)
					require.Len(t, l.Open(events.KindIncident), len(s.Incidents))
					require.Len(t, l.Open(events.KindTask), openTasks(w, i), "%s: %s: %s", name, c.Name, i.name)
					require.Subset(t, append(l.Open(events.KindActivity), loops(i)...), s.Active(), "%s: %s: %s", name, c.Name, i.name)
				}
				if failed == nil {
					require.Equal(t, withoutRecord(t, plain.instances[n]), withoutRecord(t, i), "%s: %s: %s", name, c.Name, i.name)
				}
			}
		}
	}
	t.Log(count)
	for _, kind := range []events.Type{
		events.ProcessStarted, events.ProcessEnded, events.TaskCreated, events.TaskCompleted, events.TaskCancelled, events.FlowTaken,
		events.ActivityStarted, events.ActivityCompleted, events.ActivityCancelled, events.ActivitySignaled, events.ActivityMessage,
		events.ActivityCompensate, events.ActivityError, events.VariableCreated, events.VariableUpdated, events.VariableDeleted,
		events.IntegrationRequest, events.IntegrationResult, events.IntegrationError, events.IncidentCreated, events.IncidentResolved,
		events.ExternalTaskCreated, events.ExternalTaskEnded, events.ExternalTaskFailed,
	} {
		require.Positive(t, count[kind], kind)
	}
}

func openTasks(w *world, i *instance) (n int) {
	for _, t := range w.tasks {
		if t.instance == i {
			n++
		}
	}
	return n
}

// loops are the elements that wait as a whole and have begun no instance, so that the log has none either.
func loops(i *instance) (ids []string) {
	for _, n := range i.process.Nodes {
		if n.Loop != nil {
			ids = append(ids, n.ID)
		}
	}
	for _, incident := range i.state.Incidents { // of an element that has completed and has no way out, or was not entered
		ids = append(ids, incident.Element)
	}
	return ids
}

// withoutRecord is the state of an instance without what recording keeps in it.
func withoutRecord(t *testing.T, i *instance) string {
	t.Helper()
	data, err := json.Marshal(i.state)
	require.NoError(t, err)
	var state map[string]any
	require.NoError(t, json.Unmarshal(data, &state))
	for _, name := range []string{"record", "logged", "began"} {
		delete(state, name)
	}
	for _, list := range []string{"tokens", "joins", "waits", "incidents"} {
		entries, _ := state[list].([]any)
		for _, entry := range entries {
			for _, name := range []string{"activity", "since", "heard", "ref"} {
				delete(entry.(map[string]any), name)
			}
		}
	}
	data, err = json.Marshal(state)
	require.NoError(t, err)
	return string(data)
}
