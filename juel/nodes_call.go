package juel

type methodCall struct {
	span
	base   node
	name   string
	method method
	args   []node
}

func (n *methodCall) eval(env Env) (any, error) {
	base, err := n.base.eval(env)
	if err != nil {
		return nil, err
	}
	args, err := evalAll(n.args, env)
	if err != nil {
		return nil, err
	}
	if base == nil {
		return nil, nil // as in the Unified Expression Language: a method of null is null
	}
	result, err := n.method.call(base, args)
	if err == errNoMethod {
		return nil, failed(n, "%s has no method %s; it has %s", kindOf(base), n.name, methodsOf(base))
	}
	if err != nil {
		return nil, failed(n, "%w", err)
	}
	return modelled(n, result)
}

type functionCall struct {
	span
	call func(Env) (any, error)
}

func (n *functionCall) eval(env Env) (any, error) {
	value, err := n.call(env)
	if err != nil {
		return nil, failed(n, "%w", err)
	}
	return value, nil
}

// variableCall is var:get(name, ...): a function of a variable that may be missing.
type variableCall struct {
	span
	call func(value any, args []any) (any, error)
	args []node
}

func (n *variableCall) eval(env Env) (any, error) {
	args, err := evalAll(n.args, env)
	if err != nil {
		return nil, err
	}
	value, _, err := variable(n, env, args[0])
	if err != nil {
		return nil, err
	}
	result, err := n.call(value, args[1:])
	if err != nil {
		return nil, failed(n, "%w", err)
	}
	return result, nil
}

// scopeCall is a method of execution or of task.
type scopeCall struct {
	span
	call func(n node, env Env, name any) (any, error)
	name node
}

func (n *scopeCall) eval(env Env) (any, error) {
	name, err := n.name.eval(env)
	if err != nil {
		return nil, err
	}
	return n.call(n, env, name)
}

// effectCall sets or removes a variable.
type effectCall struct {
	span
	call  effect
	args  []node
	local Reach
}

func (n *effectCall) eval(env Env) (any, error) {
	setter, ok := env.(Setter)
	if !ok {
		return nil, failed(n, "variables cannot be set where this expression is evaluated")
	}
	args, err := evalAll(n.args, env)
	if err != nil {
		return nil, err
	}
	name, ok := args[0].(string)
	if !ok || name == "" {
		return nil, failed(n, "the name of the variable is %s, not text", kindOf(args[0]))
	}
	if err := n.call(setter, name, args[1:], n.local); err != nil {
		return nil, failed(n, "%w", err)
	}
	return nil, nil
}

// taskCall changes a user task.
type taskCall struct {
	span
	method string
	value  node
}

func (n *taskCall) eval(env Env) (any, error) {
	changer, ok := env.(TaskChanger)
	if !ok {
		return nil, failed(n, "there is no task where this expression is evaluated")
	}
	value, err := n.value.eval(env)
	if err != nil {
		return nil, err
	}
	if err := changer.ChangeTask(n.method, value); err != nil {
		return nil, failed(n, "%w", err)
	}
	return nil, nil
}

// variable reads a variable that may be missing, which is null then.
func variable(n node, env Env, name any) (any, bool, error) {
	text, ok := name.(string)
	if !ok {
		return nil, false, failed(n, "the name of the variable is %s, not text", kindOf(name))
	}
	value, ok := env.Variable(text)
	if !ok {
		return nil, false, nil
	}
	value, err := modelled(n, value)
	return value, true, err
}

func evalAll(nodes []node, env Env) ([]any, error) {
	values := make([]any, len(nodes))
	for i, n := range nodes {
		var err error
		if values[i], err = n.eval(env); err != nil {
			return nil, err
		}
	}
	return values, nil
}

var (
	_ node = (*methodCall)(nil)
	_ node = (*functionCall)(nil)
	_ node = (*variableCall)(nil)
	_ node = (*scopeCall)(nil)
	_ node = (*effectCall)(nil)
	_ node = (*taskCall)(nil)
)
