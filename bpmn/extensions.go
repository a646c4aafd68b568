package bpmn

import "github.com/waybill-io/waybill/juel"

// MapDefault says what a task without a mapping entry exchanges with its connector: a setting of the deployment.
// User and script tasks without an entry exchange everything.
type MapDefault string

// The two defaults. MapNone is the default of a deployment: nothing leaks to a third party that the model did not name.
const (
	MapNone MapDefault = "none"
	MapAll  MapDefault = "all"
)

// Property is a declared process variable.
type Property struct {
	ID       string
	Name     string
	Type     string // string, integer, boolean, date, datetime, json, file, folder, array, content
	Required bool
	Value    any // the initial value in juel's value model; nil: none
}

// Mapping says which variables go into a task and which of its results come out.
// The slices are sorted by parameter, so that walking them is the same in every run.
type Mapping struct {
	AllInputs  bool
	AllOutputs bool
	Creates    bool    // Outputs become variables even where nothing declares them (camunda:connector)
	Inputs     []Param // parameter <- value
	Outputs    []Param // variable <- value over the results
	Constants  []Param // win over Inputs
}

// Param is one line of a mapping. Exactly one of Variable, Expr and Value counts:
// Variable when not "", else Expr when not nil, else Value.
type Param struct {
	Name     string
	Variable string     // copies the variable (inputs) or the result (outputs) of this name
	Expr     *juel.Expr // a string that holds ${...}
	Value    any        // a static value; maps and lists may hold strings with ${...} when Dynamic
	Dynamic  bool       // Value is a map or list with expressions inside
}
