package juel

import (
	"fmt"
	"strconv"
)

// node is a part of a parsed expression. eval returns a value of the model; String is its source, for errors.
type node interface {
	eval(env Env) (any, error)
	String() string
}

type span string

func (s span) String() string { return string(s) }

type literal struct {
	span
	value any
}

func (n *literal) eval(Env) (any, error) { return n.value, nil }

type identifier struct {
	span
	name string
}

func (n *identifier) eval(env Env) (any, error) {
	value, ok := env.Variable(n.name)
	if !ok {
		return nil, &UnknownVariableError{Name: n.name}
	}
	return modelled(n, value)
}

// modelled brings what comes from outside to the model, at no cost when it is there already.
func modelled(n node, value any) (any, error) {
	switch value.(type) {
	case nil, bool, int64, float64, string, []any, map[string]any:
		return value, nil
	}
	value, err := Normalize(value)
	if err != nil {
		return nil, failed(n, "%w", err)
	}
	return value, nil
}

// property is base.name and base[key].
type property struct {
	span
	base, key node
}

func (n *property) eval(env Env) (any, error) {
	base, err := n.base.eval(env)
	if err != nil {
		return nil, err
	}
	key, err := n.key.eval(env)
	if err != nil {
		return nil, err
	}
	if base == nil {
		return nil, nil // as in the Unified Expression Language: a property of null is null
	}
	if key == nil {
		return nil, nil
	}
	switch base := base.(type) {
	case map[string]any:
		name, err := toText(key)
		if err != nil {
			return nil, failed(n, "%w", err)
		}
		return modelled(n, base[name])
	case []any:
		i, err := toIndex(key)
		if err != nil {
			return nil, failed(n, "%s is a list; its elements are read by a number, its length by %[1]s.size()", clip(n.base.String()))
		}
		if i < 0 || i >= int64(len(base)) {
			return nil, nil // as in Java, where only get(i) is strict
		}
		return modelled(n, base[i])
	}
	if name, ok := key.(string); ok {
		if _, ok := methods[name]; ok {
			return nil, failed(n, "%s has no properties; for the method write %s()", kindOf(base), name)
		}
	}
	return nil, failed(n, "%s has no properties", kindOf(base))
}

type unary struct {
	span
	op kind
	of node
}

func (n *unary) eval(env Env) (any, error) {
	value, err := n.of.eval(env)
	if err != nil {
		return nil, err
	}
	switch n.op {
	case "empty":
		return isEmpty(value), nil
	case "!":
		b, err := toBool(n.of, value)
		return !b, err
	}
	if value == nil {
		return int64(0), nil
	}
	x, err := toNumber(value)
	if err != nil {
		return nil, failed(n, "%s is %s, %w", clip(n.of.String()), kindOf(value), err)
	}
	if x.real {
		return -x.float, nil
	}
	return n.negate(x.int)
}

func (n *unary) negate(i int64) (any, error) {
	if i != 0 && i == -i {
		return nil, failed(n, "%w", errOverflow)
	}
	return -i, nil
}

// logical is && and ||. The right side is read only when it matters.
type logical struct {
	span
	or          bool
	left, right node
}

func (n *logical) eval(env Env) (any, error) {
	left, err := evalBool(n.left, env)
	if err != nil || left == n.or {
		return left, err
	}
	return evalBool(n.right, env)
}

type choice struct {
	span
	cond, yes, no node
}

func (n *choice) eval(env Env) (any, error) {
	cond, err := evalBool(n.cond, env)
	if err != nil {
		return nil, err
	}
	if cond {
		return n.yes.eval(env)
	}
	return n.no.eval(env)
}

func evalBool(n node, env Env) (bool, error) {
	value, err := n.eval(env)
	if err != nil {
		return false, err
	}
	return toBool(n, value)
}

// kindOf names the kind of a value in an error, with its article.
func kindOf(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case int64, float64:
		return "a number"
	case string:
		return "text"
	case []any:
		return "a list of " + strconv.Itoa(len(v))
	case map[string]any:
		return "a map"
	}
	return fmt.Sprintf("a %T", value)
}

var (
	_ node = (*literal)(nil)
	_ node = (*identifier)(nil)
	_ node = (*property)(nil)
	_ node = (*unary)(nil)
	_ node = (*logical)(nil)
	_ node = (*choice)(nil)
)
