package connectors

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadJSON(t *testing.T) {
	for text, want := range map[string]any{
		"null": nil, "true": true, `"a"`: "a", " 1 \n": int64(1), "9007199254740993": int64(9007199254740993), "1.5": 1.5, "1e3": 1000.0, "18446744073709551616": 18446744073709551616.0,
		"1e999":                 "1e999",
		"\xef\xbb\xbf[1,{}]":    []any{int64(1), map[string]any{}},
		`{"a":[1,{"b":-0.25}]}`: map[string]any{"a": []any{int64(1), map[string]any{"b": -0.25}}},
	} {
		value, err := ReadJSON([]byte(text))
		require.NoError(t, err, text)
		require.Equal(t, want, value, text)
	}
	for _, text := range []string{"", " ", "{", "nil", "1 2", "{}}", "[1],", "01"} {
		_, err := ReadJSON([]byte(text))
		require.Error(t, err, text)
	}
}
