package juel

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// value := primary { "." name [ "(" args ")" ] | "[" expr "]" }
func (p *parser) value() (node, error) {
	start := p.tok.start
	base, err := p.primary()
	for err == nil {
		switch p.tok.kind {
		case ".":
			base, err = p.member(start, base)
		case "[":
			base, err = p.index(start, base)
		default:
			return base, nil
		}
	}
	return nil, err
}

func (p *parser) index(start int, base node) (node, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	key, err := p.expr()
	if err != nil {
		return nil, err
	}
	if err := p.expect("]"); err != nil {
		return nil, err
	}
	if key, ok := key.(*literal); ok && scopeOf(base) == "execution" {
		if err := checkExecution(fmt.Sprint(key.value), start); err != nil {
			return nil, err
		}
	}
	return &property{span: p.since(start), base: base, key: key}, nil
}

func (p *parser) member(start int, base node) (node, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	name := p.tok
	if isReserved(name) {
		return nil, p.errorf("%s is a reserved word; write ['%s'] for the property of that name", name.text, name.text)
	}
	if name.kind != kindIdent {
		return nil, p.unexpected("a property name")
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.tok.kind != "(" {
		if scopeOf(base) == "execution" {
			if err := checkExecution(name.text, name.start); err != nil {
				return nil, err
			}
		}
		return &property{span: p.since(start), base: base, key: &literal{span: span(name.text), value: name.text}}, nil
	}
	args, err := p.args()
	if err != nil {
		return nil, err
	}
	if scope := scopeOf(base); scope != "" {
		return p.scopeCall(start, base, scope, name, args)
	}
	m, ok := methodOf(name.text)
	if !ok && isExternalTask(base) {
		return p.externalTask(start, base, name, args)
	}
	if !ok {
		return nil, &SyntaxError{name.start, fmt.Sprintf("there is no method %s; there are %s", name.text, sortedNames(methods))}
	}
	if err := checkCount(name, len(args), m.min, m.max); err != nil {
		return nil, err
	}
	return &methodCall{span: p.since(start), base: base, name: name.text, method: m, args: args}, nil
}

// ExternalTask are the properties of externalTask, which the expression of a camunda:errorEventDefinition sees.
var ExternalTask = []string{
	"activityId", "businessKey", "errorDetails", "errorMessage", "executionId", "priority", "processDefinitionId", "processDefinitionKey", "processInstanceId",
	"retries", "topicName", "workerId",
}

func isExternalTask(n node) bool {
	id, ok := n.(*identifier)
	return ok && id.name == "externalTask"
}

// externalTask parses a getter of externalTask: getErrorDetails() is errorDetails.
func (p *parser) externalTask(start int, base node, name token, args []node) (node, error) {
	key, _ := strings.CutPrefix(name.text, "get")
	if key != "" {
		key = strings.ToLower(key[:1]) + key[1:]
	}
	if len(args) > 0 || !slices.Contains(ExternalTask, key) {
		return nil, &SyntaxError{name.start, fmt.Sprintf("externalTask has no method %s; it has getters without arguments for %s", name.text, strings.Join(ExternalTask, " "))}
	}
	return &property{span: p.since(start), base: base, key: &literal{span: span(key), value: key}}, nil
}

// scopeOf is the scope object that a node is: execution, task, or "". The execution of a task is that of its element.
func scopeOf(n node) string {
	switch n := n.(type) {
	case *identifier:
		if isScope(n.name) {
			return n.name
		}
	case *property:
		if key, ok := n.key.(*literal); ok && key.value == "execution" && scopeOf(n.base) == "task" {
			return "execution"
		}
	}
	return ""
}

// scopeCall parses a method of execution or task. A getter without arguments is the property that it reads, as for
// a Java bean: execution.getProcessInstanceId() is execution.processInstanceId.
func (p *parser) scopeCall(start int, base node, scope string, name token, args []node) (node, error) {
	if call, ok := scopeMethods[name.text]; ok {
		if err := checkCount(name, len(args), 1, 1); err != nil {
			return nil, err
		}
		return &scopeCall{span: p.since(start), call: call, name: args[0]}, nil
	}
	if effect, ok := scopeEffects[name.text]; ok {
		if err := checkCount(name, len(args), effect.args, effect.args); err != nil {
			return nil, err
		}
		p.effects = true
		local := Local
		if scope == "task" {
			local = LocalToTask
		}
		return &effectCall{span: p.since(start), call: effect.call, args: args, local: local}, nil
	}
	if scope == "task" && slices.Contains(TaskChanges, name.text) {
		if err := checkCount(name, len(args), 1, 1); err != nil {
			return nil, err
		}
		p.effects, p.changes = true, true
		return &taskCall{span: p.since(start), method: name.text, value: args[0]}, nil
	}
	if key, ok := strings.CutPrefix(name.text, "get"); ok && key != "" && len(args) == 0 {
		key = strings.ToLower(key[:1]) + key[1:]
		if scope == "execution" {
			if err := checkExecution(key, name.start); err != nil {
				return nil, err
			}
		}
		return &property{span: p.since(start), base: base, key: &literal{span: span(key), value: key}}, nil
	}
	more := ""
	if scope == "task" {
		more = ", " + strings.Join(TaskChanges, " ")
	}
	return nil, &SyntaxError{name.start, fmt.Sprintf("%s has no method %s; it has %s %s%s and getters without arguments",
		base, name.text, sortedNames(scopeMethods), sortedNames(scopeEffects), more)}
}

// checkExecution refuses a property that execution does not have.
func checkExecution(property string, start int) error {
	if slices.Contains(executionProperties, property) {
		return nil
	}
	return &SyntaxError{start, fmt.Sprintf("execution has no property %s; it has %s", property, strings.Join(executionProperties, " "))}
}

// name parses what starts with a name: a variable, a function, a prefixed function.
func (p *parser) name() (node, error) {
	name := p.tok
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.tok.kind == "(" {
		return p.functionCall(name)
	}
	if p.tok.kind == ":" && isVariablePrefix(name.text) {
		if n, err := p.variableFunction(name); n != nil || err != nil {
			return n, err
		}
	}
	if !isScope(name.text) {
		p.variables = append(p.variables, name.text)
	}
	return &identifier{span: span(name.text), name: name.text}, nil
}

func (p *parser) functionCall(name token) (node, error) {
	call, ok := functions[name.text]
	if !ok {
		return nil, &SyntaxError{name.start, fmt.Sprintf("there is no function %s; there are %s and those of the prefix var:",
			name.text, sortedNames(functions))}
	}
	args, err := p.args()
	if err != nil {
		return nil, err
	}
	if err := checkCount(name, len(args), 0, 0); err != nil {
		return nil, err
	}
	return &functionCall{span: p.since(name.start), call: call}, nil
}

// variableFunction parses var:get(x). Both results are nil when it is no call: a conditional may read c ? var : x.
func (p *parser) variableFunction(prefix token) (node, error) {
	ahead := p.lexer
	name, err := ahead.next()
	if err != nil || name.kind != kindIdent && !isReserved(name) {
		return nil, nil
	}
	if paren, err := ahead.next(); err != nil || paren.kind != "(" {
		return nil, nil
	}
	f, ok := variableFunctions[name.text]
	if !ok {
		return nil, &SyntaxError{name.start, fmt.Sprintf("there is no function %s:%s; there are %s",
			prefix.text, name.text, sortedNames(variableFunctions))}
	}
	for range 2 { // from the colon to the parenthesis
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	known := len(p.variables)
	args, err := p.args()
	if err != nil {
		return nil, err
	}
	if err := checkCount(name, len(args), f.min, f.max); err != nil {
		return nil, err
	}
	// The first argument is the name of a variable, with or without quotes: an identifier there is not read.
	if root, ok := args[0].(*identifier); ok {
		args[0] = &literal{span: root.span, value: root.name}
		if !isScope(root.name) {
			p.variables = slices.Delete(p.variables, known, known+1)
		}
	}
	return &variableCall{span: p.since(prefix.start), call: f.call, args: args}, nil
}

// args := "(" [ expr { "," expr } ] ")"
func (p *parser) args() ([]node, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	var args []node
	for p.tok.kind != ")" {
		if len(args) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		arg, err := p.expr()
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
	}
	return args, p.advance()
}

// anyNumber of arguments.
const anyNumber = maxSource

func checkCount(name token, got, least, most int) error {
	if least <= got && got <= most {
		return nil
	}
	want := fmt.Sprint(least)
	switch {
	case most == anyNumber:
		want = fmt.Sprintf("at least %d", least)
	case most > least:
		want = fmt.Sprintf("%d to %d", least, most)
	}
	return &SyntaxError{name.start, fmt.Sprintf("%s has %d arguments, expected %s", name.text, got, want)}
}

func isScope(name string) bool { return name == "execution" || name == "task" }

func isVariablePrefix(name string) bool {
	return name == "var" || name == "vars" || name == "variables"
}

func sortedNames[V any](m map[string]V) string {
	return strings.Join(slices.Sorted(maps.Keys(m)), " ")
}
