package engine

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/bpmn"
)

func TestOpenAfterAReload(t *testing.T) {
	host := mapped(service("a"), bpmn.Mapping{AllInputs: true})
	p := model(nodes(start("s"), host, user("u"), script("x", "1", "r"), catchTimer("t", "PT10M"), receive("m", "msg", "${k}"),
		boundary("b", host, false, "R/PT1H")),
		"s -> a", "s -> u", "s -> x", "s -> t", "s -> m")
	s := New(Options{ID: "i"})
	given, err := Step(p, s, Started{Variables: Variables{"k": 1.5, "n": int64(3), "list": []any{int64(1)}}}, epoch)
	require.NoError(t, err)
	require.Len(t, given, 6)
	require.Equal(t, given, s.Open())
	require.False(t, s.Idle())

	data, err := json.Marshal(s)
	require.NoError(t, err)
	var back State
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, s, &back)
	require.Equal(t, given, back.Open())

	for _, c := range given {
		var ev Event
		switch c := c.(type) {
		case CallConnector:
			ev = Completed{ID: c.ID}
		case RunScript:
			ev = Completed{ID: c.ID}
		default:
			continue
		}
		_, err := Step(p, &back, ev, epoch)
		require.NoError(t, err)
	}
	require.True(t, back.Idle())
	require.Len(t, back.Open(), 3)
	require.Equal(t, []string{"u", "t", "m"}, back.Active())

	_, err = Step(p, &back, Cancelled{}, epoch.Add(time.Hour))
	require.NoError(t, err)
	require.Empty(t, back.Open())
	require.True(t, back.Idle())
}

func TestStateOfAnotherEngineOrModel(t *testing.T) {
	p := model(nodes(start("s"), service("a")), "s -> a")
	s := New(Options{Engine: Version + 1})
	_, err := Step(p, s, Started{}, epoch)
	require.ErrorContains(t, err, "engine version 7; this engine knows versions 1 to 6")

	s = New(Options{})
	_, err = Step(p, s, Started{}, epoch)
	require.NoError(t, err)
	_, err = Step(model(nodes(start("s"))), s, Completed{ID: 2}, epoch)
	require.ErrorContains(t, err, `no element "a": the state belongs to another model`)
	require.NotErrorIs(t, err, ErrStale)
	require.Len(t, s.Waits, 1)
}
