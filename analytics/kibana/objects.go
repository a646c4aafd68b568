package kibana

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/waybill-io/waybill/events"
)

type object = map[string]any

// saved is a saved object of Kibana.
type saved struct {
	ID         string      `json:"id"`
	Type       string      `json:"type"`
	Attributes object      `json:"attributes"`
	References []reference `json:"references"`
	Core       string      `json:"coreMigrationVersion"`
	Version    string      `json:"typeMigrationVersion"`
}

type reference struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
}

const core = "8.8.0"

// NDJSON is the dashboard of a tenant whose indexes begin with a prefix, "activiti", an object a line, those that others refer to first.
func NDJSON(prefix string) ([]byte, error) {
	var all []saved
	for _, index := range events.Indexes() {
		view, err := dataView(prefix, index)
		if err != nil {
			return nil, err
		}
		all = append(all, view)
	}
	shown := panels()
	for _, p := range shown {
		all = append(all, p.lens(prefix))
	}
	board, err := dashboard(prefix, shown)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	for _, o := range append(all, board) {
		if err := e.Encode(o); err != nil {
			return nil, fmt.Errorf("write the dashboard of %s: %w", prefix, err)
		}
	}
	return out.Bytes(), nil
}

// text is JSON in a string, as Kibana keeps what it does not search.
func text(v any) (string, error) {
	data, err := json.Marshal(v)
	return string(data), err
}

// timeField is by which the time picker filters an index: when a thing began, and of what has no such time when it was last changed.
func timeField(index string) string {
	switch index {
	case events.ProcessInstances, events.Tasks:
		return "startTime"
	}
	return "timeStamp"
}

func viewID(prefix, index string) string { return prefix + "-" + index }

func dataView(prefix, index string) (saved, error) {
	formats, err := text(object{"duration": object{"id": "duration", "params": object{
		"inputFormat": "milliseconds", "outputFormat": "humanizePrecise", "outputPrecision": 1, "useShortSuffix": true,
	}}})
	return saved{
		ID: viewID(prefix, index), Type: "index-pattern", Core: core, Version: "8.0.0", References: []reference{},
		Attributes: object{
			"title": prefix + "-" + index, "name": "Waybill: " + prefix + "-" + index, "timeFieldName": timeField(index),
			"fieldFormatMap": formats, "fields": "[]", "fieldAttrs": "{}", "runtimeFieldMap": "{}", "sourceFilters": "[]", "typeMeta": "{}",
		},
	}, err
}

// place is where a panel stands, in a grid of 48 columns.
type place struct{ X, Y, W, H int }

func dashboard(prefix string, shown []panel) (saved, error) {
	o := saved{ID: prefix + "-dashboard", Type: "dashboard", Core: core, Version: "8.9.0"}
	var list []object
	for _, p := range shown {
		o.References = append(o.References, reference{ID: p.id(prefix), Name: p.key + ":panel_" + p.key, Type: "lens"})
		list = append(list, object{
			"version": "8.9.0", "type": "lens", "panelIndex": p.key, "panelRefName": "panel_" + p.key, "embeddableConfig": object{"enhancements": object{}},
			"gridData": object{"x": p.at.X, "y": p.at.Y, "w": p.at.W, "h": p.at.H, "i": p.key},
		})
	}
	texts := make([]string, 3)
	for i, v := range []any{
		list,
		object{"useMargins": true, "syncColors": false, "syncCursor": true, "syncTooltips": false, "hidePanelTitles": false},
		object{"query": object{"query": "", "language": "kuery"}, "filter": []any{}},
	} {
		var err error
		if texts[i], err = text(v); err != nil {
			return o, fmt.Errorf("write the dashboard of %s: %w", prefix, err)
		}
	}
	o.Attributes = object{
		"title": "Waybill: " + prefix, "description": "What processes, tasks, activities, connectors and mailboxes did. Filter by processDefinitionKey.",
		"version": 1, "timeRestore": true, "timeFrom": "now-7d", "timeTo": "now", "refreshInterval": object{"pause": true, "value": 60000},
		"panelsJSON": texts[0], "optionsJSON": texts[1], "kibanaSavedObjectMeta": object{"searchSourceJSON": texts[2]},
	}
	return o, nil
}
