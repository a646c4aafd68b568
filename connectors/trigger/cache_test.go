package trigger

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCache(t *testing.T) {
	var c Cache
	text := func(n int) []byte {
		return eventFile("connector.till.SOLD", fmt.Sprintf(`{"pattern":"sale %d"}`, n), `{"source":"till.PRINT","payload":{"text":"x"}}`)
	}
	read := func(name string, n int) *Trigger {
		t.Helper()
		got, err := c.Read(name, text(n))
		require.NoError(t, err)
		return got
	}
	first := read("a", 1)
	require.Same(t, first, read("a", 1))
	require.NotSame(t, first, read("a", 2), "it was deployed anew")
	require.NotSame(t, first, read("b", 1))
	_, matches, err := read("a", 2).Match(map[string]any{"message": "sale 2"})
	require.NoError(t, err)
	require.True(t, matches)

	for range 2 {
		_, err = c.Read("a", []byte(`{"name":`))
		require.Error(t, err)
	}
	for n := range 2 * keptAtMost {
		read("a", n)
		require.LessOrEqual(t, len(c.kept), keptAtMost)
	}
}
