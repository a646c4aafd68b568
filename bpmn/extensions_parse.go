package bpmn

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/juel"
)

// extensionsReader reads NAME-extensions.json into the processes of a model. Both shapes are known: {properties,
// mappings, constants} at the root, for a model with one process, and {id, name, extensions: {PROCESS: {...}}}.
type extensionsReader struct {
	problems
	model   *Model
	refused map[string]bool // ids that the model's own messages already deal with

	exchanges bool // see Model.exchange
}

func (x *extensionsReader) read(src []byte, limit int) {
	if len(src) > limit {
		x.path("", "the file has %d bytes, the limit is %d", len(src), limit)
		return
	}
	v, err := decodeJSON(bytes.TrimPrefix(src, []byte{0xEF, 0xBB, 0xBF}))
	if err != nil {
		x.path("", "not JSON: %v", err)
		return
	}
	root, ok := x.object("$", v)
	if !ok {
		return
	}
	if _, later := root["extensions"]; !later {
		x.firstGeneration(root)
		return
	}
	x.known("$", root, "id", "name", "description", "type", "extensions")
	processes, _ := x.object("$.extensions", root["extensions"])
	for _, id := range sorted(processes) {
		path := join("$.extensions", id)
		i := slices.IndexFunc(x.model.Processes, func(p *Process) bool { return p.ID == id })
		switch {
		case i >= 0:
			x.process(path, x.model.Processes[i], processes[id])
		case !x.refused[id]:
			x.path(path, "the model has no process with this id")
		}
	}
}

func (x *extensionsReader) firstGeneration(root map[string]any) {
	switch len(x.model.Processes) {
	case 0: // refused already
	case 1:
		rest := maps.Clone(root)
		for _, key := range []string{"id", "name", "description", "type"} {
			delete(rest, key)
		}
		x.process("$", x.model.Processes[0], rest)
	default:
		x.path("$", `the model has %d processes: write {"extensions": {"PROCESS_ID": {...}}}`, len(x.model.Processes))
	}
}

func (x *extensionsReader) process(path string, p *Process, v any) {
	obj, ok := x.object(path, v)
	if !ok {
		return
	}
	x.known(path, obj, "properties", "mappings", "constants", "templates", "assignments", "analytics")
	x.properties(join(path, "properties"), p, obj["properties"])
	x.mappings(join(path, "mappings"), p, obj["mappings"])
	x.constants(join(path, "constants"), p, obj["constants"])
	x.templates(join(path, "templates"), p, obj["templates"])
	x.analytics(join(path, "analytics"), p, obj["analytics"])
	x.later(path, obj)
}

// later refuses what later versions do and this one would leave out. What modelling tools write when nothing is set
// passes: assignments without a mode, which only repeat what the model says.
func (x *extensionsReader) later(path string, obj map[string]any) {
	assignments, _ := x.object(join(path, "assignments"), obj["assignments"])
	for _, key := range sorted(assignments) {
		at := join(join(path, "assignments"), key)
		entry, _ := x.object(at, assignments[key])
		if mode := entry["mode"]; mode != nil && mode != "" && mode != "manual" {
			x.path(join(at, "mode"), "only manual assignment is supported")
		}
	}
}

func (x *extensionsReader) properties(path string, p *Process, v any) {
	obj, _ := x.object(path, v)
	names := map[string]bool{}
	for _, key := range sorted(obj) {
		at := join(path, key)
		entry, ok := x.object(at, obj[key])
		if !ok {
			continue
		}
		prop := Property{ID: x.text(at, entry, "id"), Name: x.text(at, entry, "name"), Type: x.text(at, entry, "type")}
		if prop.ID == "" {
			prop.ID = key
		}
		if prop.Name == "" {
			prop.Name = prop.ID
		}
		switch {
		case names[prop.Name]:
			x.path(join(at, "name"), "the variable %q is declared twice", clip(prop.Name))
		case slices.Contains(reserved, prop.Name):
			x.path(join(at, "name"), "the name %q is reserved", prop.Name)
		}
		names[prop.Name] = true
		if required, ok := entry["required"].(bool); ok {
			prop.Required = required
		} else if entry["required"] != nil {
			x.path(join(at, "required"), "want true or false")
		}
		x.initial(at, &prop, entry["value"])
		p.Properties = append(p.Properties, prop)
	}
	slices.SortStableFunc(p.Properties, func(a, b Property) int { return strings.Compare(a.Name, b.Name) })
}

// reserved are the variables that loops set.
var reserved = []string{"nrOfInstances", "nrOfActiveInstances", "nrOfCompletedInstances", "loopCounter"}

// initial converts the initial value. Modelling tools write "" for "none", whatever the type.
func (x *extensionsReader) initial(path string, prop *Property, v any) {
	if !slices.Contains(propertyTypes, prop.Type) {
		x.path(join(path, "type"), "unknown type %q: want one of %s", clip(prop.Type), strings.Join(propertyTypes, ", "))
		return
	}
	if v == "" && prop.Type != "string" {
		return
	}
	if juel.HoldsExpression(v) {
		x.path(join(path, "value"), "an initial value cannot hold expressions: set the variable by an output mapping or a script")
		return
	}
	value, err := Convert(prop.Type, v)
	if err != nil {
		x.path(join(path, "value"), "type %s: %v", prop.Type, err)
	}
	prop.Value = value
}

func (x *extensionsReader) mappings(path string, p *Process, v any) {
	obj, _ := x.object(path, v)
	for _, id := range sorted(obj) {
		at := join(path, id)
		n := x.node(at, p, id)
		entry, ok := x.object(at, obj[id])
		if n == nil || !ok {
			continue
		}
		x.known(at, entry, "inputs", "outputs", "mappingType")
		m := &Mapping{}
		switch typ := x.text(at, entry, "mappingType"); typ {
		case "":
		case "MAP_ALL":
			m.AllInputs, m.AllOutputs = true, true
		case "MAP_ALL_INPUTS":
			m.AllInputs = true
		case "MAP_ALL_OUTPUTS":
			m.AllOutputs = true
		default:
			x.path(join(at, "mappingType"), "unknown mapping type %q: want MAP_ALL, MAP_ALL_INPUTS or MAP_ALL_OUTPUTS", clip(typ))
		}
		m.Inputs = x.params(join(at, "inputs"), entry["inputs"])
		m.Outputs = x.params(join(at, "outputs"), entry["outputs"])
		if isCatcher(n) && len(m.Inputs) > 0 {
			x.path(join(at, "inputs"), "a message catcher has outputs only")
		}
		if isThrower(n) && n.Implementation == "" && (len(m.Outputs) > 0 || m.AllOutputs) {
			x.path(join(at, "outputs"), "what throws a message or a signal has inputs only")
		}
		if m.AllInputs && len(m.Inputs) > 0 || m.AllOutputs && len(m.Outputs) > 0 {
			x.model.notices = append(x.model.notices, Warning{
				File: x.file, Line: n.Line, Kind: n.Kind.String(), Element: n.ID, Code: "ignored-mapping",
				Msg: at + ": mappingType beats what is mapped one by one",
			})
		}
		if m.AllInputs {
			m.Inputs = nil
		}
		if m.AllOutputs {
			m.Outputs = nil
		}
		if n.Mapping != nil { // of the model's own fields: the file's entries win by name
			m.Constants = n.Mapping.Constants
			if m.Inputs != nil || m.AllInputs {
				m.Constants = slices.DeleteFunc(slices.Clone(m.Constants), func(c Param) bool {
					return slices.ContainsFunc(m.Inputs, func(in Param) bool { return in.Name == c.Name })
				})
			}
		}
		n.Mapping = m
	}
}

// constants come after the mappings: a task that has constants and no mapping entry maps by the default, which for
// user and script tasks is all, since they are part of the model.
func (x *extensionsReader) constants(path string, p *Process, v any) {
	obj, _ := x.object(path, v)
	for _, id := range sorted(obj) {
		at := join(path, id)
		n := x.node(at, p, id)
		entry, ok := x.object(at, obj[id])
		if n == nil || !ok {
			continue
		}
		if isCatcher(n) {
			x.path(at, "a message catcher has outputs only")
			continue
		}
		if x.exchanges && n.Mapping == nil && p.MapDefault != MapAll {
			n.Mapping = x.model.parameters(n)
		}
		if n.Mapping == nil {
			all := p.MapDefault == MapAll || n.Kind == UserTask || n.Kind == ScriptTask
			n.Mapping = &Mapping{AllInputs: all, AllOutputs: all}
		}
		for _, name := range sorted(entry) {
			paramAt := join(at, name)
			c, ok := x.object(paramAt, entry[name])
			if !ok {
				continue
			}
			if _, ok := c["value"]; !ok {
				x.path(paramAt, `want {"value": ...}`)
				continue
			}
			n.Mapping.Constants = slices.DeleteFunc(slices.Clone(n.Mapping.Constants), func(own Param) bool { return own.Name == name })
			n.Mapping.Constants = append(n.Mapping.Constants, x.value(join(paramAt, "value"), name, c))
		}
	}
}

// node is the task that an entry is for; nil when it is refused.
func (x *extensionsReader) node(path string, p *Process, id string) *Node {
	n := p.Node(id)
	switch {
	case n == nil && x.refused[id]:
	case n == nil:
		x.path(path, "process %q has no element with this id", p.ID)
	case !mappable(n):
		x.path(path, "this element exchanges nothing: mappings and constants are for service, send, receive, business rule, user and script tasks, call activities, and events with a message, a signal, an error or an escalation")
		return nil
	}
	return n
}

func (x *extensionsReader) params(path string, v any) []Param {
	obj, _ := x.object(path, v)
	var params []Param
	for _, name := range sorted(obj) {
		at := join(path, name)
		entry, ok := x.object(at, obj[name])
		if !ok {
			continue
		}
		switch typ := x.text(at, entry, "type"); strings.ToLower(typ) {
		case "variable":
			variable := x.text(at, entry, "value")
			if variable == "" {
				x.path(join(at, "value"), "want the name of a variable")
			}
			params = append(params, Param{Name: name, Variable: variable})
		case "value", "file", "static_value": // the last as Activiti Enterprise writes it
			params = append(params, x.value(join(at, "value"), name, entry))
		case "jsonpatch":
			x.path(join(at, "type"), "jsonPatch is not supported: map the whole variable")
		default:
			x.path(join(at, "type"), "unknown type %q: want variable or value", clip(typ))
		}
	}
	return params
}

// value reads entry["value"]. A file, {"type": "file", "value": ...} as the entry or inside it, is a literal: what stands
// in it is never evaluated.
func (x *extensionsReader) value(path, name string, entry map[string]any) Param {
	v, err := juel.Normalize(entry["value"])
	if err != nil {
		x.path(path, "%v", err)
		return Param{Name: name}
	}
	literal := entry["type"] == "file"
	if inner, ok := file(v); ok {
		literal, v = true, inner
	}
	if literal || !juel.HoldsExpression(v) {
		return Param{Name: name, Value: v}
	}
	x.check(path, v)
	if text, ok := v.(string); ok {
		expr, _ := juel.Parse(text) // check has told the error
		return Param{Name: name, Expr: expr}
	}
	return Param{Name: name, Value: v, Dynamic: true}
}

func file(v any) (inner any, ok bool) {
	m, ok := v.(map[string]any)
	if !ok || len(m) != 2 || m["type"] != "file" || m["value"] == nil {
		return nil, false
	}
	return m["value"], true
}

// check parses every expression inside a value.
func (x *extensionsReader) check(path string, v any) {
	switch v := v.(type) {
	case string:
		if _, err := juel.Parse(v); err != nil {
			x.path(path, "%v", err)
		}
	case []any:
		for i, inner := range v {
			x.check(fmt.Sprintf("%s[%d]", path, i), inner)
		}
	case map[string]any:
		for _, key := range sorted(v) {
			x.check(join(path, key), v[key])
		}
	}
}

// object takes an absent value as an empty object.
func (x *extensionsReader) object(path string, v any) (map[string]any, bool) {
	obj, ok := v.(map[string]any)
	if !ok && v != nil {
		x.path(path, "want an object")
	}
	return obj, ok || v == nil
}

func (x *extensionsReader) text(path string, obj map[string]any, key string) string {
	text, ok := obj[key].(string)
	if !ok && obj[key] != nil {
		x.path(join(path, key), "want a text")
	}
	return text
}

// known refuses other keys where a misspelt one would silently change what is sent.
func (x *extensionsReader) known(path string, obj map[string]any, keys ...string) {
	for _, key := range sorted(obj) {
		if !slices.Contains(keys, key) {
			x.path(join(path, key), "unknown field; known here are %s", strings.Join(keys, ", "))
		}
	}
}

func sorted[V any](obj map[string]V) []string { return slices.Sorted(maps.Keys(obj)) }

// join appends a key to a JSON path.
func join(path, key string) string {
	if strings.ContainsAny(key, `. []"'`) || key == "" {
		return fmt.Sprintf("%s[%q]", path, clip(key))
	}
	return path + "." + clip(key)
}
