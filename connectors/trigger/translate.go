package trigger

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// translator copies a Java pattern, rewriting what Go writes in another way. After an error, at is where it is.
type translator struct {
	source string
	at     int
	out    strings.Builder

	flags  flagSet
	groups []flagSet // those of the groups around, to go back to
	// atom is the last element in Go's words when it matches one character, with the flags it was written under; a
	// possessive quantifier asks for it.
	atom string
	bare bool // it is flags alone, which nothing can be said to repeat
}

// flagSet are the flags that change what a translation means.
type flagSet struct{ fold, lines, dotAll, unixLines, comments bool }

func (f flagSet) String() string {
	text := ""
	for _, flag := range []struct {
		on     bool
		letter string
	}{{f.fold, "i"}, {f.lines, "m"}, {f.dotAll, "s"}} {
		if flag.on {
			text += flag.letter
		}
	}
	return text
}

// flags are (?i) and (?i-s:, the second group being what is switched off.
var flags = regexp.MustCompile(`^\(\?([A-Za-z]*)(?:-([A-Za-z]*))?([:)])`)

// counted is {2}, {2,} or {2,3}.
var counted = regexp.MustCompile(`^\{(\d+)(?:,\d*)?\}`)

// textEnd is where a text or line ends.
var textEnd = regexp.MustCompile(`^(?:\$|\\[zZ])`)

// exact is {2}.
var exact = regexp.MustCompile(`^\{\d+\}$`)

func (t *translator) run() error {
	for {
		t.skipComments()
		if t.at == len(t.source) {
			return nil
		}
		if err := t.step(); err != nil {
			return err
		}
	}
}

func (t *translator) rest() string { return t.source[t.at:] }

// step translates one element.
func (t *translator) step() error {
	rest := t.rest()
	switch {
	case strings.HasPrefix(rest, `\Q`):
		literal, _, _ := strings.Cut(rest[2:], `\E`)
		for _, r := range literal {
			t.write(regexp.QuoteMeta(string(r)), true)
		}
		t.at = min(len(t.source), t.at+len(literal)+4)
		return nil
	case rest[0] == '\\':
		return t.escape()
	case rest[0] == '[':
		return t.class()
	case rest[0] == '(':
		return t.group()
	case rest[0] == ')':
		if n := len(t.groups); n > 0 {
			t.flags, t.groups = t.groups[n-1], t.groups[:n-1]
		}
		t.copy(1, false)
		return nil
	case strings.IndexByte("*+?", rest[0]) >= 0:
		return t.quantifier(rest[:1])
	case rest[0] == '{' && counted.MatchString(rest):
		return t.quantifier(counted.FindString(rest))
	case strings.IndexByte("|^$", rest[0]) >= 0:
		t.copy(1, false)
		return nil
	case rest[0] == '.' && !t.flags.dotAll && !t.flags.unixLines:
		t.at++
		t.write(`[^\n\r\x{85}\x{2028}\x{2029}]`, true)
		return nil
	}
	for i := range rest { // one character, which may be several bytes
		if i > 0 {
			t.copy(i, true)
			return nil
		}
	}
	t.copy(len(rest), true)
	return nil
}

// write adds what an element is in Go; single says that it matches one character.
func (t *translator) write(text string, single bool) {
	t.out.WriteString(text)
	t.bare = false
	if t.atom = ""; single {
		t.atom = text
	}
}

func (t *translator) copy(n int, single bool) {
	t.write(t.source[t.at:t.at+n], single)
	t.at += n
}

// skipComments passes over space and comments where flag (?x) allows them.
func (t *translator) skipComments() {
	for t.flags.comments && t.at < len(t.source) {
		switch c := t.source[t.at]; {
		case strings.IndexByte(" \t\n\v\f\r", c) >= 0:
			t.at++
		case c == '#':
			line, _, _ := strings.Cut(t.rest(), "\n")
			t.at += len(line)
		default:
			return
		}
	}
}

// refused are the groups that Go has not, longer prefixes first.
var refused = []struct{ prefix, reason string }{
	{"(?<=", "the look-behind (?<= is not supported; match the text and leave it out of the group"},
	{"(?<!", "the negative look-behind (?<! is not supported; exclude it in the condition"},
	{"(?=", "the look-ahead (?= is not supported; match the text and leave it out of the group"},
	{"(?!", "the negative look-ahead (?! is not supported; exclude it in the condition"},
	{"(?>", "the atomic group (?> is not supported; write (?:...)"},
	{"(?P", "Java has no (?P; write (?<name>...)"},
}

func (t *translator) group() error {
	rest := t.rest()
	for _, r := range refused {
		if strings.HasPrefix(rest, r.prefix) {
			return errors.New(r.reason)
		}
	}
	f := flags.FindStringSubmatch(rest)
	if f == nil {
		t.groups = append(t.groups, t.flags)
		if strings.HasPrefix(rest, "(?") {
			t.copy(2, false)
		} else {
			t.copy(1, false)
		}
		return nil
	}
	if f[3] == ":" {
		t.groups = append(t.groups, t.flags)
	}
	on, err := t.set(f[1], true)
	if err != nil {
		return err
	}
	off, err := t.set(f[2], false)
	if err != nil {
		return err
	}
	if off != "" {
		on += "-" + off
	}
	if t.at += len(f[0]); on != "" || f[3] == ":" {
		t.write("(?"+on+f[3], false)
	}
	t.bare = f[3] == ")"
	return nil
}

// set switches flags and returns those that Go has, too. (?u) changes nothing: Go's (?i) is of all letters.
func (t *translator) set(letters string, on bool) (kept string, err error) {
	for _, flag := range letters {
		switch flag {
		case 'i':
			t.flags.fold = on
		case 'm':
			t.flags.lines = on
		case 's':
			t.flags.dotAll = on
		case 'x':
			t.flags.comments = on
			continue
		case 'd':
			t.flags.unixLines = on
			continue
		case 'u':
			continue
		case 'U': // compiles in Go and means ungreedy there
			return "", errors.New(`flag (?U) is not supported; write classes such as \p{IsAlphabetic}`)
		default:
			return "", fmt.Errorf("flag (?%c) is not supported; there are i, m, s, x, d and u", flag)
		}
		kept += string(flag)
	}
	return kept, nil
}

// escape handles a backslash outside a class.
func (t *translator) escape() error {
	rest := t.rest()
	if len(rest) == 1 {
		return errors.New(`trailing backslash; write \\ for the character`)
	}
	switch c := rest[1]; {
	case c >= '1' && c <= '9', c == 'k':
		return fmt.Errorf(`the back-reference \%c is not supported; compare the groups in the condition`, c)
	case strings.HasPrefix(rest, `\b{`):
		return errors.New(`\b{g} is not supported`)
	case strings.IndexByte("AbBz", c) >= 0:
		t.copy(2, false)
		return nil
	case c == 'Z': // line ends at the end of the text are dropped before it is matched
		t.at += 2
		t.write(`\z`, false)
		return nil
	case c == 'R':
		t.at += 2
		t.write(`(?:\r\n|[`+verticalSpace+`])`, false)
		return nil
	case c == 'G':
		return errors.New(`\G is not supported: a pattern is found once; write ^ for the beginning`)
	case c == 'X':
		return errors.New(`\X is not supported; write \P{M}\p{M}*`)
	}
	e, err := readEscape(rest)
	if err != nil {
		return err
	}
	t.at += e.length
	if e.body == `\d` || e.body == `\w` || e.single && !e.negated {
		if e.negated {
			e.body = strings.ToUpper(e.body)
		}
		t.write(e.body, true)
		return nil
	}
	t.write("["+e.caret()+e.body+"]", true)
	return nil
}

// quantifier handles *, +, ? and {2,3}, each alone, lazy or possessive.
func (t *translator) quantifier(q string) error {
	if t.bare {
		return fmt.Errorf("nothing that %s could repeat", q)
	}
	atom := t.atom
	at := t.at
	t.copy(len(q), false)
	t.skipComments()
	switch rest := t.rest(); {
	case strings.HasPrefix(rest, "?"):
		t.copy(1, false)
	case strings.HasPrefix(rest, "+"):
		t.at++
		if err := t.possessive(q, atom); err != nil {
			t.at = at
			return fmt.Errorf("the possessive %s+ is not supported here, %w; write %s", q, err, q)
		}
	}
	return nil
}

// possessive tells whether a possessive quantifier means the same as a greedy one, which gives back what it took when
// the match would fail otherwise. It does when nothing follows, and when what follows begins with a character that the
// quantified one cannot be.
func (t *translator) possessive(q, atom string) error {
	if exact.MatchString(q) {
		return nil // there is nothing to give back
	}
	if atom == "" {
		return errors.New("behind what may be more than one character")
	}
	taken, err := readSet(atom, t.flags)
	if err != nil {
		return err
	}
	next := translator{source: t.source, at: t.at, flags: t.flags, groups: slices.Clone(t.groups)}
	for next.skipComments(); strings.HasPrefix(next.rest(), ")"); next.skipComments() {
		if err := next.step(); err != nil {
			return err
		}
		if _, quantified := next.peekMinimum(); quantified {
			return errors.New("at the end of a group that is repeated")
		}
	}
	rest := next.rest()
	if rest == "" || rest[0] == '|' && len(next.groups) == 0 {
		return nil
	}
	if end := textEnd.FindString(rest); end != "" {
		next.at += len(end)
		switch _, quantified := next.peekMinimum(); {
		case quantified:
			return errors.New("before an end that is repeated")
		case end == "$" && next.flags.lines && len(taken.and(set{'\n', '\n'})) > 0:
			return errors.New("where it may take the end of the line that follows")
		}
		return nil
	}
	if rest[0] != '(' { // what is wrong in what follows is told when it is reached
		if err := next.step(); err == nil && next.atom != "" {
			if minimum, _ := next.peekMinimum(); minimum > 0 {
				if follows, err := readSet(next.atom, next.flags); err == nil && len(taken.and(follows)) == 0 {
					return nil
				}
			}
		}
	}
	return errors.New("where it may take what should match after it")
}

// peekMinimum is how often the element before must be there at least, by the quantifier that stands here.
func (t *translator) peekMinimum() (minimum int, quantified bool) {
	t.skipComments()
	rest := t.rest()
	switch {
	case rest == "":
		return 1, false
	case rest[0] == '*', rest[0] == '?':
		return 0, true
	case rest[0] == '+':
		return 1, true
	}
	if m := counted.FindStringSubmatch(rest); m != nil {
		minimum, _ = strconv.Atoi(m[1])
		return minimum, true
	}
	return 1, false
}

// sortedKeys is for hints.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
