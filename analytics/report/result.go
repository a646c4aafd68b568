package report

import (
	"encoding/json"
	"fmt"
)

// Result is the answer of a report. The elements have the shape of the original's; the rest is ours.
type Result struct {
	Report     string            `json:"report"` // the name of the report, "task-overview"
	Title      string            `json:"title"`
	Parameters map[string]string `json:"parameters"` // as they were understood, with what was not given
	Elements   []Element         `json:"elements"`
	Notes      []string          `json:"notes,omitempty"` // what a reader must know: what was left off, what is an estimate
}

// ElementType is what an element shows.
type ElementType string

// The types of elements, those of the original.
const (
	Table             ElementType = "table"             // ColumnNames, ColumnTypes, Rows
	MasterDetailTable ElementType = "masterDetailTable" // likewise, and DetailTables
	PieChart          ElementType = "pieChart"          // Values with Y
	BarChart          ElementType = "barChart"          // Values with Points, one series
	MultiBarChart     ElementType = "multiBarChart"     // Values with Points, several series
	ProcessHeatMap    ElementType = "processDefinitionHeatMap"
)

// Unit says what the numbers of a column or an axis are.
type Unit string

// The units. Dates on an axis are the beginnings of intervals, RFC 3339 in the time zone of the report.
const (
	Text         Unit = "string"
	Count        Unit = "count"
	Milliseconds Unit = "milliseconds"
	Percent      Unit = "percent" // 0 to 100
	Moment       Unit = "date"    // RFC 3339
	Hours        Unit = "date_hour"
	Days         Unit = "date_day"
	Weeks        Unit = "date_week"
	Months       Unit = "date_month"
	Years        Unit = "date_year"
)

// Element is one table or chart.
type Element struct {
	ID       string      `json:"id"` // stable, unique within the report
	Type     ElementType `json:"type"`
	Title    string      `json:"title"`    // in English
	TitleKey string      `json:"titleKey"` // of the original's translations

	// A table. Each row has a cell for every column: a string, a number (float64 once it was decoded), or nil for what is not known.
	ColumnNames  []string  `json:"columnNames,omitempty"`
	ColumnTypes  []Unit    `json:"columnTypes,omitempty"`
	Rows         [][]any   `json:"rows,omitempty"`
	DetailTables []Element `json:"detailTables,omitempty"` // one for each row, in their order

	// A chart.
	Values []Value `json:"values,omitempty"`
	XAxis  Unit    `json:"xAxisType,omitempty"` // Text, or Hours to Years
	YAxis  Unit    `json:"yAxisType,omitempty"` // Count, Milliseconds or Percent

	*HeatMap // of a ProcessHeatMap, else nil
}

// Value is a slice of a pie, or a series of bars.
type Value struct {
	Key         string     `json:"key"`
	Y           *float64   `json:"y,omitempty"`
	KeyAndValue *[2]string `json:"keyAndValue,omitempty"` // both as texts
	Others      int        `json:"others,omitempty"`      // how many things a slice of the rest, the last, is of; 0: it is of the one in Key
	Points      []Point    `json:"values,omitempty"`      // every series of an element has the same X, in the same order
}

// Point is a bar; in JSON it is [x, y].
type Point struct {
	X string
	Y *float64 // nil: nothing was measured there
}

// MarshalJSON implements json.Marshaler.
func (p Point) MarshalJSON() ([]byte, error) { return json.Marshal([2]any{p.X, p.Y}) }

// UnmarshalJSON implements json.Unmarshaler.
func (p *Point) UnmarshalJSON(text []byte) error {
	pair := [2]any{&p.X, &p.Y}
	if err := json.Unmarshal(text, &pair); err != nil {
		return fmt.Errorf("a point [x, y] is expected: %w", err)
	}
	return nil
}

// HeatMap has numbers for each activity, by its id in the model. Percentages are those of the largest number of a kind, which has 100.
type HeatMap struct {
	Definition            string             `json:"processDefinitionId"` // key:version; key alone: all its versions
	ActivityNames         map[string]string  `json:"activityNames,omitempty"`
	TotalCountValues      map[string]float64 `json:"totalCountValues"`
	TotalCountPercentages map[string]float64 `json:"totalCountsPercentages"` // so called there
	TotalTimeValues       map[string]float64 `json:"totalTimeValues"`        // hours
	TotalTimePercentages  map[string]float64 `json:"totalTimePercentages"`
	AvgTimeValues         map[string]float64 `json:"avgTimeValues"` // hours
	AvgTimePercentages    map[string]float64 `json:"avgTimePercentages"`
}
