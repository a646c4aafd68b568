package scenario

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/waybill-io/waybill/juel"
)

const (
	maxFile    = 4 << 20 // bytes
	maxDepth   = 100
	maxAliases = 10_000 // uses; aliases inside aliases multiply
	maxErrors  = 50
)

// reader reads a YAML tree strictly and collects what is wrong with it.
type reader struct {
	file    string
	anchors map[string]ast.Node
	aliases int
	errs    []error
}

// parse returns the root of the only document of a file.
func (r *reader) parse(data []byte) ast.Node {
	if len(data) > maxFile {
		r.fail(nil, "expected at most %d bytes, got %d", maxFile, len(data))
		return nil
	}
	tree, err := parser.ParseBytes(data, 0)
	if err != nil {
		if at, ok := err.(yaml.Error); ok && at.GetToken() != nil {
			p := at.GetToken().Position
			r.add(p.Line, p.Column, "expected YAML: "+at.GetMessage())
		} else {
			r.fail(nil, "expected YAML: %v", err)
		}
		return nil
	}
	switch {
	case len(tree.Docs) > 1:
		line, column := 1, 1
		if second := tree.Docs[1]; second.Start != nil { // the dashes before it
			line, column = second.Start.Position.Line, second.Start.Position.Column
		}
		r.add(line, column, "expected one YAML document with deploy and cases, got several")
		return nil
	case len(tree.Docs) == 0 || tree.Docs[0].Body == nil:
		r.add(1, 1, "expected one YAML document with deploy and cases, got none")
		return nil
	}
	r.anchors = map[string]ast.Node{}
	ast.Walk(anchors(r.anchors), tree.Docs[0].Body)
	return tree.Docs[0].Body
}

// anchors collects the nodes that aliases stand for.
type anchors map[string]ast.Node

func (a anchors) Visit(n ast.Node) ast.Visitor {
	if anchor, ok := n.(*ast.AnchorNode); ok {
		a[anchor.Name.GetToken().Value] = anchor.Value
	}
	return a
}

// fail records what is wrong at a node.
func (r *reader) fail(n ast.Node, format string, args ...any) {
	line, column := position(n)
	r.add(line, column, fmt.Sprintf(format, args...))
}

func (r *reader) add(line, column int, message string) {
	if len(r.errs) < maxErrors {
		r.errs = append(r.errs, &MalformedError{File: r.file, Line: line, Column: column, Message: message})
	}
}

// position is where a node begins. The token of a mapping in block style is its first colon.
func position(n ast.Node) (line, column int) {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		n = m.Values[0].Key
	}
	if n == nil || n.GetToken() == nil {
		return 0, 0
	}
	p := n.GetToken().Position
	return p.Line, p.Column
}

// resolve follows anchors and aliases to a mapping, a list or a scalar. It returns nil for what it has refused.
func (r *reader) resolve(n ast.Node) ast.Node {
	for {
		switch v := n.(type) {
		case *ast.AnchorNode:
			n = v.Value
		case *ast.AliasNode:
			to := r.anchors[v.Value.GetToken().Value]
			if to == nil {
				r.fail(v, "expected the name of an anchor, *%s is none", v.Value.GetToken().Value)
				return nil
			}
			if r.aliases++; r.aliases > maxAliases {
				r.fail(v, "expected at most %d uses of aliases", maxAliases)
				return nil
			}
			n = to
		case *ast.TagNode:
			r.fail(v, "expected a value without a tag, got %s", v.GetToken().Value)
			return nil
		default:
			return n
		}
	}
}

// kind names what a node is, for messages.
func kind(n ast.Node) string {
	switch v := n.(type) {
	case nil, *ast.NullNode:
		return "nothing"
	case *ast.MappingNode:
		return "a map"
	case *ast.SequenceNode:
		return "a list"
	case *ast.StringNode:
		return strconv.Quote(v.Value)
	case *ast.LiteralNode:
		return "text"
	}
	return n.GetToken().Value
}

// list returns the elements of a list.
func (r *reader) list(n ast.Node, what string) []ast.Node {
	if n = r.resolve(n); n == nil {
		return nil
	}
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		r.fail(n, "expected %s, got %s", what, kind(n))
		return nil
	}
	return list.Values
}

// text reads text; numbers and booleans are taken as they are written.
func (r *reader) text(n ast.Node, what string) string {
	switch v := r.resolve(n).(type) {
	case nil:
	case *ast.StringNode:
		return v.Value
	case *ast.LiteralNode:
		return v.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return v.GetToken().Value
	default:
		r.fail(v, "expected %s, got %s", what, kind(v))
	}
	return ""
}

// texts reads a list of texts.
func (r *reader) texts(n ast.Node, what string) []string {
	list := []string{}
	for _, element := range r.list(n, "a list of "+what+"s") {
		list = append(list, r.text(element, what))
	}
	return list
}

// integer reads a whole number that is at least low.
func (r *reader) integer(n ast.Node, low int64, what string) int {
	if n = r.resolve(n); n == nil {
		return 0
	}
	value, err := juel.Normalize(r.value(n, 0))
	number, ok := value.(int64)
	if err != nil || !ok || number < low || number > 1<<31 {
		r.fail(n, "expected %s, got %s", what, kind(n))
		return 0
	}
	return int(number)
}

// value reads any value, in juel's value model.
func (r *reader) value(n ast.Node, depth int) any {
	n = r.resolve(n)
	if depth > maxDepth {
		r.fail(n, "expected at most %d levels of lists and maps", maxDepth)
		return nil
	}
	switch v := n.(type) {
	case nil, *ast.NullNode:
		return nil
	case *ast.SequenceNode:
		list := []any{}
		for _, element := range v.Values {
			list = append(list, r.value(element, depth+1))
		}
		return list
	case *ast.MappingNode:
		object := map[string]any{}
		for _, f := range r.pairs(v) {
			object[f.name] = r.value(f.value, depth+1)
		}
		return object
	case *ast.IntegerNode:
		number, err := strconv.ParseInt(strings.ReplaceAll(fmt.Sprint(v.Value), "_", ""), 10, 64)
		if err != nil {
			r.fail(v, "expected a number that 64 bits hold, got %s", kind(v))
		}
		return number
	case *ast.FloatNode:
		number, err := juel.Normalize(v.Value)
		if err != nil {
			r.fail(v, "expected a finite number, got %s", kind(v))
		}
		return number
	case *ast.BoolNode:
		return v.Value
	case *ast.StringNode, *ast.LiteralNode:
		return r.text(v, "text")
	}
	r.fail(n, "expected text, a number, true, false, null, a list or a map, got %s", kind(n))
	return nil
}

// values reads a map of variables.
func (r *reader) values(n ast.Node, what string) map[string]any {
	n = r.resolve(n)
	if n == nil {
		return nil
	}
	if _, ok := n.(*ast.MappingNode); !ok {
		r.fail(n, "expected %s, a map from names to values, got %s", what, kind(n))
		return nil
	}
	object, _ := r.value(n, 0).(map[string]any)
	return object
}
