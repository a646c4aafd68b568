package bpmn

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/waybill-io/waybill/juel"
)

// propertyTypes are the types of process variables that an extensions file may declare.
var propertyTypes = []string{"string", "integer", "boolean", "date", "datetime", "json", "file", "folder", "array", "content"}

// Convert brings a value to a property type. The value and the result are of juel's value model; a decoded JSON value
// is taken too. Nil stays nil. Texts are read as the type asks, dates come out as YYYY-MM-DD and dates with time as RFC
// 3339, with the fraction of a second that was written, in UTC when no zone was.
func Convert(typ string, v any) (any, error) {
	v, err := juel.Normalize(v)
	if err != nil || v == nil {
		return nil, err
	}
	switch typ {
	case "string":
		return toString(v)
	case "integer":
		return toInteger(v)
	case "boolean":
		return toBoolean(v)
	case "date", "datetime":
		return toDate(typ, v)
	case "json":
		return fromText(v), nil
	case "array":
		if list, ok := fromText(v).([]any); ok {
			return list, nil
		}
		return nil, mismatch(v, "a list")
	case "file", "folder", "content":
		switch v := fromText(v).(type) {
		case string, map[string]any, []any: // a URI, a reference, or several of them
			return v, nil
		}
		return nil, mismatch(v, "a "+typ)
	}
	return nil, fmt.Errorf("unknown type %q: want one of %s", clip(typ), strings.Join(propertyTypes, ", "))
}

// mismatch tells the kind of a value, never the value: it may be personal data.
func mismatch(v any, want string) error {
	kind := "null"
	switch v.(type) {
	case bool:
		kind = "a boolean"
	case int64, float64:
		kind = "a number"
	case string:
		kind = "this text"
	case []any:
		kind = "a list"
	case map[string]any:
		kind = "a map"
	}
	return fmt.Errorf("%s is not %s", kind, want)
}

func toString(v any) (any, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	}
	return nil, mismatch(v, "a text")
}

func toInteger(v any) (any, error) {
	switch v := v.(type) {
	case int64:
		return v, nil
	case string:
		if n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64); err == nil {
			return n, nil
		}
	}
	return nil, mismatch(v, "an integer")
}

func toBoolean(v any) (any, error) {
	switch v := v.(type) {
	case bool:
		return v, nil
	case string:
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
	}
	return nil, mismatch(v, "a boolean")
}

func toDate(typ string, v any) (any, error) {
	text, ok := v.(string)
	if !ok {
		return nil, mismatch(v, "a "+typ)
	}
	text = strings.TrimSpace(text)
	if typ == "date" {
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return nil, mismatch(v, "a date YYYY-MM-DD")
		}
		return text, nil
	}
	t, err := ParseDate(text)
	if err != nil {
		return nil, mismatch(v, "a date with time, YYYY-MM-DD HH:mm:ss or YYYY-MM-DDTHH:mm:ssZ")
	}
	return t.Format(time.RFC3339Nano), nil
}

// fromText reads a text that is a JSON list or object; every other value stays what it is.
func fromText(v any) any {
	text, ok := v.(string)
	if !ok {
		return v
	}
	if trimmed := strings.TrimSpace(text); !strings.HasPrefix(trimmed, "{") && !strings.HasPrefix(trimmed, "[") {
		return v
	}
	decoded, err := decodeJSON([]byte(text))
	if err != nil {
		return v
	}
	if decoded, err = juel.Normalize(decoded); err != nil {
		return v
	}
	return decoded
}

// decodeJSON reads exactly one JSON value, with numbers as they are written.
func decodeJSON(src []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(src))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text after the JSON value")
	}
	return v, nil
}
