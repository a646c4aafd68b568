package scenario

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/waybill-io/waybill/bpmn"
)

// pair is one line of a map.
type pair struct {
	name       string
	key, value ast.Node
}

// pairs are the lines of a map in their order, after those that a merge key (<<) brings in.
func (r *reader) pairs(m *ast.MappingNode) []pair {
	var own, merged []pair
	for _, v := range m.Values {
		switch key := v.Key.(type) {
		case *ast.MergeKeyNode:
			from, ok := r.resolve(v.Value).(*ast.MappingNode)
			if !ok {
				r.fail(v.Value, "expected a map to merge")
				continue
			}
			merged = append(merged, r.pairs(from)...)
		case *ast.StringNode:
			own = append(own, pair{key.Value, key, v.Value})
		case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
			own = append(own, pair{key.GetToken().Value, key, v.Value})
		default:
			r.fail(key, "expected a plain name")
		}
	}
	merged = slices.DeleteFunc(merged, func(p pair) bool {
		return slices.ContainsFunc(own, func(o pair) bool { return o.name == p.name })
	})
	return append(merged, own...)
}

// fields is a map whose fields are asked for one by one. What was never asked for is unknown to done.
type fields struct {
	*reader
	at    ast.Node
	list  []pair
	known []string
	taken map[string]bool
}

// fields reads a map; nothing is an empty one. what names it in messages. It returns nil for what it has refused.
func (r *reader) fields(n ast.Node, what string) *fields {
	f := &fields{reader: r, at: n, taken: map[string]bool{}}
	switch v := r.resolve(n).(type) {
	case nil:
		return nil
	case *ast.NullNode:
	case *ast.MappingNode:
		f.at, f.list = v, r.pairs(v)
	default:
		r.fail(v, "expected %s, a map, got %s", what, kind(v))
		return nil
	}
	return f
}

// get returns the value of a field; nil when it is absent.
func (f *fields) get(name string) ast.Node {
	f.known = append(f.known, name)
	f.taken[name] = true
	for _, p := range f.list {
		if p.name == name {
			return p.value
		}
	}
	return nil
}

func (f *fields) has(name string) bool { return f.get(name) != nil }

// done refuses every field that was not asked for.
func (f *fields) done() {
	slices.Sort(f.known)
	known := slices.Compact(f.known)
	for _, p := range f.list {
		if !f.taken[p.name] {
			f.fail(p.key, "unknown field %q, expected one of %s", p.name, strings.Join(known, ", "))
		}
	}
}

// optional reads a text field, "" when it is absent.
func (f *fields) optional(name, what string) string {
	n := f.get(name)
	if n == nil {
		return ""
	}
	return f.text(n, what)
}

// required reads a text field that must be there and not be empty.
func (f *fields) required(name, what string) string {
	n := f.get(name)
	if n == nil {
		f.fail(f.at, "expected the field %s: %s", name, what)
		return ""
	}
	before := len(f.errs)
	text := f.text(n, what)
	if text == "" && len(f.errs) == before {
		f.fail(n, "expected %s, got an empty text", what)
	}
	return text
}

// variables reads a field that maps names to values.
func (f *fields) variables(name string) map[string]any {
	n := f.get(name)
	if n == nil {
		return nil
	}
	return f.values(n, name)
}

// duration reads an ISO 8601 duration.
func (r *reader) duration(n ast.Node) bpmn.Duration {
	before := len(r.errs)
	text := r.text(n, "an ISO 8601 duration such as PT15M")
	d, err := bpmn.ParseDuration(text)
	if err != nil && len(r.errs) == before {
		r.fail(n, "expected an ISO 8601 duration such as PT15M or P1D, got %q", text)
	}
	return d
}
