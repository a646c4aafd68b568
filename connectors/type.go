package connectors

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"
)

// Type is the type of a parameter.
type Type string

// The types and the values that they take. A file is one file value or a list of them, see File.
const (
	TypeString   Type = "string"
	TypeInteger  Type = "integer"
	TypeBoolean  Type = "boolean"
	TypeDate     Type = "date"     // text YYYY-MM-DD
	TypeDatetime Type = "datetime" // text in RFC 3339, or YYYY-MM-DD HH:mm:ss
	TypeJSON     Type = "json"     // any value
	TypeFile     Type = "file"
	TypeArray    Type = "array"
)

var types = []Type{TypeString, TypeInteger, TypeBoolean, TypeDate, TypeDatetime, TypeJSON, TypeFile, TypeArray}

var datetimeLayouts = []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02T15:04:05"}

// Check reports what is wrong with a value of this type; values are never converted. The error holds no value, which
// may be personal data.
func (t Type) Check(value any) error {
	text, isText := value.(string)
	ok := false
	switch t {
	case TypeString:
		ok = isText
	case TypeInteger:
		ok = isInteger(value)
	case TypeBoolean:
		_, ok = value.(bool)
	case TypeDate:
		_, err := time.Parse(time.DateOnly, text)
		ok = isText && err == nil
	case TypeDatetime:
		ok = isText && slices.ContainsFunc(datetimeLayouts, func(layout string) bool {
			_, err := time.Parse(layout, text)
			return err == nil
		})
	case TypeFile:
		_, err := ParseFiles(value)
		return err
	case TypeArray:
		_, ok = value.([]any)
	default:
		ok = true
	}
	if !ok {
		return fmt.Errorf("%s is expected, not %s", t.inWords(), typeOf(value))
	}
	return nil
}

func (t Type) inWords() string {
	switch t {
	case TypeString:
		return "text"
	case TypeDate:
		return "a date such as 2026-01-31"
	case TypeDatetime:
		return "a time such as 2026-01-31T08:00:00Z"
	case TypeArray:
		return "a list"
	}
	return "a value of type " + string(t)
}

func isInteger(value any) bool {
	switch v := value.(type) {
	case int, int32, int64:
		return true
	case float64: // what JSON makes of every number
		return v == math.Trunc(v) && math.Abs(v) < 1<<53
	case json.Number:
		_, err := v.Int64()
		return err == nil
	}
	return false
}

func typeOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "this text"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return "this number"
}
