package camunda

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// variable is a condition on a variable of the instance.
type variable struct {
	Name     string `json:"name"`
	Operator string `json:"operator"`
	Value    any    `json:"value"`
}

var operators = []string{"eq", "neq", "gt", "gteq", "lt", "lteq", "like", "notLike"}

// fits tells whether the variables of an instance fulfil all conditions. One that it has not fulfils none.
func (q *query) fits(variables map[string]any) bool {
	for _, c := range q.Variables {
		if !slices.ContainsFunc(c.named(variables, q.NamesAnyCase), func(v any) bool { return c.fits(v, q.ValuesAnyCase) }) {
			return false
		}
	}
	return true
}

func (c variable) named(variables map[string]any, anyCase bool) (found []any) {
	for name, v := range variables {
		if name == c.Name || anyCase && strings.EqualFold(name, c.Name) {
			found = append(found, v)
		}
	}
	return found
}

func (c variable) fits(v any, anyCase bool) bool {
	want := numbers(c.Value)
	switch c.Operator {
	case "eq":
		return equal(want, v, anyCase)
	case "neq":
		return !equal(want, v, anyCase)
	case "like", "notLike":
		pattern, isPattern := want.(string)
		text, isText := v.(string)
		return isPattern && isText && like(pattern, text, anyCase) == (c.Operator == "like")
	}
	n, ok := order(v, want, anyCase)
	return ok && map[string]bool{"gt": n > 0, "gteq": n >= 0, "lt": n < 0, "lteq": n <= 0}[c.Operator]
}

// equal tells whether two values are the same: text is no number.
func equal(a, b any, anyCase bool) bool {
	if n, ok := order(a, b, anyCase); ok {
		return n == 0
	}
	left, errLeft := json.Marshal(a)
	right, errRight := json.Marshal(b)
	return errLeft == nil && errRight == nil && string(left) == string(right)
}

// order compares two numbers, or two texts.
func order(a, b any, anyCase bool) (n int, ok bool) {
	if left, ok := number(a); ok {
		right, also := number(b)
		return cmp.Compare(left, right), also
	}
	left, isText := a.(string)
	right, alsoText := b.(string)
	if anyCase {
		left, right = strings.ToLower(left), strings.ToLower(right)
	}
	return cmp.Compare(left, right), isText && alsoText
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// like tells whether a text has a pattern of SQL, in which % is any text and _ any character.
// A regular expression of a long pattern would be refused, or take long to be made.
func like(pattern, text string, anyCase bool) bool {
	if anyCase {
		pattern, text = strings.ToLower(pattern), strings.ToLower(text)
	}
	return likeRunes([]rune(pattern), []rune(text))
}

func likeRunes(pattern, text []rune) bool {
	star, mark := -1, 0
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '%':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '_' || pattern[p] == text[t]):
			p, t = p+1, t+1
		case star >= 0: // the last % takes one more
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '%' {
		p++
	}
	return p == len(pattern)
}
