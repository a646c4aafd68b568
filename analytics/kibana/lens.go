package kibana

import "fmt"

// shape is the kind of a visualization.
type shape string

const (
	metric   shape = "metric"
	donut    shape = "donut"
	table    shape = "table"
	stacked  shape = "bar_stacked"
	sideways shape = "bar_horizontal_stacked"
	lines    shape = "line"
)

// column is a column of the table from which Lens draws: what values are grouped by, or a number of each group.
type column struct {
	label     string
	operation string // date_histogram, terms, count, average, percentile
	field     string // "": of a count, the documents
	percent   int    // of a percentile
	size      int    // of terms
	filter    string // KQL, of a number
}

func (c column) grouped() bool { return c.operation == "date_histogram" || c.operation == "terms" }

// panel is a visualization in the dashboard. Groups come before numbers; of bars and lines the first group is the axis, a second one the series.
type panel struct {
	key, title string
	index      string // one of events.Indexes
	shape      shape
	query      string // KQL
	columns    []column
	at         place
}

func (p panel) id(prefix string) string { return prefix + "-panel-" + p.key }

// layer is the id of the only layer of a visualization.
const layer = "documents"

func name(i int) string { return fmt.Sprintf("c%d", i+1) }

// lens is the saved object of a panel.
func (p panel) lens(prefix string) saved {
	columns := object{}
	var order, groups, numbers []string
	for i, c := range p.columns {
		if c.grouped() {
			groups = append(groups, name(i))
		} else {
			numbers = append(numbers, name(i))
		}
		order = append(order, name(i))
	}
	for i, c := range p.columns {
		columns[name(i)] = c.object(numbers[0])
	}
	return saved{
		ID: p.id(prefix), Type: "lens", Core: core, Version: "8.9.0",
		References: []reference{{ID: viewID(prefix, p.index), Name: "indexpattern-datasource-layer-" + layer, Type: "index-pattern"}},
		Attributes: object{
			"title": p.title + " (" + prefix + ")", "description": "", "visualizationType": p.shape.visualization(),
			"state": object{
				"datasourceStates": object{"formBased": object{"layers": object{layer: object{"columns": columns, "columnOrder": order, "incompleteColumns": object{}, "sampling": 1}}}},
				"visualization":    p.draw(groups, numbers), "query": object{"query": p.query, "language": "kuery"}, "filters": []any{},
				"internalReferences": []any{}, "adHocDataViews": object{},
			},
		},
	}
}

func (s shape) visualization() string {
	switch s {
	case metric:
		return "lnsMetric"
	case donut:
		return "lnsPie"
	case table:
		return "lnsDatatable"
	}
	return "lnsXY"
}

// object is a column as Lens keeps it; terms are ordered by a number.
func (c column) object(by string) object {
	o := object{"label": c.label, "customLabel": true, "operationType": c.operation, "isBucketed": c.grouped(), "sourceField": c.field, "dataType": "number", "scale": "ratio"}
	switch c.operation {
	case "count":
		o["sourceField"], o["params"] = "___records___", object{"emptyAsNull": false}
	case "percentile":
		o["params"] = object{"percentile": c.percent}
	case "average":
		o["params"] = object{"emptyAsNull": true}
	case "date_histogram":
		o["dataType"], o["scale"] = "date", "interval"
		o["params"] = object{"interval": "auto", "includeEmptyRows": true, "dropPartials": false}
	case "terms":
		o["dataType"], o["scale"] = "string", "ordinal"
		o["params"] = object{
			"size": c.size, "orderBy": object{"type": "column", "columnId": by}, "orderDirection": "desc", "otherBucket": true, "missingBucket": true,
			"parentFormat": object{"id": "terms"}, "include": []any{}, "exclude": []any{}, "includeIsRegex": false, "excludeIsRegex": false,
		}
	}
	if c.filter != "" {
		o["filter"] = object{"query": c.filter, "language": "kuery"}
	}
	return o
}

// draw is the state of the visualization.
func (p panel) draw(groups, numbers []string) object {
	switch p.shape {
	case metric:
		return object{"layerId": layer, "layerType": "data", "metricAccessor": numbers[0]}
	case donut:
		return object{"shape": "donut", "layers": []object{{
			"layerId": layer, "layerType": "data", "primaryGroups": groups, "metrics": numbers,
			"numberDisplay": "percent", "categoryDisplay": "default", "legendDisplay": "default", "nestedLegend": false,
		}}}
	case table:
		var columns []object
		for _, id := range append(groups, numbers...) {
			columns = append(columns, object{"columnId": id, "isTransposed": false})
		}
		return object{"layerId": layer, "layerType": "data", "columns": columns}
	}
	drawn := object{"layerId": layer, "layerType": "data", "seriesType": string(p.shape), "xAccessor": groups[0], "accessors": numbers, "position": "top", "showGridlines": false}
	if len(groups) > 1 {
		drawn["splitAccessor"] = groups[1]
	}
	all := func(v bool) object { return object{"x": v, "yLeft": v, "yRight": v} }
	return object{
		"legend": object{"isVisible": true, "position": "right"}, "valueLabels": "hide", "fittingFunction": "None", "preferredSeriesType": string(p.shape),
		"axisTitlesVisibilitySettings": all(false), "tickLabelsVisibilitySettings": all(true), "gridlinesVisibilitySettings": all(true),
		"labelsOrientation": object{"x": 0, "yLeft": 0, "yRight": 0}, "layers": []object{drawn},
	}
}
