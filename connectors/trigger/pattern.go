package trigger

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
)

// maxPattern bounds a pattern in bytes. Matching takes time linear in pattern and text.
const maxPattern = 2000

// pattern is a Java regular expression as Go runs it.
type pattern struct{ re *regexp.Regexp }

func compile(source string) (*pattern, error) {
	if len(source) > maxPattern {
		return nil, fmt.Errorf("%d bytes, at most %d are allowed", len(source), maxPattern)
	}
	t := translator{source: source}
	if err := t.run(); err != nil {
		return nil, fmt.Errorf("at character %d: %w", t.at+1, err)
	}
	re, err := regexp.Compile(t.out.String())
	if err != nil {
		if e := (*syntax.Error)(nil); errors.As(err, &e) {
			return nil, fmt.Errorf("%s: %q", e.Code, e.Expr)
		}
		return nil, err
	}
	p := &pattern{re: re}
	names := p.groups()
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return nil, fmt.Errorf("group %q is there twice", name)
		}
	}
	return p, nil
}

// find searches text. Line ends become \n and those at the end are dropped, which is how "." and "$" mean in Go what
// they mean in Java.
func (p *pattern) find(text string) (map[string]any, bool) {
	text = strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	at := p.re.FindStringSubmatchIndex(text)
	if at == nil {
		return nil, false
	}
	groups := map[string]any{}
	for i, name := range p.re.SubexpNames() {
		if name == "" {
			continue
		}
		groups[name] = nil
		if at[2*i] >= 0 {
			groups[name] = text[at[2*i]:at[2*i+1]]
		}
	}
	return groups, true
}

func (p *pattern) groups() []string {
	var names []string
	for _, name := range p.re.SubexpNames() {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

// translator copies a Java pattern, rewriting what Go writes in another way.
type translator struct {
	source string
	at     int
	out    strings.Builder
}

var (
	flags      = regexp.MustCompile(`^\(\?([A-Za-z]*)(?:-([A-Za-z]*))?[:)]`)
	counted    = regexp.MustCompile(`^\{\d+(?:,\d*)?\}`)
	posixClass = regexp.MustCompile(`^\\([pP])\{(Lower|Upper|ASCII|Alpha|Digit|Alnum|Punct|Graph|Print|Blank|Cntrl|XDigit|Space)\}`)
	unicode4   = regexp.MustCompile(`^\\u([0-9A-Fa-f]{4})`)
)

func (t *translator) run() error {
	for t.at < len(t.source) {
		rest := t.source[t.at:]
		var err error
		switch {
		case strings.HasPrefix(rest, `\Q`):
			literal, _, _ := strings.Cut(rest[2:], `\E`)
			t.out.WriteString(regexp.QuoteMeta(literal))
			t.at = min(len(t.source), t.at+len(literal)+4)
		case rest[0] == '\\':
			err = t.escape(rest, false)
		case rest[0] == '[':
			err = t.class()
		case strings.HasPrefix(rest, "(?"):
			err = t.group(rest)
		case strings.IndexByte("*+?", rest[0]) >= 0:
			err = t.quantifier(rest[:1])
		case rest[0] == '{' && counted.MatchString(rest):
			err = t.quantifier(counted.FindString(rest))
		default:
			t.copy(1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *translator) copy(n int) {
	n = min(n, len(t.source)-t.at)
	t.out.WriteString(t.source[t.at : t.at+n])
	t.at += n
}

func (t *translator) quantifier(q string) error {
	t.copy(len(q))
	if rest := t.source[t.at:]; strings.HasPrefix(rest, "+") {
		return fmt.Errorf("the possessive %s+ is not supported; write %s", q, q)
	} else if strings.HasPrefix(rest, "?") {
		t.copy(1)
	}
	return nil
}

func (t *translator) group(rest string) error {
	for prefix, reason := range map[string]string{
		"(?=":  "look-ahead is not supported; match the text and leave it out of the group",
		"(?!":  "negative look-ahead is not supported; exclude it in the condition",
		"(?<=": "look-behind is not supported; match the text and leave it out of the group",
		"(?<!": "negative look-behind is not supported; exclude it in the condition",
		"(?>":  "atomic groups are not supported; write (?:...)",
		"(?P":  "Java has no (?P; write (?<name>...)",
	} {
		if strings.HasPrefix(rest, prefix) {
			return errors.New(reason)
		}
	}
	if f := flags.FindStringSubmatch(rest); f != nil {
		for _, flag := range f[1] + f[2] {
			switch flag {
			case 'i', 'm', 's':
			case 'u':
				return errors.New("flag (?u) is not supported; (?i) covers all letters already")
			default: // (?U) compiles in Go and means ungreedy there
				return fmt.Errorf("flag (?%c) is not supported", flag)
			}
		}
	}
	t.copy(2)
	return nil
}

// escape handles a backslash. What means another thing in Go, or nothing, is refused.
func (t *translator) escape(rest string, inClass bool) error {
	if m := posixClass.FindStringSubmatch(rest); m != nil {
		name := strings.ToLower(m[2])
		if m[1] == "P" {
			name = "^" + name
		}
		name = "[:" + name + ":]"
		if !inClass {
			name = "[" + name + "]"
		}
		t.out.WriteString(name)
		t.at += len(m[0])
		return nil
	}
	if m := unicode4.FindStringSubmatch(rest); m != nil {
		t.out.WriteString(`\x{` + m[1] + `}`)
		t.at += len(m[0])
		return nil
	}
	if len(rest) > 1 {
		switch c := rest[1]; {
		case c >= '1' && c <= '9' || c == 'k':
			return errors.New("back-references are not supported; compare the groups in the condition")
		case c == 'h':
			return errors.New(`\h is not supported; write [ \t]`)
		case c == 'R':
			return errors.New(`\R is not supported; write \n, which every line end is read as`)
		case c == 'Z':
			return errors.New(`\Z is not supported; write $`)
		case c == 'v' || c == 'V': // one character in Go, a class in Java
			return errors.New(`\v is not supported; write [\n\f]`)
		case strings.IndexByte("0cHGXN", c) >= 0:
			return fmt.Errorf(`\%c is not supported`, c)
		}
	}
	t.copy(2)
	return nil
}

// class handles [...]. Unions and intersections are refused: Go would take their characters literally.
func (t *translator) class() error {
	t.copy(1)
	if strings.HasPrefix(t.source[t.at:], "^") {
		t.copy(1)
	}
	if strings.HasPrefix(t.source[t.at:], "]") {
		t.copy(1)
	}
	for t.at < len(t.source) {
		rest := t.source[t.at:]
		switch {
		case rest[0] == ']':
			t.copy(1)
			return nil
		case rest[0] == '[':
			return errors.New(`a class inside a class is not supported; write one class, or \[ for the character`)
		case strings.HasPrefix(rest, "&&"):
			return errors.New("the intersection && is not supported; write out the characters that are left")
		case rest[0] == '\\':
			if err := t.escape(rest, true); err != nil {
				return err
			}
		default:
			t.copy(1)
		}
	}
	return errors.New("the class does not end; close it with ]")
}
