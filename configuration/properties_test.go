package configuration

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadProperties(t *testing.T) {
	for text, want := range map[string][]entry{
		"":                             nil,
		"# a=b\n ! c=d\n\n \t\n":       nil,
		"a=b":                          {{"a", "b", 1, false}},
		"a = b\r\nc:d\re f":            {{"a", "b", 1, false}, {"c", "d", 2, false}, {"e", "f", 3, false}},
		"a":                            {{"a", "", 1, false}},
		"a=":                           {{"a", "", 1, false}},
		"a : = b":                      {{"a", "= b", 1, false}},
		"\ta\t=\tb ":                   {{"a", "b ", 1, false}},
		"a = b # c":                    {{"a", "b # c", 1, false}},
		`a\=\:\ b=c\=d`:                {{"a=: b", "c=d", 1, false}},
		`a=\t\n\r\f\\\q`:               {{"a", "\t\n\r\f\\q", 1, false}},
		`a=\u00e4\uD83D\uDE00`:         {{"a", "ä😀", 1, false}},
		"a=b,\\\n   c,\\\n  d\ne=f":    {{"a", "b,c,d", 1, false}, {"e", "f", 4, false}},
		"a=b\\\\\nc=d":                 {{"a", `b\`, 1, false}, {"c", "d", 2, false}},
		"a=b\\\n# c":                   {{"a", "b# c", 1, false}},
		"# a\\\nb=c":                   {{"b", "c", 2, false}},
		"a=b\\":                        {{"a", "b", 1, false}},
		"a=1\na=2":                     {{"a", "1", 1, false}, {"a", "2", 2, false}},
		"cron=0/30 * * * * ?":          {{"cron", "0/30 * * * * ?", 1, false}},
		"url=jdbc:mysql://h/db?a=b&c=": {{"url", "jdbc:mysql://h/db?a=b&c=", 1, false}},
	} {
		got, err := readProperties(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, "%q", text)
	}
	for _, text := range []string{`\u12`, `\u00g0`, `\u`, `\u+123`} {
		_, err := readProperties("a=b\nc=" + text)
		require.ErrorContains(t, err, `2: \u is followed by four hexadecimal digits`, text)
	}
}

func TestDecode(t *testing.T) {
	require.Equal(t, "ä=ö", decode([]byte("ä=ö")))
	require.Equal(t, "ä=ö", decode([]byte("\xe4=\xf6")), "ISO-8859-1")
}

func FuzzReadProperties(f *testing.F) {
	f.Add("a=b\\\n c\n#d\ne\\u00e4: f")
	f.Fuzz(func(t *testing.T, text string) {
		entries, err := readProperties(text)
		if err != nil {
			require.Regexp(t, `^\d+: `, err.Error())
		}
		last := 0
		for _, e := range entries {
			require.Greater(t, e.line, last, "each begins in a line of its own")
			last = e.line
		}
	})
}
