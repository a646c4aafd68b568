package camunda

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

// value is a typed value, as Camunda's REST API has variables.
type value struct {
	Type  string         `json:"type,omitempty"`
	Value any            `json:"value"`
	Info  map[string]any `json:"valueInfo,omitempty"`
}

// typed gives a variable of a process its type. What has parts is Json: Camunda would say Object for a class of Java, which nobody here has.
func typed(v any) value {
	info := map[string]any{}
	switch v := v.(type) {
	case nil:
		return value{Type: "Null", Info: info}
	case bool:
		return value{Type: "Boolean", Value: v, Info: info}
	case string:
		return value{Type: "String", Value: v, Info: info}
	case int64:
		return value{Type: integer(v), Value: v, Info: info}
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 { // JSON does not tell 3 and 3.0 apart
			return value{Type: integer(int64(v)), Value: int64(v), Info: info}
		}
		return value{Type: "Double", Value: v, Info: info}
	}
	text, err := json.Marshal(v)
	if err != nil { // variables are JSON
		return value{Type: "String", Value: fmt.Sprint(v), Info: info}
	}
	return value{Type: "Json", Value: string(text), Info: info}
}

func integer(n int64) string {
	if n >= math.MinInt32 && n <= math.MaxInt32 {
		return "Integer"
	}
	return "Long"
}

// plain is the variable that a typed value is. Clients write types as they like: "json", "Json", "JSON".
func (v value) plain(name string) (any, error) {
	text, isText := v.Value.(string)
	wrong := func(want string) error {
		return fmt.Errorf("Cannot convert value '%.100v' of variable '%s' to type '%s'", v.Value, name, want)
	}
	switch kind := strings.ToLower(v.Type); kind {
	case "", "null", "string", "date", "xml":
		return v.Value, nil
	case "boolean":
		if b, ok := v.Value.(bool); ok || v.Value == nil {
			return b && v.Value != nil, nil
		}
		return nil, wrong("Boolean")
	case "integer", "long", "short", "double", "number":
		if _, ok := v.Value.(float64); ok || v.Value == nil {
			return v.Value, nil
		}
		if n, ok := v.Value.(json.Number); ok {
			if i, err := n.Int64(); err == nil {
				return i, nil
			}
			return n.Float64()
		}
		return nil, wrong(v.Type)
	case "json", "object":
		if !isText { // deserialised already
			return v.Value, nil
		}
		format, _ := v.Info["serializationDataFormat"].(string)
		if kind == "object" && format != "" && format != "application/json" {
			return nil, fmt.Errorf("Cannot deserialize variable '%s': serializationDataFormat '%s' is not supported, application/json is", name, format)
		}
		var parsed any
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&parsed); err != nil {
			return nil, fmt.Errorf("Cannot deserialize variable '%s': %w", name, err)
		}
		return numbers(parsed), nil
	case "bytes", "file":
		if _, err := base64.StdEncoding.DecodeString(text); err != nil {
			return nil, wrong(v.Type)
		}
		if kind == "bytes" {
			return text, nil
		}
		return map[string]any{"filename": v.Info["filename"], "mimetype": v.Info["mimetype"], "encoding": v.Info["encoding"], "data": text}, nil
	}
	return nil, fmt.Errorf("Unsupported value type '%s'", v.Type)
}

// numbers has whole numbers as such.
func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case map[string]any:
		for k, x := range v {
			v[k] = numbers(x)
		}
	case []any:
		for i, x := range v {
			v[i] = numbers(x)
		}
	}
	return v
}

func plain(all map[string]value) (map[string]any, error) {
	if len(all) == 0 {
		return nil, nil
	}
	out := make(map[string]any, len(all))
	for name, v := range all {
		p, err := v.plain(name)
		if err != nil {
			return nil, err
		}
		out[name] = numbers(p)
	}
	return out, nil
}
