package freemarker

import (
	"errors"
	"fmt"
	"html"
	"io"
	"strconv"
	"strings"
)

// Limits of a template. Output is bounded since nested lists multiply.
const (
	MaxSource     = 1 << 20
	MaxOutput     = 8 << 20
	maxDepth      = 32
	maxTurns      = 1 << 20 // of all lists together: nested ones multiply, also where they write nothing
	maxExpression = 4 << 10
)

// Format is what a template makes.
type Format int

const (
	HTML Format = iota // every value is escaped
	Text
	Mrkdwn // Slack's: every value is escaped, so that none mentions a channel or makes a link
)

// Template is a parsed template, safe for concurrent use.
type Template struct {
	name   string
	format Format
	nodes  []node
}

// Error is a template that was refused (Line of the source) or could not be rendered.
type Error struct {
	Template string
	Line     int
	Err      error
}

func (e *Error) Error() string { return fmt.Sprintf("%s: line %d: %v", e.Template, e.Line, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// MissingError is a value that the template needs and the data lacks.
type MissingError struct{ Name string }

func (e *MissingError) Error() string {
	return fmt.Sprintf(`%s is missing; write ${%s!"default"} or ask with <#if %s??> where it may be`, e.Name, e.Name, e.Name)
}

// Render writes the template with data to w. Values are those of JSON.
func (t *Template) Render(w io.Writer, data map[string]any) error {
	r := &renderer{w: w, format: t.format, name: t.name}
	return r.all(t.nodes, &scope{vars: data})
}

// HTML reports whether the template makes HTML, not plain text.
func (t *Template) HTML() bool { return t.format == HTML }

// renderer is one run of a template.
type renderer struct {
	w       io.Writer
	format  Format
	name    string
	written int
	turns   int
	attr    string // the beginning of the link that is being written
}

func (r *renderer) all(nodes []node, s *scope) error {
	for _, n := range nodes {
		if err := n.render(r, s); err != nil {
			return err
		}
	}
	return nil
}

func (r *renderer) write(text string) error {
	if r.written += len(text); r.written > MaxOutput {
		return fmt.Errorf("%s: makes more than %d bytes", r.name, MaxOutput)
	}
	_, err := io.WriteString(r.w, text)
	return err
}

func (r *renderer) fail(line int, err error) error {
	return &Error{Template: r.name, Line: line, Err: err}
}

// node is a piece of a template.
type node interface {
	render(*renderer, *scope) error
}

type text string

func (n text) render(r *renderer, _ *scope) error { return r.write(string(n)) }

type interpolation struct {
	line   int
	value  value
	escape bool // ?html

	link           bool // it may be the beginning of a link
	begins         bool // no other value is in the link before it
	prefix, suffix string
}

func (n *interpolation) render(r *renderer, s *scope) error {
	v, err := n.value.get(s)
	if err != nil {
		return r.fail(n.line, err)
	}
	out, err := format(v)
	if err != nil {
		return r.fail(n.line, fmt.Errorf("%s %w", n.value.path, err))
	}
	if n.link {
		out = r.linked(n, out)
	}
	switch {
	case r.format == HTML || n.escape:
		out = html.EscapeString(out)
	case r.format == Mrkdwn:
		out = mrkdwn.Replace(out)
	}
	return r.write(out)
}

// linked is a value of a link, or # where it would lead to what mails do not lead to.
func (r *renderer) linked(n *interpolation, out string) string {
	if n.begins {
		r.attr = ""
	}
	r.attr += n.prefix
	if !schemeEnds(r.attr) && leadsAstray(r.attr+out+n.suffix) {
		out = "#"
	}
	r.attr += out
	return out
}

// mrkdwn escapes the three characters that have a meaning in every text of Slack's, and no other.
var mrkdwn = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// conditional is <#if>: the first branch whose condition holds is rendered; nil is <#else>.
type conditional struct {
	branches []branch
}

type branch struct {
	line int
	cond *condition
	body []node
}

func (n *conditional) render(r *renderer, s *scope) error {
	for _, b := range n.branches {
		holds := b.cond == nil
		if !holds {
			var err error
			if holds, err = b.cond.holds(s); err != nil {
				return r.fail(b.line, err)
			}
		}
		if holds {
			return r.all(b.body, s)
		}
	}
	return nil
}

type loop struct {
	line int
	list value
	as   string
	body []node
}

func (n *loop) render(r *renderer, s *scope) error {
	v, err := n.list.get(s)
	if err != nil {
		return r.fail(n.line, err)
	}
	items, ok := v.([]any)
	if !ok {
		return r.fail(n.line, fmt.Errorf("%s is not a list", n.list.path))
	}
	for i, item := range items {
		if r.turns++; r.turns > maxTurns {
			return r.fail(n.line, fmt.Errorf("the lists have more than %d turns together", maxTurns))
		}
		inner := &scope{outer: s, vars: map[string]any{
			n.as: item, n.as + "_index": int64(i), n.as + "_has_next": i < len(items)-1,
		}}
		if err := r.all(n.body, inner); err != nil {
			return err
		}
	}
	return nil
}

var errNotText = errors.New("is a list or an object; name one of its values, or walk it with <#list>")

func format(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case []any, map[string]any:
		return "", errNotText
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	}
	return fmt.Sprint(v), nil
}
