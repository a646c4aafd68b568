package record

import (
	"bytes"
	"encoding/json"

	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/events"
)

// told is what an event tells of a value, its type in the words of events.Event, and whether it is not all of it.
func told(value any) (v any, kind string, short bool) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, "json", true
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, "json", true
	}
	switch x := v.(type) {
	case nil:
		return nil, "null", false
	case bool:
		return x, "boolean", false
	case json.Number:
		if i, err := x.Int64(); err == nil {
			return i, "integer", false
		}
		f, err := x.Float64()
		return f, "double", err != nil
	case string:
		kind, _ = events.TextType(x)
		return events.Cut(x), kind, len(x) > events.MaxText
	}
	if len(text) > events.MaxText {
		return events.Cut(string(text)), "json", true
	}
	return v, "json", false
}

// shown are variables as they stand beside an event; nil when they are many.
func shown(given map[string]any) map[string]any {
	if len(given) == 0 {
		return nil
	}
	all := make(map[string]any, len(given))
	for _, name := range workflow.DeterministicKeys(given) {
		all[name], _, _ = told(given[name])
	}
	if text, err := json.Marshal(all); err != nil || len(text) > events.MaxVariables {
		return nil
	}
	return all
}
