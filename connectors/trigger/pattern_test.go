package trigger

import (
	"strings"
	"testing"
	"time"

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
		"dot and old lines":  {`a.b`, "a\rb", nil},
		"dot, unix lines":    {`(?d)a.b`, "a\rb", map[string]any{}},
		"dot, all":           {`(?s)a.b`, "a\nb", map[string]any{}},
		"union":              {`^[a-d[m-p]]+$`, "admp", map[string]any{}},
		"intersection":       {`^[a-z&&[^b]]+$`, "ac", map[string]any{}},
		"not in it":          {`^[a-z&&[^b]]+$`, "abc", nil},
		"whatever case":      {`(?i)^[a-z&&[^b]]+$`, "aB", nil},
		"whatever case, in":  {`(?i)^[a-z&&[^b]]+$`, "aC", map[string]any{}},
		"negated with &&":    {`^[^a-d&&[c-f]]+$`, "abef", map[string]any{}},
		"possessive":         {`^(?<a>\d++)-(?<b>[^,]*+),`, "12-x,y", map[string]any{"a": "12", "b": "x"}},
		"possessive at end":  {`(?<a>\d++)$`, "x12", map[string]any{"a": "12"}},
		"horizontal space":   {`^a\h+\H$`, "a\t \u00a0b", map[string]any{}},
		"vertical space":     {`^a\v\V[\V]$`, "a\u2028bc", map[string]any{}},
		"line break":         {`^a\Rb\R$`, "a\r\nb\u0085", map[string]any{}},
		"end":                {`a\Z`, "xa\n", map[string]any{}},
		"comments":           {"(?x) a \\  b # c\n [c d]", "a bc", map[string]any{}},
		"unused flags":       {`(?du)a(?iu:B)`, "ab", map[string]any{}},
		"flag off":           {`(?i)a(?-i)B`, "AB", map[string]any{}},
		"octal and control":  {`^\0101\cA\x41\x{41}\e$`, "A\x01AA\x1b", map[string]any{}},
		"surrogates":         {`^[\ud83d\ude00]$`, "😀", map[string]any{}},
		"script":             {`^\p{IsGreek}\p{script=Cyrillic}\p{IsLatn}$`, "αдa", map[string]any{}},
		"block":              {`^\p{InGreek}\p{In Currency Symbols}$`, "α€", map[string]any{}},
		"property":           {`^\p{IsAlphabetic}+\p{javaLowerCase}\P{IsUppercase}$`, "Ⅷäßx", map[string]any{}},
		"category":           {`^\p{gc=Lu}\pL\p{IsLl}\PL$`, "ABc1", map[string]any{}},
		"vertical tab":       {`^\s[\s]\S[\S]$`, "\v\vab", map[string]any{}},
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
		`a(?=b)`:                          "at character 2: the look-ahead (?=",
		`ä(?!b)`:                          "at character 2: the negative look-ahead (?!",
		`(?<=a)b`:                         "at character 1: the look-behind (?<=",
		`(?<!a)b`:                         "the negative look-behind (?<!",
		`(?>a)`:                           "the atomic group (?>",
		`(a)\1`:                           `at character 4: the back-reference \1`,
		`(?<a>a)\k<a>`:                    `the back-reference \k`,
		`xa++a`:                           "at character 3: the possessive ++ is not supported here, where it may take what should match after it; write +",
		`a*+a?b`:                          "the possessive *+ is not supported here, where it may take what",
		`.?+x`:                            "possessive ?+",
		`a{2,3}+[a-c]`:                    "possessive {2,3}+",
		`(?i)a++A`:                        "possessive ++",
		`(ab)++c`:                         "behind what may be more than one character",
		`(?:a++)*b`:                       "at the end of a group that is repeated",
		`(?:a++|b)c`:                      "where it may take",
		`(?m)\s++$`:                       "where it may take the end of the line",
		`a++\b`:                           "where it may take",
		`[\R]`:                            `\R is not supported`,
		`\G`:                              `\G is not supported`,
		`\X`:                              `write \P{M}\p{M}*`,
		`\b{g}`:                           `\b{g} is not supported`,
		`\N{DIGIT ONE}`:                   `\N{...} is not supported`,
		`\y`:                              `\y is not supported`,
		`\08`:                             `\0 wants octal digits`,
		`\c`:                              `\c wants a character`,
		`\xg`:                             `\x wants two hexadecimal digits`,
		`\x{110000}`:                      "is no character",
		`\ud83d`:                          "half a character",
		`a\E`:                             `\E without \Q`,
		`(?U)a+`:                          "flag (?U)",
		`(?i-y:a)`:                        "flag (?y)",
		`(?P<a>b)`:                        "write (?<name>...)",
		`[a-z&&]`:                         "nothing on one side of &&",
		`[a-z&&&b]`:                       "&&& is read in more than one way",
		`[a-&&b]`:                         "-&& is read in more than one way",
		`[a-z&&b&]`:                       "& behind && is read",
		`a++$*a`:                          "before an end that is repeated",
		`a(?i)+`:                          "nothing that + could repeat",
		`[a&&b]`:                          "the class matches no character",
		`[abc`:                            "at character 1: the class does not end",
		`x[a[b]`:                          "at character 2: the class does not end",
		strings.Repeat(`[`, 30):           "nested deeper than 20",
		`(a`:                              "missing closing )",
		`a**`:                             "invalid nested repetition operator",
		`\p{IsGreeek}`:                    `property or script "Greeek" is unknown; did you mean "greek"?`,
		`\p{InNowhere}`:                   `block "Nowhere" is unknown`,
		`\p{Alfa}`:                        `category "Alfa" is unknown`,
		`\p{age=6.0}`:                     `there are script, block and general_category`,
		`\p`:                              `\p wants a name`,
		`(?<a>x)(?<a>)`:                   `group "a" is there twice`,
		`a\`:                              "trailing backslash",
		strings.Repeat("a", maxPattern+1): "at most 2000",
	} {
		_, err := compile(source)
		require.ErrorContains(t, err, want, source)
	}
}

func TestPatternIsBounded(t *testing.T) {
	for _, unit := range []string{`\p{IsAlphabetic}`, `[\P{IsAlphabetic}&&[\H]]`, `a++`, `(?x)a *+ b`, `(`, `(?i)[a&&[^b]]`} {
		begin := time.Now()
		_, _ = compile(strings.Repeat(unit, maxPattern/len(unit)))
		require.Less(t, time.Since(begin), time.Minute, unit)
	}
}
