package configuration

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadYAML(t *testing.T) {
	for text, want := range map[string][]entry{
		"":                                    nil,
		"# nothing\n":                         nil,
		"---\n":                               nil,
		"a: b":                                {{"a", "b", 1, false}},
		"a:\n  b:\n    c: 1\n  d: true\n":     {{"a.b.c", "1", 3, false}, {"a.d", "true", 4, false}},
		"a.b: x\na:\n  c: y":                  {{"a.b", "x", 1, false}, {"a.c", "y", 3, false}},
		"a: {b: 'x: y', c: \"\\u00e4\"}":      {{"a.b", "x: y", 1, false}, {"a.c", "ä", 1, false}},
		"a: [b, 2, true]":                     {{"a", "b,2,true", 1, false}},
		"a:\n- b\n- c\n":                      {{"a", "b,c", 1, false}},
		"a: 0123\nb: 1e5\nc: 1_000\nd: 0x10":  {{"a", "0123", 1, false}, {"b", "1e5", 2, false}, {"c", "1_000", 3, false}, {"d", "0x10", 4, false}},
		"a:\nb: null\nc: ~\nd: ''":            {{"a", "", 1, false}, {"b", "", 2, false}, {"c", "", 3, false}, {"d", "", 4, false}},
		"a: |\n  -----BEGIN\n  xyz\nb: c":     {{"a", "-----BEGIN\nxyz\n", 1, false}, {"b", "c", 4, false}},
		"a: {}\nb: []":                        {{"b", "", 2, false}},
		"a:\n- {b: c}":                        {{"a", "", 1, true}},
		"cron: 0/30 * * * * ?":                {{"cron", "0/30 * * * * ?", 1, false}},
		"from:\n  default: a@b\nx: env:A # y": {{"from.default", "a@b", 2, false}, {"x", "env:A", 3, false}},
	} {
		got, err := readYAML([]byte(text))
		require.NoError(t, err, text)
		require.Equal(t, want, got, "%q", text)
	}
	for text, want := range map[string]string{
		"a: b\n c: d":                   "1: this is no YAML",
		"a: [b\n":                       "1: this is no YAML",
		"a: b\na: c":                    "2: ",
		"a:\n  b: c\na.b: d":            "3: a.b stands in line 2, too; keep one",
		"- a\n- b":                      "1: settings are expected",
		"text":                          "1: settings are expected",
		"a: b\n---\nc: d":               "3: one document is expected",
		"a: &x b\nc: *x":                "1: a: text, a number, true or false, or a list of such is expected",
		"a: !!binary aGVsbG8=":          "1: a: text, a number, true or false, or a list of such is expected",
		"email:\n  password: \"hunter2": "2: this is no YAML",
	} {
		_, err := readYAML([]byte(text))
		require.ErrorContains(t, err, want, text)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func FuzzReadYAML(f *testing.F) {
	f.Add([]byte("a:\n  b: c\n  d: [e, f]\n"))
	f.Add([]byte("a: &x {b: |\n c}\n? [d]\n: *x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := readYAML(data)
		if err != nil {
			require.Regexp(t, `^\d+: `, err.Error())
		}
		names := map[string]bool{}
		for _, e := range entries {
			require.False(t, names[e.name], "a name comes once")
			names[e.name] = true
		}
	})
}
