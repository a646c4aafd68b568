package alerts

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/jsonfile"
	"github.com/waybill-io/waybill/connectors/suggest"
	"github.com/waybill-io/waybill/connectors/trigger"
)

// Names that no rule may have.
const (
	Default  = "default"  // the rule that WAYBILL_ALERT_TO makes
	Unrouted = "unrouted" // holds what no rule takes
)

// What rules have that say nothing else.
const (
	usualWindow    = time.Hour
	usualMaxGroups = 10
)

// Bounds of a rule: what a workflow holds of it must fit into an input.
const (
	shortestWindow = time.Second
	longestWindow  = 7 * 24 * time.Hour
	mostGroups     = 50
	mostActions    = 20
	mostSteps      = 5
	mostAddresses  = 100
)

// Rule says what becomes of some alerts.
type Rule struct {
	Name      string
	Severity  string // instead of that of the alert; "": it stays
	Window    time.Duration
	GroupBy   []string
	MaxGroups int // that are told of each by itself in a window
	Ignore    bool
	Mails     []Mail
	Triggers  []*trigger.Trigger // start processes and call connectors
	Quiet     []Quiet
	Steps     []Step

	match condition // nil: every alert
	raw   json.RawMessage
}

// Mail is whom a rule writes to.
type Mail struct {
	To, Cc, Bcc   []string // addresses
	Users, Groups []string // of the people
	Template      string
	subject       *trigger.Trigger // nil: that of the template
}

// Step is whom a rule writes to when an incident of a group is still open.
type Step struct {
	After time.Duration // since the group was told of first
	Mail  Mail
}

// Options are what a rule is checked against when it is deployed.
type Options struct {
	// Definition finds the definition of a connector, nil for none; nil: there are no connectors.
	Definition func(name string) *connectors.Definition
	Connectors []string // names of all that Definition finds
	Processes  []string // that are deployed
	Templates  []string // of mails
}

func (o *Options) find(name string) *connectors.Definition {
	if o.Definition == nil {
		return nil
	}
	return o.Definition(name)
}

// Parse reads a rule strictly; name is the file's, for errors. The error joins all that is wrong, each with its path and what would be right.
func Parse(name string, data []byte, o Options) (*Rule, error) { return read(name, data, &o) }

// Read reads a rule that was deployed: what it names may be gone by now, and is not looked for.
func Read(name string, data []byte) (*Rule, error) { return read(name, data, nil) }

// ToAddresses is the rule that writes to some addresses of whatever comes.
func ToAddresses(to []string) *Rule {
	return &Rule{
		Name: Default, Window: usualWindow, MaxGroups: usualMaxGroups, GroupBy: usualGroup(),
		Mails: []Mail{{To: to, Template: contract.TemplateAlert}},
	}
}

// Nobody is the rule that keeps account of what no rule takes.
func Nobody() *Rule {
	return &Rule{Name: Unrouted, Window: usualWindow, MaxGroups: usualMaxGroups, GroupBy: usualGroup()}
}

func usualGroup() []string { return []string{"processName", "faultName"} }

// Match tells why the rule does not take an alert; "" when it does.
func (r *Rule) Match(a contract.Alert) (why string) {
	if r.match == nil {
		return ""
	}
	return r.match(a)
}

// parser reads one rule; options is nil for one that was deployed.
type parser struct {
	*Rule
	options  *Options
	bindings map[string]any // of connectors, as they were noted
}

func read(name string, data []byte, options *Options) (*Rule, error) {
	f, root, err := jsonfile.Parse(name, data)
	if err != nil {
		return nil, err
	}
	p := &parser{Rule: &Rule{raw: data}, options: options}
	root.String("description")
	p.Name = root.Required("name")
	switch {
	case p.Name == Default || p.Name == Unrouted:
		root.Errorf("name", "%q is taken by Waybill itself; choose another one", p.Name)
	case p.Name != "" && !connectors.ValidName(p.Name):
		root.Errorf("name", "%q is not the name of a rule: %s", p.Name, connectors.NameRule)
	}
	if options == nil {
		deployed := root.Object("deployed")
		raw, _ := deployed.Any("bindings")
		p.bindings, _ = raw.(map[string]any)
	}
	p.readMatch(root)
	if p.Severity = root.String("severity"); p.Severity != "" && !slices.Contains(Severities(), p.Severity) {
		root.Errorf("severity", "%q is no severity%s", p.Severity, suggest.Hint(p.Severity, Severities()))
	}
	p.readGroups(root)
	p.readActions(root)
	for _, o := range root.Objects("quietHours") {
		p.Quiet = append(p.Quiet, readQuiet(o))
	}
	p.readSteps(root)
	p.checkIgnore(root)
	root.Done()
	if err := f.Err(); err != nil {
		return nil, err
	}
	if always := p.QuietUntil(time.Unix(0, 0), "info"); always.Sub(time.Unix(0, 0)) >= longestQuiet {
		return nil, fmt.Errorf("%s: quietHours: they never end, so that nobody would ever be told; to have alerts ignored write {\"ignore\":true} as an action", name)
	}
	return p.Rule, nil
}

// readMatch reads which alerts the rule takes. A match that was left empty is a mistake, and not a rule for all of them.
func (p *parser) readMatch(root jsonfile.Object) {
	if _, given := root.Any("match"); given {
		p.match = (&matcher{}).condition(root.Object("match"))
	} else if slices.Contains(root.Keys(), "match") {
		root.Errorf("match", "is empty; write a condition, or leave it out for a rule that takes every alert")
	}
}

// checkIgnore refuses what says nothing in a rule that ignores, and one that would silence everything.
func (p *parser) checkIgnore(root jsonfile.Object) {
	if !p.Ignore {
		return
	}
	if _, given := root.Any("match"); !given {
		root.Errorf("match", "is required in a rule that ignores: nobody would be told of anything")
	}
	for _, field := range []string{"severity", "window", "group", "maxGroups", "quietHours", "escalation"} {
		if _, given := root.Any(field); given {
			root.Errorf(field, "has no meaning in a rule that ignores; leave it out")
		}
	}
}

func (p *parser) readGroups(root jsonfile.Object) {
	p.Window = duration(root, "window", usualWindow, shortestWindow, longestWindow)
	p.GroupBy = texts(root, "group")
	if _, given := root.Any("group"); !given {
		p.GroupBy = usualGroup()
	}
	for i, name := range p.GroupBy {
		if fields[name] == nil {
			root.Errorf(fmt.Sprintf("group[%d]", i), "an alert has no field %q%s", name, suggest.Hint(name, Fields()))
		}
	}
	p.MaxGroups = usualMaxGroups
	if raw, given := root.Any("maxGroups"); given {
		n, whole := raw.(int64)
		if !whole || n < 1 || n > mostGroups {
			root.Errorf("maxGroups", "a number from 1 to %d is expected", mostGroups)
		}
		p.MaxGroups = int(n)
	}
}

func (p *parser) readSteps(root jsonfile.Object) {
	steps := root.Objects("escalation")
	if len(steps) > mostSteps {
		root.Errorf("escalation", "has %d steps, at most %d are possible", len(steps), mostSteps)
	}
	for i, o := range steps {
		s := Step{After: duration(o, "after", 0, shortestWindow, 30*24*time.Hour)}
		if _, given := o.Any("after"); !given {
			o.Errorf("after", "is required: how long after the first message, such as 2h")
		}
		if i > 0 && s.After <= p.Steps[i-1].After {
			o.Errorf("after", "is not later than that of the step before")
		}
		s.Mail = p.mail(o.Object("mail"))
		o.Done()
		p.Steps = append(p.Steps, s)
	}
}

// duration reads a time as Go writes it: 90s, 30m, 2h; or 3d, in whole days.
func duration(o jsonfile.Object, field string, usual, least, most time.Duration) time.Duration {
	raw, given := o.Any(field)
	if !given {
		return usual
	}
	text := fmt.Sprint(raw)
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 8) // more than any bound
		d = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || d < least || d > most {
		o.Errorf(field, "%q is no time from %s to %s; write it as in 30m, 2h or 3d", text, least, most)
		return usual
	}
	return d
}

// texts reads a list of texts, or one text.
func texts(o jsonfile.Object, field string) []string {
	raw, given := o.Any(field)
	if !given {
		return nil
	}
	if one, ok := raw.(string); ok {
		raw = []any{one}
	}
	list, ok := raw.([]any)
	if !ok {
		o.Errorf(field, "a list of strings is expected")
	}
	var all []string
	for i, item := range list {
		text, ok := item.(string)
		if !ok || text == "" {
			o.Errorf(fmt.Sprintf("%s[%d]", field, i), "a string is expected")
			continue
		}
		all = append(all, text)
	}
	return all
}

func addresses(o jsonfile.Object, field string) []string {
	all := texts(o, field)
	for i, text := range all {
		if err := CheckAddress(text); err != nil {
			o.Errorf(fmt.Sprintf("%s[%d]", field, i), "%w", err)
		}
	}
	return all
}

// CheckAddress refuses what is no address of mail, or has a name beside it.
func CheckAddress(text string) error {
	if !contract.IsAddress(text) {
		return fmt.Errorf("%q is no address; write it as in ops@example.com, and people by their names into users or groups", text)
	}
	return nil
}

// mail reads whom to write to.
func (p *parser) mail(o jsonfile.Object) Mail {
	m := Mail{
		To: addresses(o, "to"), Cc: addresses(o, "cc"), Bcc: addresses(o, "bcc"), Users: texts(o, "users"), Groups: texts(o, "groups"),
		Template: cmp.Or(o.String("template"), contract.TemplateAlert),
	}
	switch n := len(m.To) + len(m.Cc) + len(m.Bcc) + len(m.Users) + len(m.Groups); {
	case len(m.To)+len(m.Users)+len(m.Groups) == 0:
		o.Errorf("to", "is required, or users or groups")
	case n > mostAddresses:
		o.Errorf("to", "%d receivers, at most %d are possible; use an address that distributes", n, mostAddresses)
	}
	if p.options != nil && !slices.Contains(p.options.Templates, m.Template) {
		o.Errorf("template", "there is no template %q%s", m.Template, suggest.Hint(m.Template, p.options.Templates))
	}
	if subject := o.String("subject"); subject != "" {
		m.subject = p.expression(o, "subject", subject)
	}
	o.Done()
	return m
}
