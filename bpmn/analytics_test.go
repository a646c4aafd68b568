package bpmn

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnalytics(t *testing.T) {
	read := func(extensions string) *Analytics {
		t.Helper()
		m, err := Parse("m.bpmn", between(`<task id="e"/>`), Options{Extensions: []byte(extensions)})
		require.NoError(t, err)
		return m.Processes[0].Analytics
	}
	none := read(`{}`)
	require.Nil(t, none)
	require.True(t, none.Any() && none.Analyses("a"))
	require.Equal(t, MaxAnalysed, none.Limit())
	require.Empty(t, none.MaskOf("a"))

	for _, extensions := range []string{
		`{"analytics": {"exclude": ["b"], "mask": {"a": "redact", "c": "last4"}, "maxLength": 100}}`,
		`{"extensions": {"p": {"analytics": {"exclude": ["b"], "mask": {"a": "redact", "c": "last4"}, "maxLength": 100}}}}`,
	} {
		a := read(extensions)
		require.Equal(t, &Analytics{Exclude: []string{"b"}, Mask: map[string]Mask{"a": MaskRedact, "c": MaskLast4}, MaxLength: 100}, a)
		require.Equal(t, []bool{true, false, true}, []bool{a.Analyses("a"), a.Analyses("b"), a.Analyses("x")})
		require.Equal(t, 100, a.Limit())
		require.Equal(t, MaskLast4, a.MaskOf("c"))
	}

	only := read(`{"analytics": {"variables": ["a", "b"], "exclude": ["b"]}}`)
	require.Equal(t, []bool{true, false, false}, []bool{only.Analyses("a"), only.Analyses("b"), only.Analyses("x")})
	require.False(t, read(`{"analytics": {"variables": []}}`).Analyses("a"), "an empty list names none")
	off := read(`{"analytics": {"enabled": false}}`)
	require.False(t, off.Any() || off.Analyses("a"))
	require.True(t, read(`{"analytics": {}}`).Analyses("a"))
}
