package engine

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/bpmn"
)

// An external task is the same when it is offered again after its incident, and another in the next element.
func TestExternalTaskKeepsItsID(t *testing.T) {
	first, second := node(bpmn.ServiceTask, "a"), node(bpmn.ServiceTask, "b")
	first.Topic, second.Topic = expr("ship"), expr("bill")
	p := model(nodes(start("s"), first, second, end("e")), "s -> a", "a -> b", "b -> e")
	offered := func(s *State, ev Event) *OfferTask {
		t.Helper()
		commands, err := Step(p, s, ev, epoch)
		require.NoError(t, err)
		for _, c := range commands {
			if o, ok := c.(OfferTask); ok {
				return &o
			}
		}
		return nil
	}
	s := New(Options{})
	a := offered(s, Started{})
	require.Equal(t, a.ID, a.Task)
	again := a
	for range 3 {
		require.Nil(t, offered(s, Failed{ID: again.ID, Failure: Failure{Message: "no luck"}}))
		require.Equal(t, a.Task, s.Incidents[0].Offer)
		again = offered(s, IncidentAnswered{ID: s.Incidents[0].ID, Action: IncidentRetry})
		require.Equal(t, a.Task, again.Task)
		require.NotEqual(t, a.ID, again.ID)
	}
	require.Nil(t, offered(s, Failed{ID: again.ID, Failure: Failure{Message: "no luck"}}))
	b := offered(s, IncidentAnswered{ID: s.Incidents[0].ID, Action: IncidentResolve})
	require.Equal(t, "b", b.Element)
	require.Equal(t, b.ID, b.Task)

	s = New(Options{Engine: 4})
	require.Zero(t, offered(s, Started{}).Task, "as instances that began before have it")
}
