package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// MarshalJSON writes keys in order and reals with a point or an exponent (2.0), so that integers stay integers.
func (v Variables) MarshalJSON() ([]byte, error) {
	if v == nil {
		return []byte("null"), nil
	}
	return appendJSON(nil, map[string]any(v))
}

// UnmarshalJSON reads numbers without a point or an exponent as int64, the others as float64. An integer that does not
// fit is an error, never another number.
func (v *Variables) UnmarshalJSON(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var object map[string]any
	if err := dec.Decode(&object); err != nil {
		return fmt.Errorf("reading variables: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("reading variables: there is more after the object")
	}
	for name, value := range object {
		number, err := numbers(value)
		if err != nil {
			return fmt.Errorf("reading variable %q: %w", name, err)
		}
		object[name] = number
	}
	*v = object
	return nil
}

func appendJSON(b []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	case float64:
		return appendReal(b, v)
	case string:
		text, err := json.Marshal(v)
		return append(b, text...), err
	case []any:
		b = append(b, '[')
		for i, element := range v {
			if i > 0 {
				b = append(b, ',')
			}
			var err error
			if b, err = appendJSON(b, element); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	case map[string]any:
		b = append(b, '{')
		for i, key := range sortedKeys(v) {
			if i > 0 {
				b = append(b, ',')
			}
			name, err := json.Marshal(key)
			if err != nil {
				return nil, err
			}
			b = append(append(b, name...), ':')
			if b, err = appendJSON(b, v[key]); err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
		}
		return append(b, '}'), nil
	}
	return nil, fmt.Errorf("a %T is not in the value model of variables", value)
}

func appendReal(b []byte, f float64) ([]byte, error) {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return nil, fmt.Errorf("the number %v has no JSON", f)
	}
	start := len(b)
	b = strconv.AppendFloat(b, f, 'g', -1, 64)
	if !bytes.ContainsAny(b[start:], ".e") {
		b = append(b, ".0"...)
	}
	return b, nil
}

func numbers(value any) (any, error) {
	var err error
	switch v := value.(type) {
	case json.Number:
		if strings.ContainsAny(string(v), ".eE") {
			return v.Float64()
		}
		return v.Int64()
	case []any:
		for i := range v {
			if v[i], err = numbers(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for key, element := range v {
			if v[key], err = numbers(element); err != nil {
				return nil, err
			}
		}
	}
	return value, nil
}

// plainWait is Wait without its methods.
type plainWait Wait

// MarshalJSON adds the command, whose type follows from the kind.
func (w Wait) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		plainWait
		Command Command `json:"command,omitempty"`
	}{plainWait(w), w.Command})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (w *Wait) UnmarshalJSON(data []byte) error {
	read := struct {
		*plainWait
		Command json.RawMessage `json:"command"`
	}{plainWait: (*plainWait)(w)}
	if err := json.Unmarshal(data, &read); err != nil {
		return err
	}
	var err error
	switch w.Kind {
	case WaitCall:
		w.Command, err = decode[CallConnector](read.Command)
	case WaitScript:
		w.Command, err = decode[RunScript](read.Command)
	case WaitTask:
		w.Command, err = decode[OpenTask](read.Command)
	case WaitOffer:
		w.Command, err = decode[OfferTask](read.Command)
	case WaitPublish:
		w.Command, err = decode[Publish](read.Command)
	case WaitChild:
		w.Command, err = decode[StartChild](read.Command)
	}
	if err != nil {
		return fmt.Errorf("reading the command of %s %d: %w", w.Kind, w.ID, err)
	}
	return nil
}

func decode[C Command](data []byte) (Command, error) {
	var c C
	err := json.Unmarshal(data, &c)
	return c, err
}

var (
	_ json.Marshaler   = Variables(nil)
	_ json.Unmarshaler = (*Variables)(nil)
	_ json.Marshaler   = Wait{}
	_ json.Unmarshaler = (*Wait)(nil)
)
