package sql

import (
	"errors"
	"strings"
)

// dialect is the database.
type dialect int

const (
	postgres dialect = iota
	mariadb
)

// kind is what a token may be, as far as it matters.
type kind int

const (
	word        kind = iota // a keyword, name or number that is not quoted
	quoted                  // a string or a quoted name
	symbol                  // one character
	placeholder             // $1 or ?
	name                    // :name
)

// token is a piece of a statement.
type token struct {
	kind  kind
	text  string
	at    int // in the statement
	depth int // how many parentheses are open around it
}

// is reports whether a token is a keyword, given in capitals.
func (t token) is(keyword string) bool { return t.kind == word && strings.EqualFold(t.text, keyword) }

func (t token) isVerb() bool {
	for _, verb := range []string{"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"} {
		if t.is(verb) {
			return true
		}
	}
	return false
}

// escaping reports whether a token is a string of PostgreSQL in which backslashes escape.
func (t token) escaping() bool { return t.kind == quoted && (t.text[0] == 'E' || t.text[0] == 'e') }

// scan takes a statement apart, without its comments. It relies on what the connector sets for its sessions: backslashes are plain in
// PostgreSQL's strings but in E'...' (standard_conforming_strings), and escape in MariaDB's, where "..." is a string (sql_mode).
func scan(text string, d dialect) ([]token, error) {
	if strings.ContainsRune(text, 0) {
		return nil, errors.New("query: it has a null character")
	}
	var tokens []token
	depth := 0
	for at := 0; at < len(text); {
		length, kind, err := next(text[at:], d)
		if err != nil {
			return nil, err
		}
		piece := text[at : at+length]
		if kind != skipped {
			if n := len(tokens); n > 0 && d == postgres && kind == quoted && piece[0] == '\'' && tokens[n-1].escaping() {
				return nil, errors.New("query: E'...' is followed by another string; write them as one") // which it may be, over lines
			}
			if piece == ")" {
				depth--
			}
			tokens = append(tokens, token{kind: kind, text: piece, at: at, depth: depth})
			if piece == "(" {
				depth++
			}
		}
		at += length
	}
	return tokens, nil
}

// skipped is white space or a comment.
const skipped kind = -1

// next measures the piece that a text begins with.
func next(text string, d dialect) (length int, k kind, err error) {
	c := text[0]
	switch {
	case isSpace(c):
		return 1, skipped, nil
	case lineComment(text, d):
		ends := "\r\n"
		if d == mariadb {
			ends = "\n" // alone
		}
		if end := strings.IndexAny(text, ends); end >= 0 {
			return end + 1, skipped, nil
		}
		return len(text), skipped, nil
	case strings.HasPrefix(text, "/*"):
		length, err = comment(text, d)
		return length, skipped, err
	case c == '\'':
		length, err = closed(text, '\'', d == mariadb)
		return length, quoted, err
	case c == '"':
		length, err = closed(text, '"', d == mariadb)
		return length, quoted, err
	case c == '`' && d == mariadb:
		length, err = closed(text, '`', false)
		return length, quoted, err
	case d == postgres && (c == 'E' || c == 'e') && len(text) > 1 && text[1] == '\'':
		length, err = closed(text[1:], '\'', true)
		return length + 1, quoted, err
	case c == '$' && d == postgres:
		return dollar(text)
	case c == '?' && d == mariadb:
		return 1, placeholder, nil
	case c == ':' && len(text) > 1 && (text[1] == ':' || text[1] == '='):
		return 2, symbol, nil
	case c == ':' && len(text) > 1 && isLetter(text[1]):
		return 1 + wordLength(text[1:], false), name, nil
	case isLetter(c) || isDigit(c):
		return wordLength(text, isLetter(c)), word, nil
	}
	return 1, symbol, nil
}

func lineComment(text string, d dialect) bool {
	if d == mariadb {
		return text[0] == '#' || strings.HasPrefix(text, "--") && (len(text) == 2 || text[2] <= ' ' || text[2] == 0x7f)
	}
	return strings.HasPrefix(text, "--")
}

// comment measures a comment. Those of PostgreSQL nest. Some of MariaDB are statements.
func comment(text string, d dialect) (int, error) {
	if d == mariadb && (strings.HasPrefix(text, "/*!") || strings.HasPrefix(text, "/*M!")) {
		return 0, errors.New("query: MariaDB runs what is in a comment /*! ... */; write it without the comment")
	}
	depth := 0
	for i := 0; i < len(text)-1; i++ {
		switch text[i : i+2] {
		case "/*":
			if depth == 0 || d == postgres {
				depth++
				i++
			}
		case "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1, nil
			}
		}
	}
	return 0, errors.New("query: a comment /* does not end")
}

// closed measures a string or name up to its closing quote. A doubled quote stands for itself.
func closed(text string, quote byte, backslash bool) (int, error) {
	for i := 1; i < len(text); i++ {
		switch {
		case backslash && text[i] == '\\':
			i++
		case text[i] != quote:
		case i+1 < len(text) && text[i+1] == quote:
			i++
		default:
			return i + 1, nil
		}
	}
	return 0, errors.New("query: a quote " + string(quote) + " does not end")
}

// dollar measures $1, or a string such as $$...$$ or $tag$...$tag$.
func dollar(text string) (length int, k kind, err error) {
	if len(text) > 1 && isDigit(text[1]) {
		n := 1
		for n < len(text) && isDigit(text[n]) {
			n++
		}
		return n, placeholder, nil
	}
	tag := 1
	if tag < len(text) && isLetter(text[tag]) {
		tag += wordLength(text[tag:], false)
	}
	if tag >= len(text) || text[tag] != '$' {
		return 1, symbol, nil
	}
	mark := text[:tag+1]
	end := strings.Index(text[len(mark):], mark)
	if end < 0 {
		return 0, quoted, errors.New("query: a string " + mark + " does not end")
	}
	return end + 2*len(mark), quoted, nil
}

// wordLength measures letters and digits. Names may hold $, which begins a placeholder or string elsewhere.
func wordLength(text string, dollars bool) int {
	for i := range len(text) {
		if c := text[i]; !isLetter(c) && !isDigit(c) && (c != '$' || !dollars) {
			return i
		}
	}
	return len(text)
}

func isSpace(c byte) bool  { return c == ' ' || c >= '\t' && c <= '\r' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c >= 0x80 }
