package engine

import (
	"fmt"
	"unicode/utf8"
)

const (
	// maxBytes bounds the variables of an instance, and what it gives to one task, as JSON. The host has to carry them in
	// messages of a bounded size, so more than that is refused or an incident: it could not even be looked at any more.
	maxBytes = 750_000
	// maxSearchBytes bounds what lists of user tasks are searched by.
	maxSearchBytes = 2000
)

// fit refuses values that take more than limit bytes of JSON. what names them in the error.
func fit(what string, limit int, value any) error {
	// The first size is quick and too large; reading texts byte by byte costs more than most steps.
	if size(value, func(text string) int { return 6*len(text) + 2 }) <= limit {
		return nil
	}
	if n := size(value, textSize); n > limit {
		return fmt.Errorf("%s would take %d bytes, at most %d are possible", what, n, limit)
	}
	return nil
}

// size is how many bytes a value takes as JSON, or a few more.
func size(value any, text func(string) int) int {
	n := 2
	switch v := value.(type) {
	case string:
		return text(v)
	case Variables:
		return size(map[string]any(v), text)
	case []any:
		for i := range v {
			n += 1 + size(v[i], text)
		}
	case []string:
		for i := range v {
			n += 1 + text(v[i])
		}
	case map[string]any:
		for key, element := range v { // any order: a sum
			n += 2 + text(key) + size(element, text)
		}
	default:
		return 25 // the longest number
	}
	return n
}

// textSize counts what encoding/json escapes.
func textSize(text string) int {
	n := len(text) + 2
	for _, r := range text {
		switch {
		case r < ' ', r == '<', r == '>', r == '&', r == utf8.RuneError:
			n += 5
		case r == '"', r == '\\':
			n++
		case r == '\u2028', r == '\u2029':
			n += 3
		}
	}
	return n
}
