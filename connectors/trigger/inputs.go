package trigger

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/waybill-io/waybill/connectors/jsonfile"
	"github.com/waybill-io/waybill/connectors/suggest"
)

// maxEcho bounds the text of an echo in a file, in bytes.
const maxEcho = 10_000

func (t *parser) parseInputs(o jsonfile.Object) {
	switch t.kind {
	case ofTimer:
		t.parseTimer(o)
	case ofConnector:
		t.parsePattern(o)
		t.parseAnswer(o)
		t.parseEchoes(o)
		t.checkRequired(o)
		t.parseNarrows(o)
	case ofMail:
		t.parseMailPattern(o, matchable, "subject")
		t.filters = parseFilters(o.Object("filters"))
		switch automatic := o.String("automaticMail"); automatic {
		case "", "ignore":
		case "accept":
			t.automatic = true
		default:
			o.Errorf("automaticMail", `%q is unknown; write "ignore" (the default) or "accept"`, automatic)
		}
		t.parseEchoes(o)
	case ofAccount:
		t.parseMailPattern(o, accountMatchable, "message")
		for _, field := range []string{"filters", "automaticMail", "echo", "echoError"} {
			if v, given := o.Any(field); given && v != "" {
				o.Errorf(field, "is of mail, and the event is of an account; leave it out")
			}
		}
	}
	t.parseCondition(o)
	o.Done()
}

// parseMailPattern reads the pattern of a mailbox's event, which must be given.
func (t *parser) parseMailPattern(o jsonfile.Object, outputs map[string]string, usual string) {
	source := o.String("pattern")
	if _, given := o.Any("pattern"); !given {
		o.Errorf("pattern", `is required; write "" to match every event`)
	}
	t.pattern = readPattern(o, "pattern", source)
	matchOn := cmp.Or(o.String("matchOn"), usual)
	output := outputs[matchOn]
	if output == "" {
		o.Errorf("matchOn", "%q is unknown%s", matchOn, suggest.Hint(matchOn, slices.Collect(maps.Keys(outputs))))
	}
	t.matchOn = []string{output}
}

// parsePattern reads the pattern of an event of a connector.
func (t *parser) parsePattern(o jsonfile.Object) {
	source, matchOn := o.String("pattern"), o.String("matchOn")
	if t.matchOn = usualText; matchOn != "" {
		t.matchOn = []string{matchOn}
		if t.known != nil && !slices.Contains(t.known, matchOn) {
			o.Errorf("matchOn", "the event has no output %q%s", matchOn, suggest.Hint(matchOn, t.known))
		}
	}
	if source == "" {
		return // every event
	}
	t.pattern = readPattern(o, "pattern", source)
	if matchOn == "" && t.known != nil && !slices.ContainsFunc(usualText, func(name string) bool { return slices.Contains(t.known, name) }) {
		o.Errorf("matchOn", "is required with this pattern: the event has no output %s; name the one that the pattern is searched in%s",
			strings.Join(usualText, ", "), suggest.Hint("", t.known))
	}
}

func (t *parser) parseCondition(o jsonfile.Object) {
	condition := o.String("condition")
	if condition == "" {
		return
	}
	r := t.values(o, "data")
	if t.condition = r.parse("condition", condition); t.condition != nil && t.condition.IsLiteral() {
		o.Errorf("condition", "is text that never changes; write ${...}")
	}
}

// values reads values that may use the outputs of the event and more.
func (t *parser) values(o jsonfile.Object, more ...string) values {
	r := values{object: o, known: t.outputs(), pattern: t.pattern}
	if r.known == nil {
		r.open = true
	}
	r.known = append(slices.Clone(r.known), more...)
	return r
}

// parseEchoes reads what the sender is answered. Beside the outputs its expressions know each named group by its name.
func (t *parser) parseEchoes(o jsonfile.Object) {
	for field, target := range map[string]*value{"echo": &t.echo, "echoError": &t.echoError} {
		text := o.String(field)
		switch {
		case text == "":
			continue
		case len(text) > maxEcho:
			o.Errorf(field, "%d bytes, at most %d are sent", len(text), maxEcho)
		case t.kind == ofConnector && t.feature == nil && t.strict():
			t.warn(o, field, "is sent for events of built-in connectors alone, and this one is not known")
		case t.kind == ofMail && t.Event() != EmailReceived:
			o.Errorf(field, "is never sent: only machines send such mail; leave it out")
		case t.feature != nil && t.feature.Input(field) == nil:
			o.Errorf(field, "this event cannot be answered; let the process answer")
		}
		var groups []string
		if t.pattern != nil {
			groups = t.pattern.groups()
		}
		r := t.values(o, groups...)
		*target = r.expression(field, text)
	}
}

// parseAnswer reads what the caller of a webhook is answered.
func (t *parser) parseAnswer(o jsonfile.Object) {
	if !t.answers {
		return
	}
	status, given := o.Any("status")
	var number int64
	switch status := status.(type) {
	case int64:
		number = status
	case string:
		number, _ = strconv.ParseInt(strings.TrimSpace(status), 10, 64) // as old files write it
	}
	if given && (number < 200 || number > 599) {
		o.Errorf("status", "a status of HTTP from 200 to 599 is expected")
	}
	t.status = number
	if body, given := o.Any("body"); given {
		t.body = t.values(o).read("body", body)
	}
}

// reserved are the inputs of an event of a connector that narrow nothing.
var reserved = []string{"pattern", "matchOn", "condition", "echo", "echoError"}

// relative is a path as events have it. The original system's files hold the whole address: https://host/project/connector/events/orders.
func relative(path string) string {
	if strings.HasPrefix(path, "https://") || strings.HasPrefix(path, "http://") {
		if _, behind, found := strings.Cut(path, "/events/"); found {
			return behind
		}
	}
	return strings.TrimPrefix(path, "/")
}

// checkRequired refuses a trigger that lacks what its event requires. Without a pattern every event matches.
func (t *parser) checkRequired(o jsonfile.Object) {
	if t.feature == nil {
		return
	}
	for _, p := range t.feature.Inputs {
		if _, given := o.Any(p.Name); p.Required && !given && p.Name != "pattern" {
			o.Errorf(p.Name, "is required by %s: %s", t.feature.Name, p.Description)
		}
	}
}

// parseNarrows reads the inputs that bear the name of an output.
func (t *parser) parseNarrows(o jsonfile.Object) {
	for _, name := range o.Keys() {
		if slices.Contains(reserved, name) || t.answers && (name == "status" || name == "body") {
			continue
		}
		want, given := o.Any(name)
		if t.feature != nil && t.feature.Input(name) == nil {
			var known []string
			for _, p := range t.feature.Inputs {
				known = append(known, p.Name)
			}
			o.Errorf(name, "the event has no input %q%s", name, suggest.Hint(name, known))
			continue
		}
		if t.known != nil && !slices.Contains(t.known, name) {
			o.Errorf(name, "narrows nothing: the event has no output %q to compare with", name)
			continue
		}
		if list, isList := want.([]any); given && want != "" && !(isList && len(list) == 0) {
			if text, isText := want.(string); isText && name == "path" {
				want = relative(text)
			}
			t.narrows = append(t.narrows, narrow{name: name, want: want})
		}
	}
}
