package scenario

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/waybill-io/waybill/bpmn"
)

// defaultClock is where the clock of a file starts that names none.
var defaultClock = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// File is a scenario file, read and checked. It may be run any number of times.
type File struct {
	Name  string // as it was given to Parse
	Cases []Case

	clock  time.Time
	deploy *deployment
	stubs  map[string][]answer // by IMPLEMENTATION or IMPLEMENTATION@ELEMENT
}

// Case is one test of a file.
type Case struct {
	Name string
	Line int

	steps []step
}

// step is one entry of a case's list.
type step struct {
	line    int
	action  action
	refused *string // text of the error that is expected; nil: none is
}

// answer is what a connector stub answers to a call.
type answer struct {
	outputs map[string]any
	failed  bool
	code    string // of a BPMN error
	message string
}

// Parse reads a scenario file; name is the file's, for messages. The error joins a *MalformedError for everything that is
// wrong with it.
func Parse(name string, data []byte) (*File, error) {
	r := &reader{file: name}
	file := &File{Name: name, clock: defaultClock}
	if root := r.parse(data); root != nil {
		r.read(file, root)
	}
	if len(r.errs) > 0 {
		return nil, errors.Join(r.errs...)
	}
	return file, nil
}

func (r *reader) read(file *File, root ast.Node) {
	f := r.fields(root, "deploy, cases, clock and connectors")
	if f == nil {
		return
	}
	if n := f.get("clock"); n != nil {
		text := f.text(n, "a date and time such as 2026-03-02T09:00:00Z")
		at, err := bpmn.ParseDate(text)
		if err != nil {
			f.fail(n, "expected a date and time such as 2026-03-02T09:00:00Z, got %q", text)
		}
		file.clock = at.UTC()
	}
	file.deploy = &deployment{}
	if n := f.get("deploy"); n != nil {
		file.deploy = r.deployment(n)
	}
	file.stubs = r.stubs(f.get("connectors"))
	if n := f.get("cases"); n == nil {
		f.fail(f.at, "expected the field cases: a list of cases, each with name and steps")
	} else {
		for _, element := range r.list(n, "a list of cases") {
			file.Cases = append(file.Cases, r.testCase(element))
		}
		if list, ok := r.resolve(n).(*ast.SequenceNode); ok && len(list.Values) == 0 {
			f.fail(n, "expected at least one case")
		}
	}
	f.done()
}

func (r *reader) testCase(n ast.Node) Case {
	f := r.fields(n, "a case with name and steps")
	if f == nil {
		return Case{}
	}
	c := Case{Name: f.required("name", "the name of the case")}
	if strings.ContainsAny(c.Name, "\r\n") {
		f.fail(f.get("name"), "expected a name of one line")
	}
	c.Line, _ = position(f.at)
	steps := f.get("steps")
	if steps == nil {
		f.fail(f.at, "expected the field steps: a list of steps")
	} else {
		for _, element := range r.list(steps, "a list of steps") {
			c.steps = append(c.steps, r.step(element))
			r.names(c.steps, element)
		}
	}
	f.done()
	return c
}

// names refuses a start, the last of some steps, that gives its instance the name of another one.
func (r *reader) names(steps []step, at ast.Node) {
	last := steps[len(steps)-1]
	start, ok := last.action.(*startStep)
	if !ok || last.refused != nil {
		return
	}
	for _, s := range steps[:len(steps)-1] {
		if other, ok := s.action.(*startStep); ok && s.refused == nil && other.as == start.as {
			r.add(last.line, column(at), fmt.Sprintf("expected another name than %q (as), which the start in line %d has", start.as, s.line))
			return
		}
	}
}

func column(n ast.Node) int {
	_, column := position(n)
	return column
}

// stubs reads the answers of connectors.
func (r *reader) stubs(n ast.Node) map[string][]answer {
	if n == nil {
		return nil
	}
	f := r.fields(n, "stubs by implementation, such as crm.LOOKUP or crm.LOOKUP@Element")
	if f == nil {
		return nil
	}
	stubs := map[string][]answer{}
	for _, p := range f.list {
		implementation, element, at := strings.Cut(p.name, "@")
		if implementation == "" || at && element == "" {
			f.fail(p.key, "expected IMPLEMENTATION or IMPLEMENTATION@ELEMENT, got %q", p.name)
		}
		list, several := r.resolve(p.value).(*ast.SequenceNode)
		if !several {
			stubs[p.name] = []answer{r.answer(p.value)}
			continue
		}
		if len(list.Values) == 0 {
			f.fail(p.value, "expected at least one answer")
		}
		for _, element := range list.Values {
			stubs[p.name] = append(stubs[p.name], r.answer(element))
		}
	}
	return stubs
}

func (r *reader) answer(n ast.Node) (a answer) {
	f := r.fields(n, "an answer: outputs, error or failure")
	if f == nil {
		return a
	}
	a.outputs = f.variables("outputs")
	for _, name := range []string{"error", "failure"} {
		field := f.get(name)
		if field == nil {
			continue
		}
		if a.failed || a.outputs != nil {
			f.fail(field, "expected one of outputs, error and failure")
		}
		a.failed = true
		what := r.fields(field, name)
		if what == nil {
			continue
		}
		if name == "error" {
			a.code = what.required("code", "the code of the BPMN error")
		}
		a.message = what.optional("message", "a message")
		what.done()
	}
	f.done()
	return a
}
