package events

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What a value is called and the fields that its document has go together, whoever records it.
func TestTextType(t *testing.T) {
	at := time.Date(2026, 1, 2, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"":                          "string",
		"text":                      "string",
		"2026-01-02":                "date",
		"2026-01-02T10:00:00Z":      "date",
		"2026-01-02T11:00:00+01:00": "date",
		"2026-01-02T10:00:00." + strings.Repeat("0", 20) + "Z": "string", // longer than any clock is exact
		"2026-13-02":                             "string",
		"2026-01-02 10:00:00":                    "string",
		"02-01-2026":                             "string",
		"123e4567-e89b-12d3-a456-426614174000":   "uuid",
		"123E4567-E89B-12D3-A456-426614174000":   "uuid",
		"123e4567-e89b-12d3-a456-42661417400x":   "string",
		"123e4567-e89b-12d3-a4560426614174000":   "string",
		"123e4567-e89b-12d3-a456-426614174000\n": "string",
	} {
		d := Batch{Events: []Event{{Type: VariableCreated, Name: "v", Ref: "v", Value: text, ValueType: want}}}.Documents()[0]
		kind, _ := TextType(text)
		require.Equal(t, want, kind, text)
		require.Equal(t, text, *d.String)
		require.Equal(t, want == "uuid", d.UUID != nil, text)
		require.Equal(t, want == "date", d.Date != nil, text)
		if d.Date != nil && len(text) > len(time.DateOnly) {
			require.True(t, at.Equal(*d.Date), text)
		}
	}
}

func TestCut(t *testing.T) {
	long := strings.Repeat("ä", MaxText)
	require.Equal(t, long[:MaxText], Cut(long))
	require.Equal(t, "a"+long[:MaxText-2], Cut("a"+long), "a character is whole or not there")
	for _, test := range []struct {
		text  string
		limit int
		want  string
	}{
		{"", 3, ""},
		{"abc", 3, "abc"},
		{"abcd", 3, "abc"},
		{"ää", 3, "ä"},
		{"ä", 1, ""},
		{"a\xffb", 3, "ab"},
		{"abc", 0, ""},
	} {
		require.Equal(t, test.want, CutTo(test.text, test.limit), "%q", test.text)
	}
}
