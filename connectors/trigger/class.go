package trigger

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// class handles [...]. One without unions and intersections is written as Go has it; the others, which Go would read as
// the characters they are written with, are worked out to the characters that are left.
func (t *translator) class() error {
	start := t.at
	body, members, err := t.classBody(0)
	if err != nil {
		return err
	}
	if members == nil {
		t.write(body, true)
		return nil
	}
	if len(members) == 0 {
		t.at = start
		return errors.New("the class matches no character")
	}
	t.write(members.class(), true)
	return nil
}

// maxClassDepth bounds classes inside classes.
const maxClassDepth = 20

// classBody reads a class with its brackets. It is Go's own text as long as Go can write it, else members is set.
func (t *translator) classBody(depth int) (text string, members set, err error) {
	if depth > maxClassDepth {
		return "", nil, fmt.Errorf("classes are nested deeper than %d", maxClassDepth)
	}
	start := t.at
	t.at++
	negated := strings.HasPrefix(t.rest(), "^")
	if negated {
		t.at++
	}
	var plain strings.Builder // of the operand that is being read
	var union, result set     // of the classes in it, and of the operands before it
	worked, operands := false, 0
	first := true
	operand := func() error {
		members := union
		if plain.Len() > 0 {
			s, err := readSet("["+plain.String()+"]", t.flags)
			if err != nil {
				return err
			}
			members = members.or(s)
		} else if union == nil {
			return errors.New("nothing on one side of &&")
		}
		if operands++; operands > 1 {
			members = result.and(members)
		}
		result, union = members, nil
		plain.Reset()
		return nil
	}
	for {
		t.skipComments()
		rest := t.rest()
		switch {
		case rest == "":
			t.at = start
			return "", nil, errors.New("the class does not end; close it with ]")
		case rest[0] == ']' && !first:
			caret := ""
			if negated {
				caret = "^"
			}
			if !worked {
				t.at++
				return "[" + caret + plain.String() + "]", nil, nil
			}
			if err := operand(); err != nil {
				return "", nil, err
			}
			t.at++
			if negated {
				result = result.not()
			}
			if result == nil {
				result = set{}
			}
			return "", result, nil
		case rest[0] == '[':
			worked = true
			text, inner, err := t.classBody(depth + 1)
			if err != nil {
				return "", nil, err
			}
			if inner == nil {
				if inner, err = readSet(text, t.flags); err != nil {
					return "", nil, err
				}
			}
			if union = union.or(inner); union == nil {
				union = set{}
			}
		case strings.HasPrefix(rest, "&&&"), strings.HasPrefix(rest, "-&&"):
			return "", nil, fmt.Errorf(`%s is read in more than one way; write \& and \- for the characters`, rest[:3])
		case strings.HasPrefix(rest, "&&"):
			worked = true
			if err := operand(); err != nil {
				return "", nil, err
			}
			t.at += 2
		case rest[0] == '&' && operands > 0:
			return "", nil, errors.New(`& behind && is read in more than one way; write \& for the character`)
		default:
			if err := t.classItem(&plain); err != nil {
				return "", nil, err
			}
		}
		first = false
	}
}

// classItem translates one character, escape or quotation inside a class.
func (t *translator) classItem(out *strings.Builder) error {
	rest := t.rest()
	switch {
	case strings.HasPrefix(rest, `\Q`):
		literal, _, _ := strings.Cut(rest[2:], `\E`)
		for _, r := range literal {
			out.WriteString(quoteInClass(r))
		}
		t.at = min(len(t.source), t.at+len(literal)+4)
	case rest[0] == '\\':
		if len(rest) == 1 {
			return errors.New(`trailing backslash; write \\ for the character`)
		}
		e, err := readEscape(rest)
		if err != nil {
			return err
		}
		if e.negated {
			switch {
			case e.body == `\d` || e.body == `\w`:
				e.body = strings.ToUpper(e.body)
			default:
				s, err := readSet("["+e.body+"]", t.flags)
				if err != nil {
					return err
				}
				e.body = s.not().body()
			}
		}
		out.WriteString(e.body)
		t.at += e.length
	case rest[0] == '-':
		out.WriteByte('-')
		t.at++
	default:
		r, size := utf8.DecodeRuneInString(rest)
		out.WriteString(quoteInClass(r))
		t.at += size
	}
	return nil
}

// set is characters as pairs of first and last, in order, apart from each other.
type set []rune

// readSet is what an element of Go that matches one character matches.
func readSet(element string, f flagSet) (set, error) {
	prefix := ""
	if flags := f.String(); flags != "" {
		prefix = "(?" + flags + ")"
	}
	re, err := syntax.Parse(prefix+element, syntax.Perl)
	if err != nil {
		if e := (*syntax.Error)(nil); errors.As(err, &e) {
			return nil, fmt.Errorf("%s: %q", e.Code, e.Expr)
		}
		return nil, err
	}
	switch re.Op {
	case syntax.OpCharClass:
		return slices.Clone(re.Rune), nil
	case syntax.OpNoMatch:
		return set{}, nil
	case syntax.OpAnyChar:
		return set{0, unicode.MaxRune}, nil
	case syntax.OpAnyCharNotNL:
		return set{'\n', '\n'}.not(), nil
	case syntax.OpLiteral:
		if len(re.Rune) == 1 {
			r := re.Rune[0]
			s := set{r, r}
			for folded := unicode.SimpleFold(r); re.Flags&syntax.FoldCase != 0 && folded != r; folded = unicode.SimpleFold(folded) {
				s = s.or(set{folded, folded})
			}
			return s, nil
		}
	}
	return nil, fmt.Errorf("%q is not one character", element)
}

func (s set) not() set {
	var out set
	next := rune(0)
	for i := 0; i < len(s); i += 2 {
		if next < s[i] {
			out = append(out, next, s[i]-1)
		}
		next = s[i+1] + 1
	}
	if next <= unicode.MaxRune {
		out = append(out, next, unicode.MaxRune)
	}
	return out
}

func (s set) or(other set) set {
	var pairs [][2]rune
	for _, list := range []set{s, other} {
		for i := 0; i < len(list); i += 2 {
			pairs = append(pairs, [2]rune{list[i], list[i+1]})
		}
	}
	slices.SortFunc(pairs, func(a, b [2]rune) int { return int(a[0] - b[0]) })
	var out set
	for _, p := range pairs {
		if n := len(out); n > 0 && p[0] <= out[n-1]+1 {
			out[n-1] = max(out[n-1], p[1])
		} else {
			out = append(out, p[0], p[1])
		}
	}
	return out
}

func (s set) and(other set) set { return s.not().or(other.not()).not() }

// body is the set as it is written inside a class.
func (s set) body() string {
	var out strings.Builder
	for i := 0; i < len(s); i += 2 {
		fmt.Fprintf(&out, `\x{%X}-\x{%X}`, s[i], s[i+1])
	}
	return out.String()
}

// class is the set as an element of its own. Case has been seen to: folded once more it would take more characters.
func (s set) class() string { return "(?-i:[" + s.body() + "])" }
