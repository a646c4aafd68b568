package trigger

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// narrow is an input of an event that bears the name of one of its outputs: text must be equal, of a list one must be in it, of an
// object every entry must be there.
type narrow struct {
	name string
	want any
}

func (n narrow) holds(event map[string]any) bool {
	have, there := event[n.name]
	return there && compare(n.want, have, n.name == "headers")
}

// compare tells whether a value is what is wanted. The entries of headers are found whatever the case of their names (RFC 9110, section 5.1).
func compare(want, have any, headers bool) bool {
	if list, ok := want.([]any); ok {
		return slices.ContainsFunc(list, func(one any) bool { return compare(one, have, headers) })
	}
	if object, ok := want.(map[string]any); ok {
		entries, ok := have.(map[string]any)
		for name, one := range object {
			value, there := entries[name]
			if !there && headers {
				value, there = fold(entries, name)
			}
			if !there || !compare(one, value, false) {
				return false
			}
		}
		return ok
	}
	if list, ok := have.([]any); ok {
		return slices.ContainsFunc(list, func(one any) bool { return compare(want, one, headers) })
	}
	text, ok := plain(want)
	other, scalar := plain(have)
	return ok && scalar && text == other
}

func fold(entries map[string]any, name string) (any, bool) {
	for key, value := range entries {
		if strings.EqualFold(key, name) {
			return value, true
		}
	}
	return nil, false
}

// plain is a scalar as text.
func plain(value any) (text string, ok bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case bool, int64, int:
		return fmt.Sprint(v), true
	}
	return "", false
}
