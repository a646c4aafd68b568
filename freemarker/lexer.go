package freemarker

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

type tokenKind int

const (
	textToken  tokenKind = iota
	valueToken           // ${body}
	tagToken             // <#name body> or </#name>, name with its slash
	commentToken
)

type token struct {
	kind tokenKind
	line int
	name string
	body string
}

// opening is where the language begins inside text. Macros, old interpolations and the square bracket syntax are found
// too, so that they are refused and not sent.
var opening = regexp.MustCompile(`\$\{|#\{|<#--|</?#|</?@|\[/?#[a-z]|\[#--`)

var tagName = regexp.MustCompile(`^[A-Za-z]+`)

// reference is how a text of Slack's names a person, <@U1>, or a channel, <#C1>. Tags begin with a small letter, and macros with such a
// name do not matter.
var reference = regexp.MustCompile(`^<(@[UW$]|#[CG$])`)

// lex cuts a template into tokens.
func lex(name, source string, format Format) ([]token, error) {
	var tokens []token
	line := 1
	for source != "" {
		at := opening.FindStringIndex(source)
		if at == nil {
			tokens = append(tokens, token{kind: textToken, line: line, body: source})
			break
		}
		if at[0] > 0 {
			tokens = append(tokens, token{kind: textToken, line: line, body: source[:at[0]]})
			line += strings.Count(source[:at[0]], "\n")
		}
		start, rest := source[at[0]:at[1]], source[at[1]:]
		t := token{line: line}
		var length int // of what is read from rest
		var err error
		switch {
		case format == Mrkdwn && reference.MatchString(source[at[0]:]):
			t.body = start // text
		case start == "${":
			t.kind = valueToken
			t.body, length, err = until(rest, '}')
		case start == "<#--":
			t.kind = commentToken
			if length = strings.Index(rest, "-->") + len("-->"); length < len("-->") {
				err = errors.New("the comment does not end; close it with -->")
			}
		case start == "<#" || start == "</#":
			t.kind = tagToken
			t.name = tagName.FindString(rest)
			t.body, length, err = until(rest[len(t.name):], '>')
			length += len(t.name)
			if t.name == "" {
				err = fmt.Errorf("%s is not a tag; write %s before a name", quoteStart(source), start)
			}
			if start == "</#" {
				t.name = "/" + t.name
			}
		default:
			err = fmt.Errorf("%s is not in the subset of FreeMarker", quoteStart(source[at[0]:]))
		}
		if t.kind != commentToken && len(t.body) > maxExpression {
			err = fmt.Errorf("the expression is longer than %d bytes", maxExpression)
		}
		if err != nil {
			return nil, &Error{Template: name, Line: line, Err: err}
		}
		line += strings.Count(rest[:length], "\n")
		tokens = append(tokens, t)
		source = rest[length:]
	}
	return tokens, nil
}

// until returns what stands before the end character, which does not count inside quotes or parentheses, and how many
// bytes it takes with that character.
func until(source string, end byte) (body string, length int, err error) {
	quote, depth := byte(0), 0
	for i := 0; i < len(source); i++ {
		c := source[i]
		switch {
		case quote != 0 && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == end && depth <= 0:
			return source[:i], i + 1, nil
		}
	}
	return "", 0, fmt.Errorf("%q is missing after %s", end, quoteStart(source))
}

// stripLines takes away lines that hold nothing but tags and blanks, as FreeMarker does.
func stripLines(tokens []token) {
	alone := make([]bool, len(tokens))
	for i := range tokens {
		alone[i] = isTag(tokens[i]) && blankTo(tokens, i, -1) && blankTo(tokens, i, +1)
	}
	for i := range tokens {
		if tokens[i].kind != textToken {
			continue
		}
		body := tokens[i].body
		last := strings.LastIndexByte(body, '\n')
		if i+1 < len(tokens) && alone[i+1] {
			body = body[:last+1] // what follows is blank
		}
		if i > 0 && alone[i-1] {
			_, body, _ = strings.Cut(body, "\n") // what stands before is blank
		}
		tokens[i].body = body
	}
}

func isTag(t token) bool { return t.kind == tagToken || t.kind == commentToken }

// blankTo reports whether nothing but tags and blanks stands between a tag and the end of its line in a direction.
func blankTo(tokens []token, i, step int) bool {
	for i += step; i >= 0 && i < len(tokens); i += step {
		if isTag(tokens[i]) {
			continue
		}
		if tokens[i].kind == valueToken {
			return false
		}
		body, ends := tokens[i].body, strings.Contains(tokens[i].body, "\n")
		if step > 0 {
			body, _, _ = strings.Cut(body, "\n")
		} else {
			body = body[strings.LastIndexByte(body, '\n')+1:]
		}
		if strings.Trim(body, blanks) != "" {
			return false
		}
		if ends {
			return true
		}
	}
	return true
}
