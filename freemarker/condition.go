package freemarker

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/waybill-io/waybill/juel"
)

// condition is a juel expression over slots: v0, v1, ... stand for the paths, texts and ?? of the source, so that juel
// sees only operators, numbers and parentheses.
type condition struct {
	expr  *juel.Expr
	slots []slot
}

type slot struct {
	value    value
	presence bool // a.b??
}

var (
	number    = regexp.MustCompile(`^\d+(?:\.\d+)?`)
	operators = regexp.MustCompile(`^(?:==|!=|<=|>=|&&|\|\||=|<|>|!|\(|\))`)
	words     = map[string]string{"lt": "lt", "lte": "le", "gt": "gt", "gte": "ge", "true": "true", "false": "false"}
)

func parseCondition(source string) (*condition, error) {
	c := &condition{}
	var out strings.Builder
	for rest := strings.TrimLeft(source, blanks); rest != ""; rest = strings.TrimLeft(rest, blanks) {
		var piece string
		var err error
		if piece, rest, err = c.next(rest); err != nil {
			return nil, err
		}
		out.WriteString(piece + " ")
	}
	if out.Len() == 0 {
		return nil, fmt.Errorf("the condition is missing")
	}
	expr, err := juel.Parse("${" + out.String() + "}")
	if err != nil {
		return nil, fmt.Errorf("%s is not a condition: operators and operands do not fit together", quoteStart(source))
	}
	c.expr = expr
	return c, nil
}

// next translates one piece of the source.
func (c *condition) next(source string) (piece, rest string, err error) {
	if source[0] == '"' || source[0] == '\'' {
		text := literal.FindString(source)
		if text == "" {
			return "", "", fmt.Errorf("the text %s does not end", quoteStart(source))
		}
		plain, err := unquote(text[1 : len(text)-1])
		return c.slot(slot{value: value{optional: true, fallback: plain}}), source[len(text):], err
	}
	if n := number.FindString(source); n != "" {
		return n, source[len(n):], nil
	}
	path := nextPath.FindString(source)
	if word, ok := words[path]; ok {
		return word, source[len(path):], nil
	}
	if path != "" || parenthesised(source) {
		return c.operand(source)
	}
	operator := operators.FindString(source)
	if operator == "" {
		return "", "", fmt.Errorf("%s is not in the subset of conditions", quoteStart(source))
	}
	rest = source[len(operator):]
	if operator == "=" {
		operator = "==" // FreeMarker's other way to write it
	}
	return operator, rest, nil
}

var inParentheses = regexp.MustCompile(`^\(\s*` + pathPattern + `\s*\)\s*(?:\?\?|!)`)

// parenthesised reports whether ( begins an operand such as (a.b)??, not a group of conditions.
func parenthesised(source string) bool {
	match := inParentheses.FindString(source)
	return match != "" && !strings.HasPrefix(source[len(match)-1:], "!=")
}

func (c *condition) operand(source string) (piece, rest string, err error) {
	v, escape, rest, err := parseOperand(source)
	if err != nil {
		return "", "", err
	}
	after, presence := strings.CutPrefix(rest, "??")
	switch {
	case presence:
		rest = after
	case escape || strings.HasPrefix(rest, "?"):
		return "", "", fmt.Errorf("built-ins such as %s are not in the subset of conditions; ?? asks whether a value is there", quoteStart(source))
	case strings.HasPrefix(rest, "("):
		return "", "", fmt.Errorf("calls such as %s are not in the subset", quoteStart(source))
	}
	return c.slot(slot{value: v, presence: presence}), rest, nil
}

func (c *condition) slot(s slot) string {
	c.slots = append(c.slots, s)
	return "v" + strconv.Itoa(len(c.slots)-1)
}

func (c *condition) holds(s *scope) (bool, error) {
	env := &slotValues{slots: c.slots, scope: s}
	result, err := juel.EvalBool(c.expr, env)
	if env.missing != nil {
		return false, env.missing
	}
	return result, err
}

// slotValues looks slots up when juel comes to them, so that the right side of && may rely on the left.
type slotValues struct {
	slots   []slot
	scope   *scope
	missing error
}

// Variable implements juel.Env.
func (e *slotValues) Variable(name string) (any, bool) {
	i, err := strconv.Atoi(strings.TrimPrefix(name, "v"))
	if err != nil || i < 0 || i >= len(e.slots) {
		return nil, false
	}
	s := e.slots[i]
	if s.presence {
		_, there := s.value.find(e.scope)
		return there, true
	}
	if s.value.path == "" {
		return s.value.fallback, true
	}
	v, err := s.value.get(e.scope)
	if err != nil {
		e.missing = err
	}
	return v, err == nil
}

// Now implements juel.Env: templates have no clock.
func (e *slotValues) Now() time.Time { return time.Time{} }

var _ juel.Env = (*slotValues)(nil)
