package template

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// maxPrint bounds what print makes of its arguments: what grows in a loop ends there.
const maxPrint = 64 << 10

// funcs are the functions that templates have beside those of Go.
func funcs(c *clock) map[string]any {
	return map[string]any{tick: c.tick, "get": get, "date": date, "number": number, "print": bounded, "index": index}
}

// get is a value that may be missing, "" then: {{get .alert "faultDetails.reason"}}.
func get(from any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		m, _ := from.(map[string]any)
		if from = m[name]; from == nil {
			return ""
		}
	}
	return from
}

// index is that of Go, but what is missing is an error, as with {{.name}}: Go's own writes "<no value>" for it.
func index(from any, keys ...any) (any, error) {
	for _, key := range keys {
		at := reflect.ValueOf(key)
		switch v := from.(type) {
		case map[string]any:
			value, there := v[fmt.Sprint(key)]
			if !there {
				return nil, fmt.Errorf("there is no %q; write {{get . \"NAME\"}} where it may be missing", key)
			}
			from = value
		case []any:
			if !at.CanInt() || at.Int() < 0 || at.Int() >= int64(len(v)) {
				return nil, fmt.Errorf("a list of %d has no element %v", len(v), key)
			}
			from = v[at.Int()]
		default:
			return nil, fmt.Errorf("there is no %v in what is neither a list nor an object", key)
		}
	}
	return from, nil
}

// date writes a date of the data in a layout of Go: {{date "2 January 2006, 15:04 MST" .due}}. Text that is no date stays as it is.
func date(layout string, value any) (string, error) {
	if len(layout) > 100 {
		return "", fmt.Errorf("a layout has at most 100 bytes")
	}
	text, ok := value.(string)
	if !ok {
		return fmt.Sprint(value), nil
	}
	for _, form := range []string{time.RFC3339Nano, time.DateOnly} {
		if at, err := time.Parse(form, text); err == nil {
			return at.Format(layout), nil
		}
	}
	return text, nil
}

// number writes a number with so many decimals.
func number(decimals int, value any) (string, error) {
	if decimals < 0 || decimals > 20 {
		return "", fmt.Errorf("0 to 20 decimals are possible")
	}
	switch v := value.(type) {
	case int64:
		return strconv.FormatFloat(float64(v), 'f', decimals, 64), nil
	case float64:
		return strconv.FormatFloat(v, 'f', decimals, 64), nil
	}
	return "", fmt.Errorf("%.40q is no number", fmt.Sprint(value))
}

// bounded is print of Go with an end.
func bounded(values ...any) (string, error) {
	size := 0
	for _, v := range values {
		switch v := v.(type) {
		case string:
			size += len(v)
		case map[string]any, []any:
			return "", fmt.Errorf("print takes no lists and objects")
		}
	}
	if size > maxPrint {
		return "", fmt.Errorf("print makes at most %d bytes", maxPrint)
	}
	return fmt.Sprint(values...), nil
}

// plain makes whole numbers of JSON such that they print as people write them: 1000000, not 1e+06.
func plain(data map[string]any) map[string]any {
	all := make(map[string]any, len(data))
	for k, v := range data {
		all[k] = plainValue(v)
	}
	return all
}

func plainValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return plain(v)
	case []any:
		all := make([]any, len(v))
		for i := range v {
			all[i] = plainValue(v[i])
		}
		return all
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v)
		}
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		if f, err := v.Float64(); err == nil {
			return f
		}
	case int:
		return int64(v)
	}
	return v
}
