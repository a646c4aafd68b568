package bpmn

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/juel"
)

// Options are what Parse needs besides the model.
type Options struct {
	Extensions     []byte // the extensions file beside the model, or nil
	ExtensionsName string // its name, for messages
	MapDefault     MapDefault
	Uncaught       Uncaught // "": UncaughtIncident
	Limits         Limits
	// CheckScript reports what is wrong with a JavaScript, at deployment; nil: nothing is checked. A model that runs has passed it.
	CheckScript func(source string) error
	// Behaviour is the version of the engine's behaviour that the model is read for: what an attribute means is a part of it. 0: the newest.
	Behaviour int
}

// since reports whether what came with a version of the engine's behaviour holds.
func (o Options) since(version int) bool { return o.Behaviour == 0 || o.Behaviour >= version }

// Parse reads a BPMN 2.0 file and its extensions. The error joins an *Error for everything that keeps the model from
// running as it is written; name is the file's name in those messages.
//
// Executable is a process with isExecutable="true". When no process of the file has it true, those without the attribute
// are, if they have a start event (tools of this family differ on what its absence means). Other processes are ignored.
func Parse(name string, src []byte, opts Options) (*Model, error) {
	if opts.MapDefault == "" {
		opts.MapDefault = MapNone
	}
	if opts.MapDefault != MapNone && opts.MapDefault != MapAll {
		return nil, &Error{File: name, Msg: fmt.Sprintf("mapping default %q: want %q or %q", opts.MapDefault, MapNone, MapAll)}
	}
	if opts.Uncaught == "" {
		opts.Uncaught = UncaughtIncident
	}
	if opts.Uncaught != UncaughtIncident && opts.Uncaught != UncaughtEnd {
		return nil, &Error{File: name, Msg: fmt.Sprintf("uncaught errors %q: want %q or %q", opts.Uncaught, UncaughtIncident, UncaughtEnd)}
	}
	root, err := readTree(src, opts.Limits)
	if err != nil {
		return nil, asError(name, err)
	}
	p := &parser{
		problems: problems{file: name},
		model:    &Model{Name: name},
		options:  opts,
		ids:      map[string]int{},
		roots:    map[string]*element{},
	}
	if !root.is("definitions") {
		p.at(root, "not a BPMN 2.0 model: the root element must be definitions in the namespace %s", nsBPMN)
		return nil, errors.Join(p.all()...)
	}
	p.definitions(root)
	errs := p.all()
	if len(opts.Extensions) > 0 {
		x := &extensionsReader{problems: problems{file: opts.ExtensionsName}, model: p.model, refused: p.refused, exchanges: opts.since(3)}
		if x.file == "" {
			x.file = name + " (extensions)"
		}
		x.read(opts.Extensions, opts.Limits.withDefaults().Bytes)
		errs = append(errs, x.all()...)
	}
	if opts.since(3) {
		p.model.exchange()
	}
	errs = append(errs, p.model.beans()...)
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return p.model, nil
}

// parser reads the tree. What belongs to one process is reset by process.
type parser struct {
	problems
	model   *Model
	options Options
	ids     map[string]int      // id -> line, over the whole file
	roots   map[string]*element // messages, signals, errors, escalations and event definitions by id
	refused map[string]bool     // ids of elements that are refused or ignored, so that references to them are not refused again

	namespace    string // of what the file defines
	proc         *Process
	elements     map[*Node]*element
	flows        []*element
	associations []*element
}

func (p *parser) definitions(root *element) {
	p.refused, p.namespace = map[string]bool{}, root.attr("", "targetNamespace")
	var declared, open []*element
	for _, e := range root.children {
		switch {
		case e.name.Space == nsBPMN && isRoot(e.name.Local):
			if p.unique(e) {
				p.roots[e.id()] = e
			}
		case e.is("process"):
			switch e.attr("", "isExecutable") {
			case "true", "1":
				declared = append(declared, e)
			case "":
				if slices.ContainsFunc(e.children, func(c *element) bool { return c.is("startEvent") }) {
					open = append(open, e)
				} else { // a pool that is only drawn
					p.refused[e.id()] = true
				}
			case "false", "0":
				p.refused[e.id()] = true
			default:
				p.at(e, "isExecutable=%q: want true or false", clip(e.attr("", "isExecutable")))
			}
		}
	}
	executable := declared
	if len(declared) == 0 {
		executable = open
	} else {
		for _, e := range open {
			p.refused[e.id()] = true
			p.notice("ignored-process", e, "ignored: it has no isExecutable attribute, and another process of the file has it true")
		}
	}
	if len(executable) == 0 && len(p.errs) == 0 {
		at := root
		if e := root.child("process"); e != nil {
			at = e
		}
		p.at(at, `the file has no executable process: set isExecutable="true" on the process to run`)
	}
	for _, e := range executable {
		p.process(e)
	}
}

// processKey is narrower than an XML name: a key becomes part of ids and headers, and a slash in it would make it one of
// the ids that a host gives to things of its own.
var processKey = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$`)

func (p *parser) process(e *element) {
	if p.required(e) && !p.unique(e) {
		return
	}
	if e.id() != "" && !processKey.MatchString(e.id()) {
		p.at(e, "the id of a process is the key that it is started by: up to 200 letters, digits and . _ - of ASCII, beginning with a letter, digit or _")
	}
	p.proc = &Process{
		ID: e.id(), Name: e.attr("", "name"), Namespace: p.namespace, VersionTag: dialectAttr(e, "versionTag"), Line: e.line,
		MapDefault: p.options.MapDefault, Uncaught: p.options.Uncaught,
	}
	p.elements, p.flows, p.associations = map[*Node]*element{}, nil, nil
	p.dialect(e, e)
	p.proc.Listeners = p.listeners(e, "start", "end")
	p.children(e, nil)
	p.proc.Link() // so that ids are found
	for _, c := range p.flows {
		p.flow(c)
	}
	for _, n := range p.proc.Nodes {
		p.attach(n)
	}
	p.compensations()
	p.proc.Link() // with the flows and boundary events
	for _, n := range p.proc.Nodes {
		p.refer(n)
		p.structure(n)
	}
	p.proc.Link() // with the links
	p.starts(e)
	p.model.Processes = append(p.model.Processes, p.proc)
}

// children reads what is directly in a process or a sub-process.
func (p *parser) children(e *element, parent *Node) {
	for _, c := range e.children {
		switch {
		case c.is("sequenceFlow"):
			p.flows = append(p.flows, c)
		case c.is("association"):
			p.associations = append(p.associations, c)
		case c.is("dataObject"):
			p.dataObject(c, parent)
		case c.name.Space != nsBPMN || inert[c.name.Local]:
		case parent != nil && insideActivity[c.name.Local]:
		case kindOf(c.name.Local) != 0:
			p.node(c, kindOf(c.name.Local), parent)
		default:
			p.at(c, "%s", unsupported(c.name.Local))
			p.refuse(c)
		}
	}
}

// insideActivity are the children of a sub-process that belong to it as an activity.
var insideActivity = map[string]bool{
	"incoming": true, "outgoing": true, "multiInstanceLoopCharacteristics": true, "standardLoopCharacteristics": true,
	"dataInputAssociation": true, "dataOutputAssociation": true, "completionCondition": true,
}

var kindNames = []string{
	StartEvent:        "startEvent",
	EndEvent:          "endEvent",
	CatchEvent:        "intermediateCatchEvent",
	BoundaryEvent:     "boundaryEvent",
	ServiceTask:       "serviceTask",
	SendTask:          "sendTask",
	ReceiveTask:       "receiveTask",
	UserTask:          "userTask",
	ScriptTask:        "scriptTask",
	ManualTask:        "manualTask",
	UndefinedTask:     "task",
	ExclusiveGateway:  "exclusiveGateway",
	ParallelGateway:   "parallelGateway",
	ThrowEvent:        "intermediateThrowEvent",
	BusinessRuleTask:  "businessRuleTask",
	InclusiveGateway:  "inclusiveGateway",
	EventBasedGateway: "eventBasedGateway",
	SubProcess:        "subProcess",
	Transaction:       "transaction",
	AdHocSubProcess:   "adHocSubProcess",
	CallActivity:      "callActivity",
}

// String is the element's name in BPMN.
func (k Kind) String() string { return kindNames[k] }

// kindOf is 0 for an element that is not a supported flow node.
func kindOf(local string) Kind { return Kind(max(0, slices.Index(kindNames, local))) }

// inert are the children of a process without meaning at run time.
var inert = map[string]bool{
	"documentation": true, "extensionElements": true, "auditing": true, "monitoring": true, "ioSpecification": true,
	"property": true, "laneSet": true, "dataObjectReference": true, "dataStoreReference": true, "textAnnotation": true,
	"group": true, "resourceRole": true, "performer": true, "humanPerformer": true,
	"potentialOwner": true, "correlationSubscription": true, "supports": true, "ioBinding": true,
}

// refuse remembers the ids of an element and of all in it.
func (p *parser) refuse(e *element) {
	p.refused[e.id()] = true
	for _, c := range e.children {
		p.refuse(c)
	}
}

func unsupported(local string) string {
	switch {
	case local == "complexGateway":
		return "complex gateways are not supported: none of the engines that models come from runs them; use inclusive gateways and conditions"
	case strings.HasSuffix(local, "Gateway"):
		return "this gateway is not supported; supported are exclusive, parallel, inclusive and event-based gateways"
	case strings.HasSuffix(local, "Event"):
		return "this event is not supported; supported are start, end, boundary, intermediate catch and intermediate throw events"
	case strings.HasPrefix(local, "choreography"), local == "subChoreography", local == "callChoreography", strings.HasSuffix(local, "Conversation"):
		return "choreographies and conversations are not executed"
	case strings.HasSuffix(local, "Task"):
		return "this task is not supported"
	}
	return "this element is not supported inside a process"
}

// node reads what all flow nodes share, then what its kind has.
func (p *parser) node(e *element, kind Kind, parent *Node) {
	n := &Node{ID: e.id(), Name: e.attr("", "name"), Line: e.line, Kind: kind, Parent: parent}
	if !p.required(e) || !p.unique(e) {
		p.refuse(e)
		return
	}
	p.proc.Nodes = append(p.proc.Nodes, n)
	p.elements[n] = e
	p.dialect(e, e)
	n.Listeners = p.listeners(e, "start", "end")
	switch kind {
	case StartEvent, EndEvent, CatchEvent, ThrowEvent, BoundaryEvent:
		p.event(e, n)
	case ExclusiveGateway, ParallelGateway, InclusiveGateway:
	case EventBasedGateway:
		n.Instantiate = p.boolean(e, "instantiate", false)
		if typ := e.attr("", "eventGatewayType"); strings.EqualFold(typ, "parallel") {
			p.at(e, "eventGatewayType=%q is not supported: the first event decides", typ)
		}
	default:
		p.activity(e, n)
	}
}

func (p *parser) required(e *element) bool {
	if e.id() == "" {
		p.at(e, "has no id")
	}
	return e.id() != ""
}

func (p *parser) unique(e *element) bool {
	id := e.id()
	if line, ok := p.ids[id]; ok && id != "" {
		p.at(e, "the id is used twice, first in line %d", line)
		return false
	}
	p.ids[id] = e.line
	return true
}

// expr parses an expression of e; nil when the text is empty or refused.
func (p *parser) expr(e *element, what, text string) *juel.Expr {
	if text == "" {
		return nil
	}
	x, err := juel.Parse(text)
	switch {
	case err != nil && strings.Contains(text, "currentUser"):
		p.at(e, "%s: %v; %s", what, err, nobody)
		return nil
	case err != nil:
		p.at(e, "%s: %v", what, err)
		return nil
	case slices.Contains(x.Variables(), "authenticatedUserId"):
		p.at(e, "%s: authenticatedUserId is not supported: %s", what, nobody)
		return nil
	}
	return x
}

// nobody is what to do about names for the current user: in other engines whoever completes a task also does what comes after it.
const nobody = `nobody is logged in when a process goes on; for who started it, set initiator="starter" on the start event and write ${starter}`

func (p *parser) notice(code string, e *element, format string, args ...any) {
	p.model.notices = append(p.model.notices, Warning{
		File: p.file, Line: e.line, Kind: e.name.Local, Element: e.id(), Code: code, Msg: fmt.Sprintf(format, args...),
	})
}

// reference is the id that a QName attribute refers to. Ids hold no colon, so a prefix is dropped.
func reference(e *element, attr string) string {
	value := e.attr("", attr)
	return value[strings.LastIndexByte(value, ':')+1:]
}

// boolean reads an xsd:boolean attribute.
func (p *parser) boolean(e *element, attr string, absent bool) bool {
	switch value := e.attr("", attr); value {
	case "":
		return absent
	case "true", "1":
		return true
	case "false", "0":
		return false
	default:
		p.at(e, "%s=%q: want true or false", attr, clip(value))
		return absent
	}
}
