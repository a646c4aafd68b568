package juel

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind is an operator or keyword in its symbol form ("eq" scans as "=="), or one of the classes below.
type kind string

const (
	kindEOF    kind = "end of text"
	kindIdent  kind = "name"
	kindString kind = "text"
	kindInt    kind = "integer"
	kindFloat  kind = "float"
)

// keywords are reserved, also after a dot: x.empty does not parse in Java either.
var keywords = map[string]kind{
	"true": "true", "false": "false", "null": "null", "empty": "empty", "instanceof": "instanceof",
	"and": "&&", "or": "||", "not": "!", "div": "/", "mod": "%",
	"eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">=",
}

// token is one lexical unit; text is the name, the digits, or the content of a string literal without its escapes.
type token struct {
	kind       kind
	text       string
	start, end int
}

// isReserved reports whether t is a keyword, written as a word.
func isReserved(t token) bool {
	k, ok := keywords[t.text]
	return ok && t.kind == k
}

// lexer scans what is inside of ${ and }. It is a value, so that a copy of it looks ahead.
type lexer struct {
	src string
	pos int
}

func (l *lexer) next() (token, error) {
	for {
		r, size := utf8.DecodeRuneInString(l.src[l.pos:])
		if size == 0 {
			return token{kind: kindEOF, start: l.pos, end: l.pos}, nil
		}
		if !unicode.IsSpace(r) {
			break
		}
		l.pos += size
	}
	start := l.pos
	c := l.src[start]
	switch {
	case c == '\'' || c == '"':
		return l.quoted(c)
	case isDigit(c) || c == '.' && start+1 < len(l.src) && isDigit(l.src[start+1]):
		return l.number(), nil
	}
	if r, _ := utf8.DecodeRuneInString(l.src[start:]); isNameRune(r) {
		l.pos += len(l.src[start:]) - len(strings.TrimLeftFunc(l.src[start:], func(r rune) bool {
			return isNameRune(r) || unicode.IsDigit(r)
		}))
		name := l.src[start:l.pos]
		if k, ok := keywords[name]; ok {
			return l.token(k, name, start), nil
		}
		return l.token(kindIdent, name, start), nil
	}
	return l.operator()
}

func (l *lexer) operator() (token, error) {
	start := l.pos
	rest := l.src[start:]
	if len(rest) > 1 {
		switch rest[:2] {
		case "==", "!=", "<=", ">=", "&&", "||":
			l.pos += 2
			return l.token(kind(rest[:2]), rest[:2], start), nil
		}
	}
	switch rest[0] {
	case '+', '-', '*', '/', '%', '<', '>', '!', '?', ':', '.', ',', '(', ')', '[', ']', '}':
		l.pos++
		return l.token(kind(rest[:1]), rest[:1], start), nil
	case '=':
		return token{}, &SyntaxError{start, "= is not an operator; compare with == or eq"}
	case '&':
		return token{}, &SyntaxError{start, "& is not an operator; write && or and"}
	case '|':
		return token{}, &SyntaxError{start, "| is not an operator; write || or or"}
	case '{':
		return token{}, &SyntaxError{start, "{ starts nothing here; lists and maps cannot be written in an expression"}
	}
	r, _ := utf8.DecodeRuneInString(rest)
	if strings.ContainsRune("‘’‚“”„`´", r) {
		return token{}, &SyntaxError{start, fmt.Sprintf("%c is not a quote; write ' or \"", r)}
	}
	return token{}, &SyntaxError{start, fmt.Sprintf("unexpected character %q", r)}
}

// quoted scans a string literal. Only the quotes and the backslash can be escaped (EL 1.3).
func (l *lexer) quoted(quote byte) (token, error) {
	start := l.pos
	var text strings.Builder
	for i := start + 1; i < len(l.src); i++ {
		switch c := l.src[i]; {
		case c == quote:
			l.pos = i + 1
			return l.token(kindString, text.String(), start), nil
		case c == '\\' && i+1 < len(l.src):
			i++
			if c = l.src[i]; c != '\\' && c != '\'' && c != '"' {
				return token{}, &SyntaxError{i - 1, `a backslash escapes only ', " and \; write \\ for a backslash`}
			}
			text.WriteByte(c)
		default:
			text.WriteByte(c)
		}
	}
	return token{}, &SyntaxError{start, fmt.Sprintf("the text that starts here has no closing %c", quote)}
}

func (l *lexer) number() token {
	start, k := l.pos, kindInt
	l.digits()
	if l.pos < len(l.src) && l.src[l.pos] == '.' {
		k = kindFloat
		l.pos++
		l.digits()
	}
	if l.pos < len(l.src) && (l.src[l.pos] == 'e' || l.src[l.pos] == 'E') {
		mark := l.pos
		l.pos++
		if l.pos < len(l.src) && (l.src[l.pos] == '+' || l.src[l.pos] == '-') {
			l.pos++
		}
		if l.pos < len(l.src) && isDigit(l.src[l.pos]) {
			k = kindFloat
			l.digits()
		} else {
			l.pos = mark // the e begins a name
		}
	}
	return l.token(k, l.src[start:l.pos], start)
}

func (l *lexer) digits() {
	for l.pos < len(l.src) && isDigit(l.src[l.pos]) {
		l.pos++
	}
}

func (l *lexer) token(k kind, text string, start int) token {
	return token{kind: k, text: text, start: start, end: l.pos}
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isNameRune reports whether a Java identifier may start with r.
func isNameRune(r rune) bool {
	return r == '_' || r == '$' || unicode.IsLetter(r)
}
