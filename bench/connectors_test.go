package main

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDuelsAreInTurn(t *testing.T) {
	var order string
	var waste [][]byte
	d := duel{
		calls: 2,
		ours:  func(context.Context) error { order += "o"; return nil },
		bare: func(context.Context) error {
			order += "b"
			for range 100 {
				waste = append(waste, make([]byte, 100))
			}
			return nil
		},
	}
	line, err := d.fight(t.Context(), 2)
	require.NoError(t, err)
	require.Equal(t, "oobb"+"bboo"+"oobb", order)
	require.Len(t, waste, 600)
	require.GreaterOrEqual(t, line.BareAllocs.Median, 100.0)
	require.Less(t, line.OursAllocs.Median, 100.0)
	require.Positive(t, line.Rate.Median)
}

// What is compared works, on both sides.
func TestDuels(t *testing.T) {
	a := &arena{host: &program{TB: t}}
	t.Cleanup(func() { require.NoError(t, a.end()) })
	require.NoError(t, a.addREST(t.Context()))
	require.NoError(t, a.addFiles(t.Context()))
	for _, d := range a.duels {
		require.NoError(t, d.ours(t.Context()), d.name)
		require.NoError(t, d.bare(t.Context()), d.name)
	}
}
