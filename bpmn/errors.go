package bpmn

import (
	"errors"
	"fmt"
	"strings"
)

// Error is one reason why a model is refused. Parse joins all of them with errors.Join.
type Error struct {
	File    string
	Line    int    // 0: not known
	Column  int    // in bytes, from 1; 0: not known
	Kind    string // the element's name in BPMN, such as serviceTask
	Element string // the element's id
	Path    string // in an extensions file: the JSON path, such as $.mappings.notify.inputs.to
	Msg     string
}

// Error reads like `order.bpmn: line 41: serviceTask "notify": ...`.
func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File + ": ")
	}
	if e.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", e.Line)
	}
	b.WriteString(subject(e.Kind, e.Element))
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Msg)
	return b.String()
}

func subject(kind, id string) string {
	switch {
	case kind == "" && id == "":
		return ""
	case id == "":
		return kind + ": "
	case kind == "":
		return fmt.Sprintf("%q: ", id)
	}
	return fmt.Sprintf("%s %q: ", kind, id)
}

// maxErrors bounds what a hostile or hopeless model makes us say.
const maxErrors = 100

// problems collects the findings about one file.
type problems struct {
	file  string
	errs  []error
	extra int
}

func (p *problems) add(e *Error) {
	if len(p.errs) == maxErrors {
		p.extra++
		return
	}
	e.File = p.file
	p.errs = append(p.errs, e)
}

// at adds a finding about an element.
func (p *problems) at(e *element, format string, args ...any) {
	p.add(&Error{Line: e.line, Column: e.column, Kind: e.name.Local, Element: e.id(), Msg: fmt.Sprintf(format, args...)})
}

// path adds a finding about a place in a JSON file.
func (p *problems) path(path, format string, args ...any) {
	p.add(&Error{Path: path, Msg: fmt.Sprintf(format, args...)})
}

func (p *problems) all() []error {
	if p.extra == 0 {
		return p.errs
	}
	return append(p.errs, &Error{File: p.file, Msg: fmt.Sprintf("and %d more problems", p.extra)})
}

// asError gives an error of the scanner the file's name.
func asError(file string, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		e.File = file
		return e
	}
	return &Error{File: file, Msg: err.Error()}
}

var _ error = (*Error)(nil)
