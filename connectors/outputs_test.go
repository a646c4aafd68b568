package connectors

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFit(t *testing.T) {
	const frame = len(`{"a":""}`)
	for name, tc := range map[string]struct {
		value any
		fits  bool
	}{
		"nothing":           {nil, true},
		"as much as may be": {strings.Repeat("x", MaxOutputs-frame), true},
		"a byte more":       {strings.Repeat("x", MaxOutputs-frame+1), false},
		"escaped":           {strings.Repeat("<", MaxOutputs/6+1), false},
		"escaped, fits":     {strings.Repeat("<", (MaxOutputs-frame)/6), true},
		"a list":            {[]any{strings.Repeat("x", MaxOutputs/2), map[string]any{"b": strings.Repeat("x", MaxOutputs/2)}}, false},
		"of another type":   {struct{ A int }{1}, true},
		"no JSON":           {func() {}, false},
	} {
		require.Equal(t, tc.fits, Fit(map[string]any{"a": tc.value}), name)
	}
}

// What is taken for the longest form must be, else outputs that are too large pass.
func TestLongest(t *testing.T) {
	for _, value := range []any{
		nil, false, int64(math.MinInt64), -math.MaxFloat64, -math.SmallestNonzeroFloat64, -1.2345678901234567e-6, "", "\x00\xff<\u2028é\"", []any{}, []any{nil, "x"},
		map[string]any{}, map[string]any{"<": "<", "b": []any{int64(1), map[string]any{"\x00": true}}},
	} {
		text, err := json.Marshal(value)
		require.NoError(t, err)
		require.GreaterOrEqual(t, longest(value), len(text), "%s", text)
	}
}
