package juel

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxText bounds, in bytes, each text that an expression makes. Temporal refuses payloads over 2 MiB.
const maxText = 1 << 20

// Env is what an expression sees of the world.
type Env interface {
	// Variable returns the variable of that name; ok is false when there is none, which is not the same as null.
	Variable(name string) (value any, ok bool)
	// Now is the time of the function now(): workflow time, so that a replay answers the same. The zero time means
	// that there is no clock here; now() is then an error.
	Now() time.Time
}

// Reach says which variable of a name is set.
type Reach uint8

// Nearest is the variable where it is. Local is one of the element itself, LocalToTask one of the user task.
const (
	Nearest Reach = iota
	Local
	LocalToTask
)

// Setter is an Env in which expressions may set variables: execution.setVariable and its like need it.
type Setter interface {
	SetVariable(name string, value any, reach Reach) error
	RemoveVariable(name string) error
}

// TaskChanger is an Env in which expressions may change the user task that is about to open, by a method of TaskChanges.
type TaskChanger interface {
	ChangeTask(method string, value any) error
}

// Vars is an Env of plain variables, without a clock and read-only.
type Vars map[string]any

func (v Vars) Variable(name string) (any, bool) {
	value, ok := v[name]
	return value, ok
}

func (v Vars) Now() time.Time { return time.Time{} }

// Expr is a parsed composite expression: literal text with any number of ${...} and #{...}. It is immutable and safe
// for concurrent use.
type Expr struct {
	source    string
	parts     []part
	variables []string
	effects   bool
	changes   bool
}

// part is a stretch of literal text or, with a node, one ${...}.
type part struct {
	text string
	node node
}

// HoldsExpression reports whether ${ or #{ stands in a value: in a text, or anywhere in a list or map, its keys included.
func HoldsExpression(value any) bool {
	switch v := value.(type) {
	case string:
		return strings.Contains(v, "${") || strings.Contains(v, "#{")
	case []any:
		return slices.ContainsFunc(v, HoldsExpression)
	case map[string]any:
		for key, element := range v { // any order: only whether there is one
			if HoldsExpression(key) || HoldsExpression(element) {
				return true
			}
		}
	}
	return false
}

// Source is the text that was parsed.
func (e *Expr) Source() string { return e.source }

// IsLiteral reports whether there is no ${...} or #{...} at all: Eval then returns the text, with \${ read as ${.
func (e *Expr) IsLiteral() bool {
	return !slices.ContainsFunc(e.parts, func(p part) bool { return p.node != nil })
}

// Variables are the names of the variables without which Eval may fail, sorted: the root identifiers, less the scope
// objects execution and task. Variables read by execution.getVariable or var:get may be missing, so they do not count.
func (e *Expr) Variables() []string { return slices.Clone(e.variables) }

// Effects reports whether e sets or removes variables. Such an expression belongs into a listener or a service task.
func (e *Expr) Effects() bool { return e.effects }

// ChangesTask reports whether e changes a user task. Such an expression belongs into a listener of that.
func (e *Expr) ChangesTask() bool { return e.changes }

// Eval evaluates e. The result is a value of the model: of a single ${...} with nothing around it the value itself,
// otherwise a string in which null is empty, numbers and booleans are plain, lists and maps are JSON. A text that a
// variable holds is never evaluated again, so data cannot inject expressions. A list or map is the one that Env gave, not
// a copy; whoever stores a result passes it through Normalize.
//
// Errors name the part of the expression that failed; they hold no values, which may be personal data.
func (e *Expr) Eval(env Env) (any, error) {
	if env == nil {
		env = Vars(nil)
	}
	if len(e.parts) == 1 && e.parts[0].node != nil {
		value, err := e.parts[0].node.eval(env)
		if err != nil {
			return nil, e.fail(err)
		}
		return value, nil
	}
	var out strings.Builder
	for _, p := range e.parts {
		text := p.text
		if p.node != nil {
			value, err := p.node.eval(env)
			if err != nil {
				return nil, e.fail(err)
			}
			if text, err = toText(value); err != nil {
				return nil, e.fail(failed(p.node, "%w", err))
			}
		}
		if out.Len()+len(text) > maxText {
			return nil, e.fail(errTooLong)
		}
		out.WriteString(text)
	}
	return out.String(), nil
}

func (e *Expr) fail(err error) error {
	return fmt.Errorf("evaluating %s: %w", clip(e.source), err)
}

// EvalBool evaluates e as a condition: booleans, the texts true and false in any case, and null and the empty text,
// which are false. Anything else is an error: a model that answers "yes" must compare it.
func EvalBool(e *Expr, env Env) (bool, error) {
	value, err := e.Eval(env)
	if err != nil {
		return false, err
	}
	switch v := value.(type) {
	case nil:
		return false, nil
	case bool:
		return v, nil
	case string:
		if v == "" || strings.EqualFold(v, "false") {
			return false, nil
		}
		if strings.EqualFold(v, "true") {
			return true, nil
		}
	}
	return false, e.fail(fmt.Errorf("the result is %s, not a boolean; a condition compares, as in ${status == 'open'}", kindOf(value)))
}

var _ Env = Vars(nil)
