package flowable

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/juel"
)

// variable is a typed value. Those without a type are what they are in JSON.
type variable struct {
	Name  *string `json:"name"`
	Type  *string `json:"type"`
	Value any     `json:"value"`
}

// variablesOf gives variables of a process their types, in the order of their names. Dates are text in a process, and so they are here.
func variablesOf(all map[string]any) []variable {
	list := make([]variable, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		v := variable{Name: &name, Value: all[name]}
		if kind := typeOf(v.Value); kind != "" {
			v.Type = &kind
		}
		list = append(list, v)
	}
	return list
}

func typeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case bool:
		return "boolean"
	case string:
		return "string"
	case int64:
		if v >= math.MinInt32 && v <= math.MaxInt32 {
			return "integer"
		}
		return "long"
	case float64:
		return "double"
	}
	return "json"
}

// plain are the variables of a process that typed values are.
func plain(list []variable) (map[string]any, error) {
	if len(list) == 0 {
		return nil, nil
	}
	all := make(map[string]any, len(list))
	for _, v := range list {
		if v.Name == nil {
			return nil, bad("Variable name is required.")
		}
		value, err := v.plain()
		if _, known := errors.AsType[*problem](err); known {
			return nil, err
		} else if err != nil {
			return nil, bad("Variable '%.100s': %s", *v.Name, err)
		}
		all[*v.Name] = value
	}
	return all, nil
}

func (v variable) plain() (any, error) {
	kind := ""
	if v.Type != nil {
		kind = *v.Type
	}
	text, isText := v.Value.(string)
	number, isNumber := v.Value.(json.Number)
	wrong := fmt.Errorf("'%.100v' is no %s", v.Value, kind)
	switch kind {
	case "", "json":
		return juel.Normalize(v.Value)
	case "string":
		if isText || v.Value == nil {
			return v.Value, nil
		}
	case "boolean":
		if _, ok := v.Value.(bool); ok || v.Value == nil {
			return v.Value, nil
		}
	case "integer", "long", "short":
		if v.Value == nil {
			return nil, nil
		}
		n, err := number.Int64()
		if most := map[string]int64{"short": math.MaxInt16, "integer": math.MaxInt32, "long": math.MaxInt64}[kind]; isNumber && err == nil && n <= most && n >= -most-1 {
			return n, nil
		}
	case "double":
		if v.Value == nil {
			return nil, nil
		}
		if f, err := number.Float64(); isNumber && err == nil {
			return f, nil
		}
	case "bigInteger", "bigDecimal": // as text, so that no digit is lost
		if v.Value == nil || isText && json.Valid([]byte(text)) {
			return v.Value, nil
		}
		if isNumber {
			return juel.Normalize(number)
		}
	case "date", "instant", "localDate", "localDateTime", "uuid":
		if v.Value == nil || isText && (kind == "uuid" || isDate(kind, text)) {
			return v.Value, nil
		}
	default:
		return nil, bad("Variable '%.100s' has unsupported type: '%.100s'.", *v.Name, kind)
	}
	return nil, wrong
}

// isDate tells whether a text is a date as a type has it. A date may be given without a time.
func isDate(kind, text string) bool {
	switch kind {
	case "localDate":
		_, err := time.Parse(time.DateOnly, text)
		return err == nil
	case "localDateTime":
		_, err := time.Parse("2006-01-02T15:04:05", text)
		_, short := time.Parse("2006-01-02T15:04", text)
		return err == nil || short == nil
	}
	_, err := bpmn.ParseDate(text)
	return err == nil
}
