package alerts

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors/jsonfile"
	"github.com/waybill-io/waybill/connectors/suggest"
)

// condition tells why an alert does not match; "" when it does.
type condition func(contract.Alert) string

// operators compare a field with a text; each is given the texts of the file and makes a test.
var operators = map[string]func(want string) (func(value string) bool, error){
	"equals": func(want string) (func(string) bool, error) { return func(v string) bool { return v == want }, nil },
	"contains": func(want string) (func(string) bool, error) {
		return func(v string) bool { return strings.Contains(v, want) }, nil
	},
	"starts-with": func(want string) (func(string) bool, error) {
		return func(v string) bool { return strings.HasPrefix(v, want) }, nil
	},
	"matches": func(want string) (func(string) bool, error) {
		p, err := regexp.Compile(want)
		if err != nil {
			return nil, fmt.Errorf("%w; write a regular expression of RE2, which is found anywhere in the text", err)
		}
		return p.MatchString, nil
	},
}

// conditionFields are all that an object of a match may have.
var conditionFields = []string{"and", "contains", "equals", "field", "matches", "not", "or", "starts-with"}

// maxConditions bounds a match.
const maxConditions = 200

// matcher reads conditions.
type matcher struct{ count int }

// condition reads {"field":F,"equals":V}, {"and":[...]}, {"or":[...]} or {"not":{...}}.
func (m *matcher) condition(o jsonfile.Object) condition {
	if m.count++; m.count == maxConditions+1 {
		o.Errorf("", "has more than %d conditions; make several rules of it", maxConditions)
	}
	if m.count > maxConditions {
		return nil
	}
	var kinds []string
	for _, key := range o.Keys() {
		if key == "field" {
			continue
		}
		if !slices.Contains(conditionFields, key) {
			o.Errorf(key, "is no operator%s", suggest.Hint(key, conditionFields))
			o.Any(key)
		}
		kinds = append(kinds, key)
	}
	_, hasField := o.Any("field")
	switch {
	case len(kinds) != 1:
		o.Errorf("", "one operator is expected: and, or or not, or a field with equals, matches, contains or starts-with")
		return nil
	case kinds[0] == "and" || kinds[0] == "or":
		return m.list(o, kinds[0], hasField)
	case kinds[0] == "not":
		if hasField {
			o.Errorf("field", "belongs into the condition that is negated")
		}
		inner := m.condition(o.Object("not"))
		return func(a contract.Alert) string {
			if inner(a) == "" {
				return o.Path("not") + ": what it negates holds"
			}
			return ""
		}
	}
	return m.compare(o, kinds[0])
}

func (m *matcher) list(o jsonfile.Object, kind string, hasField bool) condition {
	if hasField {
		o.Errorf("field", "belongs into the conditions of %q", kind)
	}
	var parts []condition
	for _, part := range o.Objects(kind) {
		parts = append(parts, m.condition(part))
	}
	if len(parts) == 0 {
		o.Errorf(kind, "is empty; write conditions into it, or leave it out")
	}
	return func(a contract.Alert) string {
		var why string
		for _, part := range parts {
			why = part(a)
			if (why == "") == (kind == "or") {
				return why
			}
		}
		if kind == "or" {
			return o.Path("or") + ": none of them holds"
		}
		return ""
	}
}

// compare reads the comparison of a field with a text, or with several of which one is to hold.
func (m *matcher) compare(o jsonfile.Object, operator string) condition {
	name := o.Required("field")
	read := fields[name]
	if read == nil && name != "" {
		o.Errorf("field", "an alert has no field %q%s", name, suggest.Hint(name, Fields()))
	}
	raw, _ := o.Any(operator)
	texts, isList := raw.([]any)
	if !isList {
		texts = []any{raw}
	}
	var tests []func(string) bool
	var known []string // values that the field may have; nil: any
	if operator == "equals" {
		known = values[name]
	}
	for i, raw := range texts {
		text, ok := raw.(string)
		path := operator
		if isList {
			path = fmt.Sprintf("%s[%d]", operator, i)
		}
		make := operators[operator]
		if make == nil {
			return nil // it has been told
		}
		if !ok {
			o.Errorf(path, "a string is expected, or a list of strings of which one is to hold")
			continue
		}
		if text == "" && operator != "equals" {
			o.Errorf(path, `is empty, which always holds; to ask for a field with nothing in it write "equals": ""`)
			continue
		}
		if known != nil && !slices.Contains(known, text) {
			o.Errorf(path, "%s is never %q%s", name, text, suggest.Hint(text, known))
			continue
		}
		test, err := make(text)
		if err != nil {
			o.Errorf(path, "%w", err)
			continue
		}
		tests = append(tests, test)
	}
	if isList && len(texts) == 0 {
		o.Errorf(operator, "is empty; no alert would match")
	}
	path := o.Path(operator)
	return func(a contract.Alert) string {
		value := read(a)
		if slices.ContainsFunc(tests, func(test func(string) bool) bool { return test(value) }) {
			return ""
		}
		return fmt.Sprintf("%s: %s is %q", path, name, cut(value, 200))
	}
}
