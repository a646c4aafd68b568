package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Variables are variables, inputs or results by name: nil, bool, int64, float64, string, []any, map[string]any. Read from
// JSON, a whole number is an int64, so that a large one keeps its digits.
type Variables map[string]any

// UnmarshalJSON implements json.Unmarshaler.
func (v *Variables) UnmarshalJSON(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return fmt.Errorf("read variables: %w", err)
	}
	for name, value := range object {
		object[name] = numbers(value)
	}
	*v = object
	return nil
}

// numbers replaces the numbers in a value that was read from JSON.
func numbers(value any) any {
	switch v := value.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		if f, err := v.Float64(); err == nil {
			return f
		}
		return v.String() // larger than any number that a process knows
	case []any:
		for i, element := range v {
			v[i] = numbers(element)
		}
	case map[string]any:
		for name, element := range v {
			v[name] = numbers(element)
		}
	}
	return value
}
