package configuration

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// readYAML reads a document whose maps nest the names of settings: email: {host: x} is email.host, and so is email.host: x. A list is its values,
// separated by commas. Errors begin with the line, and show nothing of the file: there may be secrets in it.
func readYAML(data []byte) ([]entry, error) {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		if wrong := yaml.Error(nil); errors.As(err, &wrong) && wrong.GetToken() != nil {
			return nil, fmt.Errorf("%d: this is no YAML: %s", wrong.GetToken().Position.Line, wrong.GetMessage())
		}
		return nil, errors.New("1: this is no YAML")
	}
	f := &flattener{lines: map[string]int{}}
	for i, document := range file.Docs {
		if document.Body == nil {
			continue
		}
		if i > 0 {
			return nil, fmt.Errorf("%d: one document is expected", line(document.Body))
		}
		switch document.Body.(type) {
		case *ast.MappingNode, *ast.MappingValueNode:
		case *ast.NullNode, *ast.CommentGroupNode:
			continue
		default:
			return nil, fmt.Errorf("%d: settings are expected, such as email: {host: mail.example.com}", line(document.Body))
		}
		if err := f.flatten("", 1, document.Body); err != nil {
			return nil, err
		}
	}
	return f.entries, nil
}

type flattener struct {
	entries []entry
	lines   map[string]int // where a setting stands
}

func (f *flattener) flatten(name string, at int, node ast.Node) error {
	switch n := node.(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			if err := f.flatten(name, at, v); err != nil {
				return err
			}
		}
		return nil
	case *ast.MappingValueNode:
		key, ok := n.Key.(ast.ScalarNode)
		if !ok {
			return fmt.Errorf("%d: the name of a setting is expected", line(n.Key))
		}
		inner := key.GetToken().Value
		if name != "" {
			inner = name + "." + inner
		}
		return f.flatten(inner, line(n.Key), n.Value)
	}
	e := entry{name: name, line: at}
	var err error
	if list, ok := node.(*ast.SequenceNode); ok {
		e.text, e.nested = joined(list)
	} else {
		e.text, err = scalar(node)
	}
	if err != nil {
		return fmt.Errorf("%d: %s: %w", at, name, err)
	}
	if before, twice := f.lines[name]; twice {
		return fmt.Errorf("%d: %s stands in line %d, too; keep one", at, name, before)
	}
	f.lines[name] = at
	f.entries = append(f.entries, e)
	return nil
}

func joined(list *ast.SequenceNode) (text string, nested bool) {
	var parts []string
	for _, value := range list.Values {
		part, err := scalar(value)
		if err != nil {
			return "", true
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ","), false
}

func scalar(node ast.Node) (string, error) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, nil
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case *ast.NullNode:
		return "", nil
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, nil // as it is written: a password may be a number
	}
	return "", errors.New("text, a number, true or false, or a list of such is expected; anchors, aliases and tags are not read")
}

// line is where a node begins.
func line(n ast.Node) int {
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 1
}
