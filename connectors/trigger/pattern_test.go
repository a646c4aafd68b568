package trigger

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPatternFinds(t *testing.T) {
	for name, tc := range map[string]struct {
		pattern, text string
		groups        map[string]any // nil: no match
	}{
		"anywhere":           {`Order Number (?<orderNumber>.+)`, "Re: Order Number 42", map[string]any{"orderNumber": "42"}},
		"empty":              {``, "whatever", map[string]any{}},
		"anchored":           {`^Order$`, "Order 1", nil},
		"group not taken":    {`(?<a>x)|(?<b>y)`, "y", map[string]any{"a": nil, "b": "y"}},
		"no case":            {`(?i)ORDER`, "an order", map[string]any{}},
		"posix":              {`^\p{Alpha}+ [\p{Digit}x]+ \P{Space}$`, "abc 1x2 z", map[string]any{}},
		"unicode letters":    {`^\p{Lu}\p{L}+$`, "Österreich", map[string]any{}},
		"unicode escape":     {`\u00e9[\u0061-\u0063]`, "éb", map[string]any{}},
		"quoted":             {`\Qa+b?\E+`, "xa+b???", map[string]any{}},
		"quoted to the end":  {`\Q[x`, "[x", map[string]any{}},
		"lazy and counted":   {`^(?<a>.*?)-{2,3}?$`, "ab--", map[string]any{"a": "ab"}},
		"class with escapes": {`^[\[\]\-&.]+$`, "[-]&.", map[string]any{}},
		"class with ]":       {`^[]a]+$`, "a]", map[string]any{}},
		"windows lines":      {`(?m)^Total: (?<sum>.+)$`, "Hi\r\nTotal: 5\r\nBye\r\n", map[string]any{"sum": "5"}},
		"last line end":      {`Bye$`, "Hi\r\nBye\r\n\r\n", map[string]any{}},
		"dot and lines":      {`a.b`, "a\nb", nil},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := compile(tc.pattern)
			require.NoError(t, err)
			groups, ok := p.find(tc.text)
			require.Equal(t, tc.groups != nil, ok)
			require.Equal(t, tc.groups, groups)
		})
	}
}

func TestPatternRefuses(t *testing.T) {
	for source, want := range map[string]string{
		`a(?=b)`:                          "at character 2: look-ahead",
		`a(?!b)`:                          "negative look-ahead",
		`(?<=a)b`:                         "look-behind",
		`(?<!a)b`:                         "negative look-behind",
		`(?>a)`:                           "atomic",
		`(a)\1`:                           "back-references",
		`(?<a>a)\k<a>`:                    "back-references",
		`a++`:                             "the possessive ++ is not supported; write +",
		`a*+b`:                            "possessive *+",
		`a?+`:                             "possessive ?+",
		`a{2,3}+`:                         "possessive {2,3}+",
		`\h`:                              `write [ \t]`,
		`\R`:                              `\R is not supported`,
		`a\Z`:                             `write $`,
		`[\v]`:                            `\v is not supported`,
		`\G`:                              `\G is not supported`,
		`\012`:                            `\0 is not supported`,
		`(?x)a b`:                         "flag (?x)",
		`(?iu)a`:                          "flag (?u)",
		`(?U)a+`:                          "flag (?U)",
		`(?i-x:a)`:                        "flag (?x)",
		`(?P<a>b)`:                        "write (?<name>...)",
		`[a-z&&[^b]]`:                     "intersection",
		`[a-z&&b]`:                        "intersection",
		`[a-d[m-p]]`:                      "a class inside a class",
		`[[:alpha:]]`:                     "a class inside a class",
		`[abc`:                            "the class does not end",
		`(a`:                              "missing closing )",
		`a**`:                             "invalid nested repetition operator",
		`\p{IsGreek}`:                     "invalid character class range",
		`(?<a>x)(?<a>)`:                   `group "a" is there twice`,
		`a\`:                              "trailing backslash",
		strings.Repeat("a", maxPattern+1): "at most 2000",
	} {
		_, err := compile(source)
		require.ErrorContains(t, err, want, source)
	}
}
