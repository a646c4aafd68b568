package connectors

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/waybill-io/waybill/connectors/suggest"
)

// Definition is what a connector says about itself: the file that modelling tools read.
type Definition struct {
	ID          string
	Name        string // unique in an application; see ValidName
	Description string
	Template    string // the built-in connector that this is an instance of; "": none, or it is the built-in one
	Actions     []Feature
	Events      []Feature
	Config      []Config
	Errors      []ErrorDefinition
	Mode        ErrorMode
	Policy      Policy // what the file's config says (CALL_TIMEOUT and so on), else the template's, else DefaultPolicy

	given Policy // what the file says alone
}

// Feature is an action or an event.
type Feature struct {
	Key         string // in the file; a uuid in files written by tools
	ID          string
	Name        string // the ACTION in an implementation
	Description string
	Inputs      []Parameter
	Outputs     []Parameter
	Model       any // JSON schema of the outputs
}

// Parameter is an input or output.
type Parameter struct {
	ID          string
	Name        string
	Description string
	Type        Type
	Required    bool
	Model       any // JSON schema of the value
}

// Config is a setting that the worker resolves from its environment. Value is a default and never a secret.
type Config struct {
	Name        string
	Description string
	Value       string
	Required    bool
	Secure      bool // a secret: shown to nobody
}

// ErrorDefinition is an error that the process may catch.
type ErrorDefinition struct {
	Name        string
	Description string
	Code        string // Name when the file gives none
}

// ErrorMode is how failures reach the process.
type ErrorMode string

// ModeBPMN is a named BPMN error for a boundary event. ModeOutput is the first generation's way: the call succeeds and
// an output parameter tells what went wrong.
const (
	ModeBPMN   ErrorMode = "bpmn"
	ModeOutput ErrorMode = "output"
)

// errorOutputs are the error outputs of the first generation's connectors. A definition that declares one of them and
// no errors of its own was written for ModeOutput.
var errorOutputs = []string{"email.error", "slackError", "restError", "twilioError", "camelError", "lambdaError"}

var validName = regexp.MustCompile(`^[a-z]([-a-z0-9]{0,24}[a-z0-9])?$`)

// NameRule says in words what ValidName accepts.
const NameRule = "1 to 26 lower-case letters, digits and hyphens, starting with a letter and not ending with a hyphen"

// ValidName reports whether a new file may carry this name. Models may refer to older names that break the rule.
func ValidName(name string) bool { return validName.MatchString(name) }

// Action finds an action by name.
func (d *Definition) Action(name string) (*Feature, error) {
	return d.feature("action", d.Actions, name)
}

// Event finds an event by name.
func (d *Definition) Event(name string) (*Feature, error) { return d.feature("event", d.Events, name) }

func (d *Definition) feature(kind string, features []Feature, name string) (*Feature, error) {
	var known []string
	for i := range features {
		if features[i].Name == name {
			return &features[i], nil
		}
		known = append(known, features[i].Name)
	}
	return nil, fmt.Errorf("connector %s has no %s %q%s", d.Name, kind, name, suggest.Hint(name, known))
}

// Input finds an input by name; nil when there is none.
func (f *Feature) Input(name string) *Parameter {
	i := slices.IndexFunc(f.Inputs, func(p Parameter) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return &f.Inputs[i]
}

// setting finds a config entry by name; nil when there is none.
func (d *Definition) setting(name string) *Config {
	i := slices.IndexFunc(d.Config, func(c Config) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return &d.Config[i]
}

// Declares reports whether the definition lists an error with this code.
func (d *Definition) Declares(code string) bool {
	return slices.ContainsFunc(d.Errors, func(e ErrorDefinition) bool { return e.Code == code })
}

// CheckInputs checks the inputs of a call: every required one is there, and each has its type. The error is an *Error
// that names every parameter that is wrong; it is a BPMN error when the definition declares its code. Inputs that the
// action does not know are passed over, since a task may be mapped to send all its variables.
func (d *Definition) CheckInputs(action string, inputs map[string]any) error {
	feature, err := d.Action(action)
	if err != nil {
		return &Error{Kind: Permanent, Code: CodeInvalidInput, Public: err.Error()}
	}
	var missing, wrong []error
	for _, p := range feature.Inputs {
		value := inputs[p.Name]
		if value == nil || value == "" {
			if p.Required {
				missing = append(missing, fmt.Errorf("input %s is required", p.Name))
			}
			continue
		}
		if err := p.Type.Check(value); err != nil {
			wrong = append(wrong, fmt.Errorf("input %s: %w", p.Name, err))
		}
	}
	all := errors.Join(append(missing, wrong...)...)
	if all == nil {
		return nil
	}
	failure := &Error{Kind: Permanent, Code: CodeInvalidInput, Public: fmt.Sprintf("%s.%s: %v", d.Name, action, all)}
	if len(missing) > 0 {
		failure.Code = CodeMissingInput
	}
	if d.Mode == ModeOutput || d.Declares(failure.Code) {
		failure.Kind = BPMN
	}
	return failure
}

// checkOutputs checks that the outputs of a call have the types that the definition promises to the process. Outputs that it does not
// list are passed over: mappings cannot name them.
func (d *Definition) checkOutputs(action *Feature, outputs map[string]any) error {
	var wrong []error
	for _, p := range action.Outputs {
		if value := outputs[p.Name]; value != nil {
			if err := p.Type.Check(value); err != nil {
				wrong = append(wrong, fmt.Errorf("output %s: %w", p.Name, err))
			}
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return &Error{Kind: Permanent, Code: CodeInvalidOutput, Public: fmt.Sprintf("%s.%s: %v", d.Name, action.Name, errors.Join(wrong...))}
}

// errorOutput is the output that takes an action's failures, or "" in ModeBPMN.
func (d *Definition) errorOutput(action *Feature) string {
	if d.Mode == ModeOutput {
		return firstErrorOutput(*action)
	}
	return ""
}

// errorMode decides how the failures of a definition that has been read reach the process.
func (d *Definition) errorMode() ErrorMode {
	declares := func(f Feature) bool { return firstErrorOutput(f) != "" }
	if len(d.Errors) == 0 && slices.ContainsFunc(d.Actions, declares) {
		return ModeOutput
	}
	return ModeBPMN
}

func firstErrorOutput(f Feature) string {
	for _, p := range f.Outputs {
		if slices.Contains(errorOutputs, p.Name) {
			return p.Name
		}
	}
	return ""
}
