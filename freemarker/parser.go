package freemarker

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/connectors/suggest"
)

// Parse reads a template. Name is for errors, which are *Error.
func Parse(name, source string, format Format) (*Template, error) {
	if len(source) > MaxSource {
		return nil, &Error{Template: name, Line: 1, Err: fmt.Errorf("%d bytes, at most %d are allowed", len(source), MaxSource)}
	}
	tokens, err := lex(name, strings.ReplaceAll(source, "\r\n", "\n"), format)
	if err != nil {
		return nil, err
	}
	stripLines(tokens)
	p := &parser{tokens: tokens, format: format}
	nodes, end, err := p.body(0)
	if err == nil && end.name != "" {
		err = p.unexpected(end, "", 0)
	}
	if err != nil {
		return nil, &Error{Template: name, Line: p.line, Err: err}
	}
	return &Template{name: name, format: p.format, nodes: nodes}, nil
}

type parser struct {
	tokens []token
	format Format
	next   int
	line   int    // of the token that is being read
	html   markup // where it stands
}

// body reads nodes up to a tag that it does not know, which it returns, or to the end of the template.
func (p *parser) body(depth int) (nodes []node, end token, err error) {
	if depth > maxDepth {
		return nil, end, fmt.Errorf("tags are nested deeper than %d", maxDepth)
	}
	for p.next < len(p.tokens) {
		t := p.tokens[p.next]
		p.next++
		p.line = t.line
		var n node
		switch {
		case t.kind == textToken:
			n = text(t.body)
			p.html.read(t.body)
		case t.kind == valueToken:
			n, err = p.interpolation(t)
		case t.kind == commentToken:
			continue
		case t.name == "if":
			n, err = p.conditional(t, depth)
		case t.name == "list":
			n, err = p.loop(t, depth)
		default:
			return nodes, t, nil
		}
		if err != nil {
			return nil, end, err
		}
		nodes = append(nodes, n)
	}
	return nodes, token{}, nil
}

func (p *parser) interpolation(t token) (node, error) {
	v, escape, rest, err := parseOperand(t.body)
	switch {
	case err != nil:
		return nil, err
	case rest != "":
		return nil, fmt.Errorf(`%s in ${%s} is not in the subset; a value may have a default (!"...") and ?html`, quoteStart(rest), t.body)
	}
	n := &interpolation{line: t.line, value: v, escape: escape}
	if p.format == HTML {
		err = p.html.value(n)
	}
	return n, err
}

func (p *parser) conditional(t token, depth int) (node, error) {
	n := &conditional{}
	begin := p.html
	var ends []markup
	for {
		b := branch{line: t.line}
		var err error
		if t.name == "else" {
			if strings.Trim(t.body, blanks) != "" {
				return nil, errors.New("<#else> takes no condition; write <#elseif ...>")
			}
		} else if b.cond, err = parseCondition(t.body); err != nil {
			return nil, err
		}
		var end token
		if b.body, end, err = p.body(depth + 1); err != nil {
			return nil, err
		}
		n.branches = append(n.branches, b)
		ends = append(ends, p.html)
		switch {
		case end.name == "/if":
			if b.cond != nil {
				ends = append(ends, begin) // none of them holds
			}
			return n, p.join(ends...)
		case b.cond != nil && (end.name == "elseif" || end.name == "else"):
			t, p.html = end, begin
		default:
			return nil, p.unexpected(end, "if", n.branches[0].line)
		}
	}
}

var listHead = regexp.MustCompile(`^\s+(` + pathPattern + `)\s+as\s+([A-Za-z_]\w*)\s*$`)

func (p *parser) loop(t token, depth int) (node, error) {
	head := listHead.FindStringSubmatch(t.body)
	if head == nil {
		return nil, fmt.Errorf("<#list%s> is not in the subset; write <#list items as item>", t.body)
	}
	begin := p.html
	body, end, err := p.body(depth + 1)
	if err != nil {
		return nil, err
	}
	if end.name != "/list" {
		return nil, p.unexpected(end, "list", t.line)
	}
	return &loop{line: t.line, list: newValue(head[1]), as: head[2], body: body}, p.join(p.html, begin)
}

// join goes on behind branches.
func (p *parser) join(ends ...markup) (err error) {
	if p.format != HTML {
		return nil
	}
	p.html = ends[0]
	for _, other := range ends[1:] {
		err = errors.Join(err, p.html.join(other))
	}
	return err
}

var tags = []string{"if", "elseif", "else", "/if", "list", "/list"}

// unexpected says why the body of an open tag, or of the template, cannot end with this tag.
func (p *parser) unexpected(end token, open string, line int) error {
	switch {
	case end.name == "":
		p.line = line
		return fmt.Errorf("<#%s> is never closed; write </#%s>", open, open)
	case !slices.Contains(tags, end.name):
		return fmt.Errorf("<%s> is not in the subset of FreeMarker%s", tagOf(end), suggest.Hint(end.name, tags))
	case open == "":
		return fmt.Errorf("<%s> has no beginning", tagOf(end))
	}
	return fmt.Errorf("<%s> does not belong to the <#%s> of line %d", tagOf(end), open, line)
}

func tagOf(t token) string {
	if name, closing := strings.CutPrefix(t.name, "/"); closing {
		return "/#" + name
	}
	return "#" + t.name
}
