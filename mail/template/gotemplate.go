package template

import (
	"errors"
	"fmt"
	"html/template"
	"io"
	"regexp"
	"slices"
	"strings"
	text "text/template"
	"text/template/parse"
	"time"
)

// textPart and htmlPart are parts in the language of Go. Each rendering works on a copy, whose functions have its clock.
type (
	textPart struct{ *text.Template }
	htmlPart struct{ *template.Template }
)

// clock bounds one rendering.
type clock struct {
	turns int
	end   time.Time
}

var errTooBusy = fmt.Errorf("takes more than %d turns or %v", maxTurns, maxTime)

// tick is called in each turn of a loop and at the beginning of each named template.
func (c *clock) tick() (bool, error) {
	if c.turns++; c.turns > maxTurns || time.Now().After(c.end) {
		return false, errTooBusy
	}
	return false, nil
}

const tick = "waybill_tick"

// refusedFunctions are those of Go that a template of a mail cannot have.
var refusedFunctions = map[string]string{
	"html":     "every value in HTML is escaped already",
	"js":       "mails hold no scripts",
	"urlquery": "every value in a link is escaped already",
	"printf":   "write the text around {{.value}}, or {{number 2 .value}}",
	"println":  "write the text around {{.value}}",
	"call":     "the data holds no functions",
	tick:       "it is not known",
}

func parseGo(name, source string, isHTML bool) (part, error) {
	functions := funcs(&clock{end: time.Now().Add(maxTime)})
	if !isHTML {
		t, err := text.New(name).Option("missingkey=error").Funcs(functions).Parse(source)
		if err != nil {
			return nil, where(name, err)
		}
		for _, each := range t.Templates() {
			if err := guard(each.Tree); err != nil {
				return nil, err
			}
		}
		return textPart{t}, nil
	}
	t, err := template.New(name).Option("missingkey=error").Funcs(functions).Parse(source)
	if err != nil {
		return nil, where(name, err)
	}
	for _, each := range t.Templates() {
		if err := guard(each.Tree); err != nil {
			return nil, err
		}
	}
	// What html/template cannot escape it tells when it runs; that the data is missing does not matter here.
	trial, err := t.Clone()
	if err == nil {
		err = trial.Execute(io.Discard, map[string]any{})
	}
	if _, unsafe := errors.AsType[*template.Error](err); unsafe {
		return nil, where(name, err)
	}
	return htmlPart{t}, nil
}

func (p textPart) render(w *output, data map[string]any, c *clock) error {
	t, err := p.Clone()
	if err != nil {
		return err
	}
	return cause(t.Funcs(funcs(c)).Execute(w, data))
}

func (p htmlPart) render(w *output, data map[string]any, c *clock) error {
	t, err := p.Clone()
	if err != nil {
		return err
	}
	return cause(t.Funcs(funcs(c)).Execute(w, data))
}

var position = regexp.MustCompile(`^(?:html/)?template: ?(?:.*?):(\d+)(?::\d+)?: ((?s).*)$`)

// where says the line as errors of the house do.
func where(name string, err error) error {
	if m := position.FindStringSubmatch(err.Error()); m != nil {
		return fmt.Errorf("%s: line %s: %s", name, m[1], m[2])
	}
	return fmt.Errorf("%s: %w", name, err)
}

var executing = regexp.MustCompile(`^executing "[^"]*" at (<.*?>): ((?s).*)$`)

// cause says what went wrong in a line of a template.
func cause(err error) error {
	if err == nil {
		return nil
	}
	for _, bound := range []error{errTooLong, errTooBusy} {
		if errors.Is(err, bound) {
			return bound
		}
	}
	m := position.FindStringSubmatch(err.Error())
	if m == nil {
		return err
	}
	text := m[2]
	if at := executing.FindStringSubmatch(text); at != nil {
		text = at[1] + ": " + at[2]
		if strings.HasPrefix(at[2], "map has no entry for key") {
			text += `; write {{get . "NAME"}} where it may be missing`
		}
	}
	return fmt.Errorf("line %s: %s", m[1], text)
}

// guard puts a tick into the root and the loops of a tree and refuses functions.
func guard(tree *parse.Tree) error {
	if tree == nil || tree.Root == nil { // a name without a template
		return nil
	}
	g := &guardian{tree: tree}
	g.list(tree.Root)
	g.count(tree.Root)
	return errors.Join(g.errs...)
}

// counted is what guard puts in: a condition, since a tick must write nothing.
var counted = text.Must(text.New("").Funcs(text.FuncMap{tick: func() bool { return false }}).Parse("{{if " + tick + "}}{{end}}")).Root.Nodes[0]

type guardian struct {
	tree *parse.Tree
	errs []error
}

func (g *guardian) count(l *parse.ListNode) { l.Nodes = slices.Insert(l.Nodes, 0, counted.Copy()) }

func (g *guardian) list(l *parse.ListNode) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.ActionNode:
			g.pipe(n.Pipe)
		case *parse.TemplateNode:
			g.pipe(n.Pipe)
		case *parse.IfNode:
			g.branch(&n.BranchNode)
		case *parse.WithNode:
			g.branch(&n.BranchNode)
		case *parse.RangeNode:
			g.branch(&n.BranchNode)
			g.count(n.List)
		}
	}
}

func (g *guardian) branch(b *parse.BranchNode) {
	g.pipe(b.Pipe)
	g.list(b.List)
	g.list(b.ElseList)
}

func (g *guardian) pipe(p *parse.PipeNode) {
	if p == nil {
		return
	}
	for _, c := range p.Cmds {
		for _, a := range c.Args {
			g.argument(a)
		}
	}
}

func (g *guardian) argument(n parse.Node) {
	switch n := n.(type) {
	case *parse.PipeNode:
		g.pipe(n)
	case *parse.ChainNode:
		g.argument(n.Node)
	case *parse.IdentifierNode:
		if why, refused := refusedFunctions[n.Ident]; refused {
			location, _ := g.tree.ErrorContext(n)
			g.errs = append(g.errs, where(g.tree.ParseName, fmt.Errorf("template: %s: the function %s cannot be used: %s", location, n.Ident, why)))
		}
	}
}
