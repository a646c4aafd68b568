package juel

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// Normalize brings a decoded JSON value, or a plain Go number, to the model of this package: nil, bool, int64, float64,
// string, []any, map[string]any. Lists and maps are copied.
//
// A whole number is an int64 however it was written (2, 2.0, 2e0) or decoded (json.Number, float64), because JSON does
// not keep the difference: a value that is normalised, stored as JSON and normalised again keeps its type, and with it
// its text in an expression. An integer that neither kind of number holds exactly is an error, as is a number that is
// not finite.
func Normalize(value any) (any, error) {
	switch v := value.(type) {
	case nil, bool, int64, string:
		return v, nil
	case float64:
		return normalFloat(v)
	case float32:
		return normalFloat(float64(v))
	case int:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case json.Number:
		return normalNumber(string(v))
	case []any:
		list := make([]any, len(v))
		for i := range v {
			var err error
			if list[i], err = Normalize(v[i]); err != nil {
				return nil, fmt.Errorf("element %d: %w", i, err)
			}
		}
		return list, nil
	case map[string]any:
		return normalMap(v)
	}
	return nil, fmt.Errorf("a %T is no value of an expression; pass null, booleans, numbers, text (dates in ISO 8601), lists and maps", value)
}

func normalFloat(f float64) (any, error) {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return nil, errNotFinite
	}
	if f == math.Trunc(f) && f >= math.MinInt64 && f < math.MaxInt64 {
		return int64(f), nil
	}
	return f, nil
}

func normalNumber(s string) (any, error) {
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return i, nil
	}
	x, err := parseNumber(s)
	if err == nil && x.real {
		return normalFloat(x.float)
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || strconv.FormatFloat(f, 'f', -1, 64) != s {
		return nil, fmt.Errorf("64 bits do not keep a number of %d characters exactly; pass it as text", len(s))
	}
	return f, nil
}

func normalMap(m map[string]any) (any, error) {
	object := make(map[string]any, len(m))
	for _, key := range sortedKeys(m) { // in order, so that of two errors always the same one is told
		value, err := Normalize(m[key])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", clip(key), err)
		}
		object[key] = value
	}
	return object, nil
}
