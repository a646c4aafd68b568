package connectors

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// ReadJSON reads one JSON value as values of a process are: nil, bool, int64, float64, string, []any, map[string]any. A whole number is an int64, so that a
// large one keeps its digits; one that is too large for any number is its text. A byte order mark before the value is passed over (RFC 8259, section 8.1).
func ReadJSON(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows the JSON value")
	}
	return numbers(value), nil
}

func numbers(value any) any {
	switch v := value.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		if f, err := v.Float64(); err == nil {
			return f
		}
		return v.String()
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = numbers(v[name])
		}
	}
	return value
}
