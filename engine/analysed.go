package engine

import (
	"strconv"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/juel"
)

// maxName bounds the name of a variable that is in events, in bytes.
const maxName = events.MaxText

// bpmn keeps the limit of a text in events by itself, which must be the same.
var _ [bpmn.MaxAnalysed - events.MaxText]struct{} = [events.MaxText - bpmn.MaxAnalysed]struct{}{}

// written tells of variables that are set in a scope, 0 for the process, in which those held are already.
func (m *machine) written(n *bpmn.Node, scope int, held, values Variables) {
	if m.s.Record {
		m.noteWritten(n, scope, held, values)
	}
}

func (m *machine) noteWritten(n *bpmn.Node, scope int, held, values Variables) {
	if !m.p.Analytics.Any() {
		return
	}
	for _, name := range sortedKeys(values) {
		if !m.analyses(name) {
			continue
		}
		kind := events.VariableCreated
		if _, there := held[name]; there {
			kind = events.VariableUpdated
		}
		m.note(entry{kind: kind, node: n, token: m.ownerOf(scope), more: variable{scope: scope, name: name, value: values[name]}})
	}
}

// removed tells of a variable that is gone.
func (m *machine) removed(scope int, held Variables, name string) {
	if _, there := held[name]; there && m.s.Record && m.analyses(name) {
		m.note(entry{kind: events.VariableDeleted, node: m.view.node, token: m.ownerOf(scope), more: variable{scope: scope, name: name}})
	}
}

func (m *machine) analyses(name string) bool {
	return len(name) <= maxName && m.p.Analytics.Analyses(name)
}

// ownerOf is the token that a scope belongs to.
func (m *machine) ownerOf(scope int) int {
	if scope == 0 {
		return 0
	}
	return m.scope(scope).Token
}

// payload are variables that an event may show beside others: none where rules say what is told of a variable and the element gives
// them other names.
func (m *machine) payload(n *bpmn.Node, given Variables) Variables {
	if n != nil && m.p.Analytics != nil && n.Mapping != nil && !n.Mapping.AllOutputs {
		return nil
	}
	return given
}

// shown are those of some variables that are analysed, as far as they are told; nil when they are many.
func shown(p *bpmn.Process, given Variables) map[string]any {
	if len(given) == 0 || !p.Analytics.Any() {
		return nil
	}
	var all map[string]any
	total := 0
	for name, value := range given { // in any order: which ones are shown does not depend on it
		value, err := juel.Normalize(value) // as they came from outside
		if err != nil || !p.Analytics.Analyses(name) {
			continue
		}
		v := tell(p, name, value)
		if v.value == nil && v.masked {
			continue
		}
		if total += size(v.value, textSize) + textSize(name); total > events.MaxVariables {
			return nil
		}
		if all == nil {
			all = make(map[string]any, len(given))
		}
		all[name] = v.value
	}
	return all
}

// variable is one that was written or removed.
type variable struct {
	scope int
	name  string
	value any
}

func (v variable) fill(e *events.Event, p *bpmn.Process) {
	e.Name, e.Ref = v.name, v.name
	if v.scope != 0 {
		e.Ref = strconv.Itoa(v.scope) + "." + v.name
	}
	if e.Type == events.VariableDeleted {
		return
	}
	t := tell(p, v.name, v.value)
	e.Value, e.ValueType, e.Cut, e.Masked = t.value, t.typ, t.cut, t.masked
}

// told is what is told of a value.
type told struct {
	value       any
	typ         string
	cut, masked bool
}

// tell masks and shortens a value as the process says.
func tell(p *bpmn.Process, name string, value any) told {
	t := told{value: value, typ: typeOf(p, name, value)}
	limit := p.Analytics.Limit()
	switch p.Analytics.MaskOf(name) {
	case bpmn.MaskRedact:
		return told{typ: t.typ, masked: true}
	case bpmn.MaskLast4:
		return told{value: last4(value), typ: t.typ, masked: true}
	}
	switch v := value.(type) {
	case string:
		t.value, t.cut = events.CutTo(v, limit), len(v) > limit
	case []any, map[string]any:
		// The first size is quick and too large.
		if size(v, func(text string) int { return 6*len(text) + 2 }) <= limit {
			return t
		}
		text, err := appendJSON(nil, v)
		if err != nil {
			return told{typ: t.typ, cut: true} // not in the value model: no variable is
		}
		if len(text) > limit {
			t.value, t.cut = events.CutTo(string(text), limit), true
		}
	}
	return t
}

// last4 are the last four characters of a text or a number that has more than twice as many; nil: nothing is told.
func last4(value any) any {
	var text string
	switch v := value.(type) {
	case string:
		text = v
	case int64:
		text = strconv.FormatInt(v, 10)
	default:
		return nil
	}
	letters := []rune(text)
	if len(letters) <= 8 {
		return nil
	}
	return "****" + string(letters[len(letters)-4:])
}

// typeOf is the type of a value, in the words of events.Event.
func typeOf(p *bpmn.Process, name string, value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case int64:
		return "integer"
	case float64:
		return "double"
	case string:
		for i := range p.Properties {
			if d := &p.Properties[i]; d.Name == name && (d.Type == "date" || d.Type == "datetime") {
				return "date"
			}
		}
		kind, _ := events.TextType(v)
		return kind
	}
	return "json"
}
