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
	before string // the text before it
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
			n, p.before = text(t.body), t.body
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

// unquoted is an attribute whose value begins without a quote: escaping cannot keep a value inside it.
var unquoted = regexp.MustCompile(`<[^<>]*=\s*$`)

func (p *parser) interpolation(t token) (node, error) {
	v, escape, rest, err := parseOperand(t.body)
	switch {
	case err != nil:
		return nil, err
	case rest != "":
		return nil, fmt.Errorf(`%s in ${%s} is not in the subset; a value may have a default (!"...") and ?html`, quoteStart(rest), t.body)
	case p.format == HTML && unquoted.MatchString(p.before):
		return nil, fmt.Errorf(`put quotes around the attribute: ="${%s}"`, t.body)
	}
	p.before = ""
	return &interpolation{line: t.line, value: v, escape: escape}, nil
}

func (p *parser) conditional(t token, depth int) (node, error) {
	n := &conditional{}
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
		switch {
		case end.name == "/if":
			return n, nil
		case b.cond != nil && (end.name == "elseif" || end.name == "else"):
			t = end
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
	body, end, err := p.body(depth + 1)
	if err != nil {
		return nil, err
	}
	if end.name != "/list" {
		return nil, p.unexpected(end, "list", t.line)
	}
	return &loop{line: t.line, list: newValue(head[1]), as: head[2], body: body}, nil
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
