package freemarker

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/waybill-io/waybill/juel"
)

// scope is the data with the loop variables on top.
type scope struct {
	outer *scope
	vars  map[string]any
}

func (s *scope) variable(name string) any {
	for ; s != nil; s = s.outer {
		if v, ok := s.vars[name]; ok {
			return v
		}
	}
	return nil
}

const pathPattern = `[A-Za-z_]\w*(?:\.[A-Za-z_]\w*|\[(?:\d{1,9}|"[^"\\]*"|'[^'\\]*')\])*`

var (
	nextPath = regexp.MustCompile(`^` + pathPattern)
	step     = regexp.MustCompile(`\w+|"[^"]*"|'[^']*'`)
	literal  = regexp.MustCompile(`^(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|-?\d+(?:\.\d+)?|true\b|false\b)`)
)

// value is a path with an optional default.
type value struct {
	path     string
	steps    []string
	fallback any // counts when optional
	optional bool
}

func newValue(path string) value {
	v := value{path: path}
	for _, s := range step.FindAllString(path, -1) {
		v.steps = append(v.steps, strings.Trim(s, `"'`))
	}
	return v
}

// find walks the path; null counts as missing, as everywhere in FreeMarker.
func (v value) find(s *scope) (any, bool) {
	current := s.variable(v.steps[0])
	for _, name := range v.steps[1:] {
		switch container := current.(type) {
		case map[string]any:
			current = container[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(container) {
				return nil, false
			}
			current = container[i]
		default:
			return nil, false
		}
	}
	return current, current != nil
}

func (v value) get(s *scope) (any, error) {
	if found, ok := v.find(s); ok {
		return found, nil
	}
	if v.optional {
		return v.fallback, nil
	}
	return nil, &MissingError{Name: v.path}
}

// parseDefault reads what follows the ! of a default and returns the rest of the source.
func parseDefault(source string) (fallback any, rest string, err error) {
	source = strings.TrimLeft(source, blanks)
	found := literal.FindString(source)
	rest = source[len(found):]
	switch {
	case found == "":
		return "", rest, nil
	case found[0] == '"' || found[0] == '\'':
		fallback, err = unquote(found[1 : len(found)-1])
	case found == "true", found == "false":
		fallback = found == "true"
	case strings.Contains(found, "."):
		fallback, err = strconv.ParseFloat(found, 64)
	default:
		fallback, err = strconv.ParseInt(found, 10, 64)
	}
	return fallback, rest, err
}

var escapes = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', '"': '"', '\'': '\'', '\\': '\\', '{': '{', 'l': '<', 'g': '>', 'a': '&'}

func unquote(s string) (string, error) {
	if juel.HoldsExpression(s) {
		return "", errors.New("an interpolation inside a text literal is not in the subset; take it apart")
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '\\' {
			i++ // a literal never ends in a lone backslash
			var ok bool
			if c, ok = escapes[s[i]]; !ok {
				return "", fmt.Errorf(`\%c is not in the subset of escapes`, s[i])
			}
		}
		out.WriteByte(c)
	}
	return out.String(), nil
}

// parseOperand reads a path with its default and its ?html from the start of source, in parentheses or not, and
// returns what follows it.
func parseOperand(source string) (v value, escape bool, rest string, err error) {
	source = strings.TrimLeft(source, blanks)
	if inner, ok := strings.CutPrefix(source, "("); ok {
		if v, escape, rest, err = parseOperand(inner); err != nil {
			return v, escape, rest, err
		}
		if rest, ok = strings.CutPrefix(rest, ")"); !ok {
			return v, escape, rest, errors.New("a ) is missing, or what stands before it is not in the subset")
		}
	} else {
		path := nextPath.FindString(source)
		if path == "" {
			return v, false, source, fmt.Errorf("%s is not in the subset; name a variable, such as ${customer.name}", quoteStart(source))
		}
		v, rest = newValue(path), source[len(path):]
	}
	rest = strings.TrimLeft(rest, blanks)
	if strings.HasPrefix(rest, "!") && !strings.HasPrefix(rest, "!=") {
		v.optional = true
		if v.fallback, rest, err = parseDefault(rest[1:]); err != nil {
			return v, escape, rest, err
		}
		rest = strings.TrimLeft(rest, blanks)
	}
	if after, ok := strings.CutPrefix(rest, "?html"); ok {
		escape, rest = true, strings.TrimLeft(after, blanks)
	}
	return v, escape, rest, nil
}

const blanks = " \t\r\n"

// quoteStart is the start of a piece of source, for errors.
func quoteStart(source string) string {
	if runes := []rune(source); len(runes) > 20 {
		source = string(runes[:20]) + "..."
	}
	return strconv.Quote(source)
}
