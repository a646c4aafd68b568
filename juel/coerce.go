package juel

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// number is an operand: a float64 when real, otherwise an int64.
type number struct {
	real  bool
	int   int64
	float float64
}

func (x number) asFloat() float64 {
	if x.real {
		return x.float
	}
	return float64(x.int)
}

func (x number) compare(y number) int {
	if x.real || y.real {
		return cmp.Compare(x.asFloat(), y.asFloat())
	}
	return cmp.Compare(x.int, y.int)
}

// toNumber coerces to a number. A text with a point or an exponent is real; null and the empty text are 0.
func toNumber(value any) (number, error) {
	switch v := value.(type) {
	case nil:
		return number{}, nil
	case int64:
		return number{int: v}, nil
	case float64:
		return number{real: true, float: v}, nil
	case string:
		return parseNumber(v)
	}
	return number{}, errNoNumber
}

// toIndex coerces to a position in a list or a text; as in Java a fraction is cut off, so that a[n / 2] works.
func toIndex(value any) (int64, error) {
	x, err := toNumber(value)
	if x.real {
		return int64(min(max(x.float, -1<<53), 1<<53)), err
	}
	return x.int, err
}

func parseNumber(s string) (number, error) {
	if s == "" {
		return number{}, nil
	}
	// Go reads more than Java does: inf, nan, hexadecimal, digits parted by _.
	if strings.Trim(s, "0123456789+-.eE") != "" {
		return number{}, errNoNumber
	}
	if strings.ContainsAny(s, ".eE") {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return number{}, errNoNumber
		}
		return number{real: true, float: f}, nil
	}
	i, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return number{}, errNoNumber
	}
	return number{int: i}, nil
}

// toBool coerces to a boolean. As in Java a text is true only when it reads true, in any case.
func toBool(n node, value any) (bool, error) {
	switch v := value.(type) {
	case nil:
		return false, nil
	case bool:
		return v, nil
	case string:
		return strings.EqualFold(v, "true"), nil
	}
	return false, failed(n, "%s where a boolean is needed", kindOf(value))
}

// toText coerces to text: null is empty, lists and maps are JSON with sorted keys.
func toText(value any) (string, error) {
	switch v := value.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return formatFloat(v), nil
	}
	value, err := Normalize(value)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return "", err
	}
	if out.Len() > maxText {
		return "", errTooLong
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

// formatFloat prints as Java's Double.toString does, but avoids the exponent up to 10^15, where people expect digits.
func formatFloat(f float64) string {
	if abs := math.Abs(f); f == 0 || abs >= 1e-3 && abs < 1e15 {
		s := strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'E', -1, 64), "E")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	exponent = strings.TrimPrefix(exponent, "+")
	return mantissa + "E" + strings.Replace(exponent, "-0", "-", 1)
}

func isNumber(value any) bool {
	switch value.(type) {
	case int64, float64:
		return true
	}
	return false
}

func isEmpty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// equalValues is equality without coercion, as of equals and contains: kinds must agree, numbers compare by value.
func equalValues(a, b any) bool {
	a, errA := Normalize(a)
	b, errB := Normalize(b)
	return errA == nil && errB == nil && equalNormal(a, b)
}

func equalNormal(a, b any) bool {
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !equalNormal(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for key := range a {
			other, ok := b[key]
			if !ok || !equalNormal(a[key], other) {
				return false
			}
		}
		return true
	}
	switch b.(type) {
	case []any, map[string]any:
		return false // the comparison below panics on them
	}
	return a == b
}

// compareScalars orders two numbers or two texts, without coercion.
func compareScalars(a, b any) (int, bool) {
	if isNumber(a) && isNumber(b) {
		x, _ := toNumber(a)
		y, _ := toNumber(b)
		return x.compare(y), true
	}
	x, isText := a.(string)
	y, both := b.(string)
	return cmp.Compare(x, y), isText && both
}
