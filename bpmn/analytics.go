package bpmn

import (
	"fmt"
	"slices"
	"strings"
)

// Analytics says what of the variables of a process becomes part of its events. nil: of all, their values as long as they may be.
type Analytics struct {
	Off       bool     // no variables at all
	Only      []string // nil: all
	Exclude   []string
	Mask      map[string]Mask // by variable
	MaxLength int             // of a value, in bytes; 0: MaxAnalysed
}

// MaxAnalysed bounds the value of a variable in an event, in bytes; longer texts are cut, and so is longer JSON, as text.
const MaxAnalysed = 1024

// Mask is how a value is hidden.
type Mask string

// MaskRedact tells nothing of a value. MaskLast4 tells the last four characters of a text or an integer that has more than eight: of a
// shorter one too little would stay hidden. There is no hash: without a secret, who knows what values look like finds them by trying.
const (
	MaskRedact Mask = "redact"
	MaskLast4  Mask = "last4"
)

// Any reports whether there are variables in events.
func (a *Analytics) Any() bool { return a == nil || !a.Off }

// Analyses reports whether a variable is in events.
func (a *Analytics) Analyses(name string) bool {
	return a == nil || !a.Off && (a.Only == nil || slices.Contains(a.Only, name)) && !slices.Contains(a.Exclude, name)
}

// MaskOf is how the value of a variable is hidden; "": it is not.
func (a *Analytics) MaskOf(name string) Mask {
	if a == nil {
		return ""
	}
	return a.Mask[name]
}

// Limit is how long a value may be, in bytes.
func (a *Analytics) Limit() int {
	if a == nil || a.MaxLength == 0 {
		return MaxAnalysed
	}
	return a.MaxLength
}

// analytics reads {"enabled", "variables": [...], "exclude": [...], "mask": {NAME: "redact"|"last4"}, "maxLength"}.
func (x *extensionsReader) analytics(path string, p *Process, v any) {
	obj, ok := x.object(path, v)
	if !ok || v == nil {
		return
	}
	x.known(path, obj, "enabled", "variables", "exclude", "mask", "maxLength")
	a := &Analytics{Only: x.names(path, obj, "variables"), Exclude: x.names(path, obj, "exclude")}
	if enabled, ok := obj["enabled"].(bool); ok {
		a.Off = !enabled
	} else if obj["enabled"] != nil {
		x.path(join(path, "enabled"), "want true or false")
	}
	at := join(path, "mask")
	masks, _ := x.object(at, obj["mask"])
	for _, name := range sorted(masks) {
		mask := Mask(x.text(at, masks, name))
		switch {
		case mask == MaskRedact || mask == MaskLast4:
			if a.Mask == nil {
				a.Mask = make(map[string]Mask, len(masks))
			}
			a.Mask[name] = mask
		case mask == "hash":
			x.path(join(at, name), "a hash hides nothing that can be found by trying, such as a number or a name: want redact or last4")
		default:
			x.path(join(at, name), "unknown mask %q: want redact or last4", clip(string(mask)))
		}
	}
	if obj["maxLength"] != nil {
		value, err := Convert("integer", obj["maxLength"])
		length, ok := value.(int64)
		if err != nil || !ok || length < 1 || length > MaxAnalysed {
			x.path(join(path, "maxLength"), "want a number of bytes from 1 to %d", MaxAnalysed)
		}
		a.MaxLength = int(length)
	}
	p.Analytics = a
}

// names reads a list of names of variables; nil when there is none.
func (x *extensionsReader) names(path string, obj map[string]any, key string) []string {
	if obj[key] == nil {
		return nil
	}
	at := join(path, key)
	list, ok := obj[key].([]any)
	if !ok {
		x.path(at, "want a list of names of variables")
	}
	names := make([]string, 0, len(list))
	for i, element := range list {
		name, ok := element.(string)
		if !ok || strings.TrimSpace(name) == "" {
			x.path(fmt.Sprintf("%s[%d]", at, i), "want the name of a variable")
			continue
		}
		names = append(names, name)
	}
	return names
}
