package sql

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// statement is a statement that has been read as far as the connector must understand it.
type statement struct {
	text      string // with the placeholders of the database
	args      []any
	returning bool // it gives rows, though it writes
}

// read finds out whether a query is one statement of the action's kind, and binds its parameters.
func read(query, action string, params any, d dialect) (statement, error) {
	tokens, err := scan(query, d)
	if err != nil {
		return statement{}, err
	}
	if err := single(tokens); err != nil {
		return statement{}, err
	}
	if err := check(tokens, action); err != nil {
		return statement{}, err
	}
	s := statement{text: query, returning: action != actionSelect && slices.ContainsFunc(tokens, func(t token) bool { return t.depth == 0 && t.is("RETURNING") })}
	switch values := params.(type) {
	case nil:
		err = counted(tokens, 0, d)
	case []any:
		s.args = values
		err = counted(tokens, len(values), d)
	case map[string]any:
		s.text, s.args, err = named(query, tokens, values, d)
	default:
		err = errors.New("params: an object with a value for each :name, or a list, is expected")
	}
	return s, err
}

func single(tokens []token) error {
	end := slices.IndexFunc(tokens, func(t token) bool { return t.text == ";" })
	if end >= 0 && end < len(tokens)-1 {
		return errors.New("query: it has more than one statement; write a task for each")
	}
	return nil
}

// check makes sure of the kind of a statement: of its own, and of the writes that WITH may hold.
func check(tokens []token, action string) error {
	first := slices.IndexFunc(tokens, func(t token) bool { return t.text != "(" })
	if first < 0 {
		return errors.New("query: it is empty")
	}
	verb := tokens[first]
	if verb.is("WITH") {
		// The verb follows the last of the parentheses. Names that look like verbs follow WITH, RECURSIVE or a comma.
		at := -1
		for i := first + 1; i < len(tokens); i++ {
			switch after, t := tokens[i-1], tokens[i]; {
			case !t.isVerb():
			case after.text == "(" && !t.is("SELECT") && !t.is(action):
				return fmt.Errorf("query: WITH holds %s, which the action %s does not do", strings.ToUpper(t.text), action)
			case after.text == ")" && t.depth == tokens[first].depth && at < 0:
				at = i
			}
		}
		if at < 0 {
			return errors.New("query: after WITH name AS (...) SELECT, INSERT, UPDATE or DELETE is expected")
		}
		verb = tokens[at]
	}
	if !verb.is(action) {
		return fmt.Errorf("query: a statement that begins with %s is expected of the action %s, not with %.20q", action, action, verb.text)
	}
	if action == actionSelect && slices.ContainsFunc(tokens, func(t token) bool { return t.is("INTO") }) {
		return errors.New("query: SELECT ... INTO writes; use the action INSERT with INSERT INTO ... SELECT")
	}
	return nil
}

// counted compares the placeholders of the database with the values of a list.
func counted(tokens []token, values int, d dialect) error {
	want := 0
	for _, t := range tokens {
		switch {
		case t.kind != placeholder:
		case d == mariadb:
			want++
		default:
			n, err := strconv.Atoi(t.text[1:])
			if err != nil || n < 1 || n > maxParams {
				return fmt.Errorf("query: %s is not a placeholder from $1 to $%d", t.text, maxParams)
			}
			want = max(want, n)
		}
	}
	if want != values {
		return fmt.Errorf("params: the statement has placeholders for %d values, and there are %d", want, values)
	}
	return nil
}

// maxParams is what both protocols can count.
const maxParams = 65535

// named gives each :name the placeholder of the database. An object may hold more than the statement asks for.
func named(query string, tokens []token, values map[string]any, d dialect) (text string, args []any, err error) {
	var b strings.Builder
	numbers := map[string]int{}
	from := 0
	for _, t := range tokens {
		switch t.kind {
		case placeholder:
			return "", nil, fmt.Errorf("query: params is an object, so that %s has no value; write :name", t.text)
		case name:
			key := t.text[1:]
			value, there := values[key]
			if !there {
				return "", nil, fmt.Errorf("params: there is no value for %s", t.text)
			}
			b.WriteString(query[from:t.at])
			from = t.at + len(t.text)
			if d == mariadb {
				b.WriteString("?")
				args = append(args, value)
				continue
			}
			if numbers[key] == 0 {
				args = append(args, value)
				numbers[key] = len(args)
			}
			fmt.Fprintf(&b, "$%d", numbers[key])
		}
	}
	if len(args) > maxParams {
		return "", nil, fmt.Errorf("query: it has more than %d placeholders", maxParams)
	}
	b.WriteString(query[from:])
	return b.String(), args, nil
}
