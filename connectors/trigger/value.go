package trigger

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/waybill-io/waybill/connectors/jsonfile"
	"github.com/waybill-io/waybill/connectors/suggest"
	"github.com/waybill-io/waybill/juel"
)

// values reads the values of a file and checks what they refer to.
type values struct {
	object  jsonfile.Object
	known   []string // variables
	open    bool     // there may be others
	pattern *pattern // nil when it was refused
}

// read makes a value of what stands at a field. Strings inside lists and objects may hold expressions too.
func (r values) read(field string, raw any) value {
	switch raw := raw.(type) {
	case string:
		return r.expression(field, raw)
	case []any:
		parts := make([]value, len(raw))
		for i, item := range raw {
			parts[i] = r.read(fmt.Sprintf("%s[%d]", field, i), item)
		}
		return func(env juel.Env) (any, error) {
			list := make([]any, len(parts))
			for i, part := range parts {
				var err error
				if list[i], err = part(env); err != nil {
					return nil, fmt.Errorf("element %d: %w", i, err)
				}
			}
			return list, nil
		}
	case map[string]any:
		if kind, ok := raw["type"].(string); ok && len(raw) == 2 {
			if of, ok := raw["value"]; ok {
				return r.typed(field, kind, of)
			}
		}
		return r.fields(field, raw)
	}
	return func(juel.Env) (any, error) { return raw, nil }
}

func (r values) fields(field string, raw map[string]any) value {
	names := slices.Sorted(maps.Keys(raw))
	parts := make([]value, len(names))
	for i, name := range names {
		parts[i] = r.read(field+"."+name, raw[name])
	}
	return func(env juel.Env) (any, error) {
		object := make(map[string]any, len(names))
		for i, name := range names {
			var err error
			if object[name], err = parts[i](env); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		return object, nil
	}
}

// typed reads {"type":...,"value":...}, the form of mappings.
func (r values) typed(field, kind string, of any) value {
	text, isText := of.(string)
	switch kind {
	case "variable":
		if !isText || !r.open && !slices.Contains(r.known, text) {
			r.object.Errorf(field+".value", "the event has no output %q%s", text, suggest.Hint(text, r.known))
		}
		return func(env juel.Env) (any, error) {
			v, ok := env.Variable(text)
			if !ok {
				return nil, &juel.UnknownVariableError{Name: text}
			}
			return v, nil
		}
	case "static":
		return func(juel.Env) (any, error) { return of, nil }
	case "value", "expression":
		return r.read(field+".value", of)
	}
	r.object.Errorf(field+".type", "%q is not variable, value, expression or static; for a plain value write it without type", kind)
	return nil
}

func (r values) expression(field, source string) value {
	if expr := r.parse(field, source); expr != nil {
		return func(env juel.Env) (any, error) { return expr.Eval(env) }
	}
	return nil
}

// group finds uses of a named group, to tell a misspelt one at deployment: at run time it would be null.
var group = regexp.MustCompile(`\bmatchGroups(?:\.(\w+)|\[\s*['"](\w+)['"]\s*\])`)

// parse reads an expression; nil after an error, which has been recorded.
func (r values) parse(field, source string) *juel.Expr {
	expr, err := juel.Parse(source)
	if err != nil {
		r.object.Errorf(field, "%w", err)
		return nil
	}
	for _, name := range expr.Variables() {
		if !r.open && !slices.Contains(r.known, name) {
			r.object.Errorf(field, "the event has no output %q%s", name, suggest.Hint(name, r.known))
		}
	}
	if expr.IsLiteral() || r.pattern == nil {
		return expr
	}
	groups := r.pattern.groups()
	for _, use := range group.FindAllStringSubmatch(source, -1) {
		if name := use[1] + use[2]; !slices.Contains(groups, name) {
			r.object.Errorf(field, "the pattern has no group %q%s", name, suggest.Hint(name, groups))
		}
	}
	return expr
}
