package camunda

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/waybill-io/waybill/external"
	"github.com/waybill-io/waybill/juel"
)

// value is a typed value, as Camunda's REST API has variables.
type value struct {
	Type  string         `json:"type,omitempty"`
	Value any            `json:"value"`
	Info  map[string]any `json:"valueInfo,omitempty"`
}

// typed gives a variable of a process its type. Variables are JSON, so the type is that of what is there: of Short, Integer and Long the smallest but
// Short that holds a number, and a Double only where there is a fraction. A Date is text in Camunda's own format, to the letter; see file.go for Bytes
// and File. What has parts is Json, and its value the text of it; when it is to be deserialized, it is an Object as of a map or list of Java.
func typed(v any, deserialize bool) value {
	info := map[string]any{}
	switch v := v.(type) {
	case nil:
		return value{Type: "Null", Info: info}
	case bool:
		return value{Type: "Boolean", Value: v, Info: info}
	case string:
		if isDate(v) {
			return value{Type: "Date", Value: v, Info: info}
		}
		return value{Type: "String", Value: v, Info: info}
	case int64:
		return value{Type: integer(v), Value: v, Info: info}
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 { // JSON does not tell 3 and 3.0 apart
			return value{Type: integer(int64(v)), Value: int64(v), Info: info}
		}
		return value{Type: "Double", Value: v, Info: info}
	case map[string]any:
		if content, ok := contentOf(v); ok {
			return content.value()
		}
	}
	if deserialize {
		class := "java.util.LinkedHashMap"
		if _, list := v.([]any); list {
			class = "java.util.ArrayList"
		}
		return value{Type: "Object", Value: v, Info: map[string]any{objectTypeName: class, dataFormat: jsonFormat}}
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

// isDate tells whether a text is a date in Camunda's format: no other, so that other texts that are dates stay texts.
func isDate(text string) bool {
	_, err := time.Parse(timeFormat, text)
	return err == nil && len(text) == len(timeFormat)
}

// The parts of valueInfo.
const (
	objectTypeName = "objectTypeName"
	dataFormat     = "serializationDataFormat"
	jsonFormat     = "application/json"
)

// javaTypes are how Camunda names the types of values that it cannot convert.
var javaTypes = map[string]string{
	"boolean": "java.lang.Boolean", "short": "java.lang.Short", "integer": "java.lang.Integer", "long": "java.lang.Long", "double": "java.lang.Double",
	"string": "java.lang.String", "date": "java.util.Date", "bytes": "[B", "json": "org.camunda.spin.json.SpinJsonNode", "object": "java.lang.Object",
}

// bits are those of whole numbers.
var bits = map[string]int{"short": 16, "integer": 32, "long": 64}

var errUnfit = errors.New("it does not fit")

// plain is the variable that a typed value is. As in Camunda, a number or a boolean may be a text; clients write types as they like: "json", "Json".
// The error is a *problem.
func (v value) plain() (any, error) {
	kind := strings.ToLower(v.Type)
	switch kind {
	case "null":
		return nil, nil
	case "json", "object", "xml":
		if _, isText := v.Value.(string); !isText && v.Value != nil {
			return nil, invalid("Must provide 'null' or String value for value of SerializableValue type '%s'.", v.Type)
		}
	case "file":
		return v.file()
	case "":
		kind = "object"
		if p, err := juel.Normalize(v.Value); err == nil {
			return p, nil
		}
		return nil, v.unfit(kind)
	default:
		if javaTypes[kind] == "" {
			return nil, &problem{http.StatusBadRequest, "RestException", fmt.Sprintf("Unsupported value type '%s'", v.Type)}
		}
	}
	if v.Value == nil {
		return nil, nil
	}
	p, err := v.convert(kind)
	if err != nil {
		return nil, v.unfit(kind)
	}
	return p, nil
}

func (v value) unfit(kind string) error {
	return invalid("Cannot convert value '%.100v' of type '%s' to java type %s", v.Value, v.Type, javaTypes[kind])
}

// convert converts a value that is not null.
func (v value) convert(kind string) (any, error) {
	var text string
	switch v := v.Value.(type) {
	case string:
		text = v
	case json.Number:
		text = v.String()
	case bool:
		text = strconv.FormatBool(v)
	default:
		return nil, errUnfit
	}
	switch kind {
	case "string", "xml":
		return text, nil
	case "boolean":
		switch text {
		case "true", "false":
			return text == "true", nil
		}
		return nil, errUnfit
	case "short", "integer", "long":
		return strconv.ParseInt(text, 10, bits[kind])
	case "double":
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, err
		}
		return juel.Normalize(f)
	case "date":
		if !isDate(text) {
			return nil, errUnfit
		}
		return text, nil
	case "bytes":
		return bytesOf(text)
	}
	format, _ := v.Info[dataFormat].(string)
	if kind == "object" && format != "" && format != jsonFormat {
		return kept(text, format, v.Info), nil
	}
	if !json.Valid([]byte(text)) {
		return nil, errUnfit
	}
	var parsed any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&parsed); err != nil {
		return nil, err
	}
	return juel.Normalize(parsed)
}

// numbers has whole numbers as such.
func numbers(v any) any {
	if p, err := juel.Normalize(v); err == nil {
		return p
	}
	return v
}

func plain(all map[string]value) (map[string]any, error) {
	if len(all) == 0 {
		return nil, nil
	}
	out := make(map[string]any, len(all))
	for name, v := range all {
		p, err := v.plain()
		if err != nil {
			return nil, err
		}
		if err := external.CheckDepth(p); err != nil {
			return nil, invalid("variable %.100s: %s", name, err)
		}
		out[name] = p
	}
	return out, nil
}
