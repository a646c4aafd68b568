package project

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/suggest"
)

// callChecker compares one task with the definition of the action that it calls.
type callChecker struct {
	*loader
	model      string // the file
	process    *bpmn.Process
	node       *bpmn.Node
	definition *connectors.Definition
	action     *connectors.Feature
	at         func(format string, args ...any) error // a finding with the place of the task in the model

	place string // of the extensions file and the process
}

// mapping refuses parameters that the action does not have, since what is sent or read under such a name is lost, and values that
// cannot have the type of their input, since every call would fail. What is required and missing is a warning.
func (c *callChecker) mapping(extensions string) {
	c.place = extensions
	m := c.node.Mapping
	given := map[string]bool{}
	for _, part := range []struct {
		name   string
		params []bpmn.Param
	}{{"inputs", m.Inputs}, {"constants", m.Constants}} {
		for _, param := range part.params {
			given[param.Name] = given[param.Name] || !empty(param)
			input := c.action.Input(param.Name)
			if input == nil {
				c.fail(c.in(part.name, "%s has no input %q%s", c.node.Implementation, param.Name, suggest.Hint(param.Name, names(c.action.Inputs))))
				continue
			}
			c.value(part.name, input, param)
		}
	}
	for _, input := range c.action.Inputs {
		if input.Required && !given[input.Name] && !m.AllInputs {
			c.warn("%v", c.in("inputs", "%s requires input %q, which nothing is mapped to", c.node.Implementation, input.Name))
		}
	}
	if len(c.action.Outputs) == 0 {
		return // the definition does not say
	}
	for _, param := range m.Outputs {
		known := slices.ContainsFunc(c.action.Outputs, func(o connectors.Parameter) bool { return o.Name == param.Variable })
		if param.Variable != "" && !known {
			c.fail(c.in("outputs", "%s has no output %q%s", c.node.Implementation, param.Variable, suggest.Hint(param.Variable, names(c.action.Outputs))))
		}
	}
}

// unmapped warns of a call that gets nothing, though it needs something: it fails every time.
func (c *callChecker) unmapped() {
	if c.process.MapDefault == bpmn.MapAll || !c.options.Advice {
		return
	}
	var required []string
	for _, input := range c.action.Inputs {
		if input.Required {
			required = append(required, input.Name)
		}
	}
	if len(required) > 0 {
		c.warn("%v", c.at("%s requires %s, and nothing is mapped to it: every call will fail", c.node.Implementation, strings.Join(required, ", ")))
	}
}

// in places a finding: where the mapping is written.
func (c *callChecker) in(part, format string, args ...any) error {
	if c.node.Mapping.Creates { // in the model itself
		return c.at(part+": "+format, args...)
	}
	return fmt.Errorf("%s: %s of %s: %w", c.place, part, c.node.ID, fmt.Errorf(format, args...))
}

// empty tells that a parameter is certainly nothing.
func empty(p bpmn.Param) bool {
	return p.Variable == "" && p.Expr == nil && (p.Value == nil || p.Value == "")
}

// value checks a value that the model itself gives; what comes of variables shows when it runs. Names of files are the inliner's.
func (c *callChecker) value(part string, input *connectors.Parameter, p bpmn.Param) {
	if p.Variable != "" || p.Expr != nil || empty(p) {
		return
	}
	if !p.Dynamic && input.Type != connectors.TypeFile {
		err := input.Type.Check(p.Value)
		if text, ok := p.Value.(string); ok && err != nil && !c.node.Mapping.Creates {
			if _, ok := fromText(input.Type, text); ok { // the inliner converts it
				err = nil
			}
		}
		if err != nil {
			c.fail(c.in(part, "%s: %w", p.Name, err))
		}
	}
	if where := secretIn(p.Name, p.Value); where != "" {
		c.warn("%v", c.in(part, "%s looks like a secret: it would be kept in every definition and history; make it a setting of the connector", where))
	}
}

// secretText matches what only a secret looks like: the prefixes that issuers give to their tokens, so that they can be found.
var secretText = regexp.MustCompile(`(^|\b)(xox[abprs]-[A-Za-z0-9-]{10,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{15,}|(sk|rk)_(live|test)_\w{10,}|AKIA[0-9A-Z]{16}` +
	`|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+|(Bearer|Basic) +[A-Za-z0-9+/=._~-]{8,})|-----BEGIN [A-Z ]*PRIVATE KEY-----`)

// secretIn is the place in a value of what looks like a secret, or "". The value itself is told to nobody.
func secretIn(path string, value any) string {
	switch v := value.(type) {
	case string:
		name := path[strings.LastIndexByte(path, '.')+1:]
		if strings.Contains(v, "${") || strings.Contains(v, "#{") {
			return ""
		}
		if v != "" && connectors.SecretName(name) || secretText.MatchString(v) {
			return path
		}
	case []any:
		for i, inner := range v {
			if where := secretIn(fmt.Sprintf("%s[%d]", path, i), inner); where != "" {
				return where
			}
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if where := secretIn(path+"."+key, v[key]); where != "" {
				return where
			}
		}
	}
	return ""
}

// errors compares what the task catches with what the action may throw. A definition that lists no errors does not say what that is.
func (c *callChecker) errors() {
	d := c.definition
	if len(d.Errors) == 0 && d.Mode != connectors.ModeOutput {
		return
	}
	thrown := errorCodes(d)
	for _, m := range c.node.ErrorMappings {
		thrown = append(thrown, m.Code)
	}
	caught := map[string]bool{}
	for _, b := range c.node.Boundary {
		if b.Error == nil || b.Event != bpmn.ErrorEvent {
			continue
		}
		code, known := literal(b)
		if caught[code] = true; !known || code == "" || slices.Contains(thrown, code) {
			continue
		}
		if d.Mode == connectors.ModeOutput {
			c.warn("%s", c.boundary(b, "catches error %q, but %s throws none: its failures are the output that names the error", code, d.Name))
			continue
		}
		c.warn("%s", c.boundary(b, "catches error %q, which %s never throws%s", code, c.node.Implementation, suggest.Hint(code, thrown)))
	}
	var missed []string
	for _, code := range thrown {
		if !caught[code] {
			missed = append(missed, code)
		}
	}
	if caught[""] || len(missed) == 0 || c.caughtAround() {
		return
	}
	what := ""
	switch {
	case c.options.Uncaught == bpmn.UncaughtEnd:
		what = "it might fail silently – add an error boundary event"
	case c.options.Advice:
		what = "that is an incident – add an error boundary event where the process is to go on"
	default:
		return
	}
	c.warn("%v [uncaught-error]", c.at("%s may throw %s, which nothing catches: %s", c.node.Implementation, few(missed), what))
}

func (c *callChecker) boundary(b *bpmn.Node, format string, args ...any) string {
	return fmt.Sprintf("%s: line %d: %s %q: %s", c.model, b.Line, b.Kind, b.ID, fmt.Sprintf(format, args...))
}

// literal is the code that a boundary event catches, "" for any; known is false when the process computes it.
func literal(b *bpmn.Node) (code string, known bool) {
	if b.Error.Code == nil {
		return "", true
	}
	return b.Error.Code.Source(), b.Error.Code.IsLiteral()
}

// caughtAround tells that a scope around the task catches errors: which ones it means there is its author's business.
func (c *callChecker) caughtAround() bool {
	catches := func(n *bpmn.Node) bool { return n.Event == bpmn.ErrorEvent && n.Error != nil }
	for scope := c.node.Parent; scope != nil; scope = scope.Parent {
		if slices.ContainsFunc(scope.Boundary, catches) {
			return true
		}
	}
	return slices.ContainsFunc(c.process.Nodes, func(n *bpmn.Node) bool {
		return n.Kind == bpmn.StartEvent && n.Parent != nil && n.Parent.Triggered && catches(n)
	})
}

func errorCodes(d *connectors.Definition) []string {
	var codes []string
	for _, e := range d.Errors {
		codes = append(codes, e.Code)
	}
	return codes
}

// few names some of many.
func few(codes []string) string {
	const most = 3
	if len(codes) <= most+1 {
		return strings.Join(codes, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(codes[:most], ", "), len(codes)-most)
}
