package juel

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const (
	maxSource  = 16 << 10 // bytes
	maxNesting = 200      // parentheses, unary operators, conditionals
)

// precedence of the binary operators; 0 is no binary operator.
var precedence = map[kind]int{
	"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, ">": 4, "<=": 4, ">=": 4, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6,
}

// Parse reads a composite expression. \${ and \#{ are literal text. The error is a *SyntaxError.
func Parse(src string) (*Expr, error) {
	if len(src) > maxSource {
		return nil, &SyntaxError{maxSource, fmt.Sprintf("an expression has at most %d bytes", maxSource)}
	}
	p := &parser{lexer: lexer{src: src}}
	e := &Expr{source: src}
	for p.lexer.pos < len(src) {
		text, found := p.literalText()
		if text != "" {
			e.parts = append(e.parts, part{text: text})
		}
		if !found {
			break
		}
		n, err := p.eval()
		if err != nil {
			return nil, err
		}
		e.parts = append(e.parts, part{node: n})
	}
	slices.Sort(p.variables)
	e.variables = slices.Compact(p.variables)
	e.effects, e.changes = p.effects, p.changes
	return e, nil
}

// ParseCall reads a text that is one call of a method of a Java bean, ${bean.method(a, b)}: a method that values here do not have, of
// a plain name. Each argument can be evaluated alone. ok is false for everything else.
func ParseCall(src string) (bean, method string, args []*Expr, ok bool) {
	src = strings.TrimSpace(src)
	if len(src) > maxSource || !strings.HasPrefix(src, "${") && !strings.HasPrefix(src, "#{") {
		return "", "", nil, false
	}
	p := &parser{lexer: lexer{src: src, pos: len("${")}}
	var parts [4]token
	for i := range parts {
		if p.advance() != nil {
			return "", "", nil, false
		}
		parts[i] = p.tok
	}
	bean, method = parts[0].text, parts[2].text
	_, known := methodOf(method)
	if parts[0].kind != kindIdent || parts[1].kind != "." || parts[2].kind != kindIdent || parts[3].kind != "(" || isScope(bean) || known {
		return "", "", nil, false
	}
	nodes, err := p.args()
	if err != nil || p.tok.kind != "}" || p.tok.end != len(src) {
		return "", "", nil, false
	}
	for _, n := range nodes {
		e, err := Parse("${" + n.String() + "}")
		if err != nil {
			return "", "", nil, false
		}
		args = append(args, e)
	}
	return bean, method, args, true
}

// parser holds one token of lookahead. Outside of ${...} only lexer.pos counts.
type parser struct {
	lexer     lexer
	tok       token
	last      int // where the token before tok ended
	depth     int
	variables []string
	effects   bool
	changes   bool
}

// literalText scans up to the next ${ or #{ and reports whether there is one.
func (p *parser) literalText() (string, bool) {
	var text strings.Builder
	src := p.lexer.src
	for i := p.lexer.pos; i < len(src); i++ {
		if (src[i] == '$' || src[i] == '#') && strings.HasPrefix(src[i+1:], "{") {
			p.lexer.pos = i
			return text.String(), true
		}
		if src[i] == '\\' && (strings.HasPrefix(src[i+1:], "${") || strings.HasPrefix(src[i+1:], "#{")) {
			i++
		}
		text.WriteByte(src[i])
	}
	p.lexer.pos = len(src)
	return text.String(), false
}

// eval parses one ${...}; the lexer stands at its $.
func (p *parser) eval() (node, error) {
	open := p.lexer.pos
	p.lexer.pos += len("${")
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.tok.kind == "}" {
		return nil, &SyntaxError{open, "the expression is empty"}
	}
	n, err := p.expr()
	if err != nil {
		return nil, err
	}
	if p.tok.kind == kindEOF {
		return nil, p.errorf("the %s of offset %d has no closing }", p.lexer.src[open:open+2], open)
	}
	switch p.tok.kind {
	case "}":
	case ":":
		return nil, p.errorf("unexpected :, there is no ? before it, and functions have no prefix but var, vars and variables")
	default:
		return nil, p.unexpected("an operator or }")
	}
	p.lexer.pos = p.tok.end
	return n, nil
}

// expr := binary [ "?" expr ":" expr ]
func (p *parser) expr() (node, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	start := p.tok.start
	cond, err := p.binary(1)
	if err != nil || p.tok.kind != "?" {
		return cond, err
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	yes, err := p.expr()
	if err != nil {
		return nil, err
	}
	if err := p.expect(":"); err != nil {
		return nil, err
	}
	no, err := p.expr()
	if err != nil {
		return nil, err
	}
	return &choice{span: p.since(start), cond: cond, yes: yes, no: no}, nil
}

// binary parses operators that bind at least as tight as least.
func (p *parser) binary(least int) (node, error) {
	start := p.tok.start
	left, err := p.unary()
	if err != nil {
		return nil, err
	}
	for {
		op := p.tok.kind
		level := precedence[op]
		if level < least {
			return left, nil
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
		right, err := p.binary(level + 1)
		if err != nil {
			return nil, err
		}
		switch src := p.since(start); op {
		case "&&", "||":
			left = &logical{span: src, or: op == "||", left: left, right: right}
		case "+", "-", "*", "/", "%":
			left = &arithmetic{span: src, op: op[0], left: left, right: right}
		default:
			left = &comparison{span: src, equality: level == precedence["=="], accept: comparisons[op], left: left, right: right}
		}
	}
}

// unary := ( "!" | "-" | "empty" ) unary | value
func (p *parser) unary() (node, error) {
	start, op := p.tok.start, p.tok.kind
	if op != "!" && op != "-" && op != "empty" {
		return p.value()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	if err := p.advance(); err != nil {
		return nil, err
	}
	of, err := p.unary()
	if err != nil {
		return nil, err
	}
	return &unary{span: p.since(start), op: op, of: of}, nil
}

// primary := literal | name | function call | "(" expr ")"
func (p *parser) primary() (node, error) {
	t := p.tok
	var value any
	var err error
	switch t.kind {
	case kindIdent:
		return p.name()
	case "(":
		if err := p.advance(); err != nil {
			return nil, err
		}
		n, err := p.expr()
		if err != nil {
			return nil, err
		}
		return n, p.expect(")")
	case kindString:
		value = t.text
	case kindInt:
		if value, err = strconv.ParseInt(t.text, 10, 64); err != nil {
			return nil, &SyntaxError{t.start, "the integer does not fit into 64 bits"}
		}
	case kindFloat:
		if value, err = strconv.ParseFloat(t.text, 64); err != nil {
			return nil, &SyntaxError{t.start, "the number is too large"}
		}
	case "true", "false":
		value = t.kind == "true"
	case "null":
	default:
		return nil, p.unexpected("a value")
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	return &literal{span: p.since(t.start), value: value}, nil
}

func (p *parser) advance() error {
	p.last = p.tok.end
	var err error
	p.tok, err = p.lexer.next()
	return err
}

func (p *parser) expect(k kind) error {
	if p.tok.kind != k {
		return p.unexpected(string(k))
	}
	return p.advance()
}

func (p *parser) enter() error {
	if p.depth++; p.depth > maxNesting {
		return p.errorf("the expression nests deeper than %d", maxNesting)
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

// since is the source from start to the end of the last token that was consumed.
func (p *parser) since(start int) span {
	return span(p.lexer.src[start:p.last])
}

func (p *parser) errorf(format string, args ...any) error {
	return &SyntaxError{p.tok.start, fmt.Sprintf(format, args...)}
}

func (p *parser) unexpected(want string) error {
	if p.tok.kind == kindEOF {
		return p.errorf("the expression ends where %s is expected", want)
	}
	return p.errorf("unexpected %s, expected %s", clip(p.lexer.src[p.tok.start:p.tok.end]), want)
}
