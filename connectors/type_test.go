package connectors

import (
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTypeCheck(t *testing.T) {
	file := map[string]any{"name": "a.txt", "mediaType": "text/plain", "text": ""}
	for kind, values := range map[Type][2][]any{ // good, bad
		TypeString:   {{"a"}, {1.0, true, []any{}, map[string]any{}}},
		TypeInteger:  {{1, int64(1), 1.0, -3.0, json.Number("7")}, {1.5, "1", 1e300, json.Number("1.5"), true}},
		TypeBoolean:  {{true, false}, {"true", 1.0}},
		TypeDate:     {{"2026-02-28"}, {"2026-02-30", "28.2.2026", "2026-02-28T00:00:00Z", 5.0}},
		TypeDatetime: {{"2026-02-28T10:00:00Z", "2026-02-28T10:00:00.5+01:00", "2026-02-28 10:00:00", "2026-02-28T10:00:00"}, {"2026-02-28", "now", true}},
		TypeJSON:     {{"a", 1.0, true, []any{}, map[string]any{}}, nil},
		TypeArray:    {{[]any{}}, {"a", map[string]any{}}},
		TypeFile:     {{file, []any{file, file}, []any{}}, {"a.txt", []any{"a.txt"}, map[string]any{"name": "a"}}},
	} {
		for _, value := range values[0] {
			require.NoError(t, kind.Check(value), "%s %v", kind, value)
		}
		for _, value := range values[1] {
			require.Error(t, kind.Check(value), "%s %v", kind, value)
		}
	}
	require.EqualError(t, TypeDate.Check("31.1.2026"), "a date such as 2026-01-31 is expected, not this text")
}

func TestParseFiles(t *testing.T) {
	stored := map[string]any{"name": "a.pdf", "mediaType": "application/pdf", "size": int64(12), "uri": "mail/1"}
	inline := map[string]any{"name": "t.ftl", "mediaType": "text/html", "text": "Hi"}
	files, err := ParseFiles([]any{stored, inline})
	require.NoError(t, err)
	require.Equal(t, []File{{Name: "a.pdf", MediaType: "application/pdf", Size: 12, URI: "mail/1"}, {Name: "t.ftl", MediaType: "text/html", Text: "Hi"}}, files)
	require.Equal(t, stored, files[0].Value())
	require.Equal(t, inline, files[1].Value())

	none, err := ParseFiles(nil)
	require.NoError(t, err)
	require.Empty(t, none)

	for want, value := range map[string]any{
		"file 2: a file such as":           []any{inline, "x"},
		"file 1: name is required":         map[string]any{"text": "x"},
		"uri or text is required":          map[string]any{"name": "x"},
		"has both uri and text":            map[string]any{"name": "x", "uri": "u", "text": "t"},
		"mediaType must be text, not this": map[string]any{"name": "x", "uri": "u", "mediaType": 1.0},
		"size must not be negative":        map[string]any{"name": "x", "uri": "u", "size": -1.0},
	} {
		_, err := ParseFiles(value)
		require.ErrorContains(t, err, want)
	}
}

// folder is a store of files in memory.
type folder map[string]string

func (f folder) Open(_ context.Context, uri string) (io.ReadCloser, error) {
	text, ok := f[uri]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

func TestFileOpen(t *testing.T) {
	for name, file := range map[string]File{"stored": {Name: "a", URI: "u"}, "inline": {Name: "a", Text: "content"}} {
		r, err := file.Open(t.Context(), folder{"u": "content"})
		require.NoError(t, err, name)
		content, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, "content", string(content))
		require.NoError(t, r.Close())
	}
	_, err := File{Name: "a.pdf", URI: "gone"}.Open(t.Context(), folder{})
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "a.pdf")
}
