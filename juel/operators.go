package juel

import (
	"errors"
	"math"
)

var (
	errOverflow  = errors.New("the integer result does not fit into 64 bits")
	errNotFinite = errors.New("the result is not a finite number")
	errZero      = errors.New("division by zero")
)

// arithmetic is + - * / % (EL 1.7). The result is an integer when both sides are, except of /.
type arithmetic struct {
	span
	op          byte
	left, right node
}

func (n *arithmetic) eval(env Env) (any, error) {
	left, err := n.left.eval(env)
	if err != nil {
		return nil, err
	}
	right, err := n.right.eval(env)
	if err != nil {
		return nil, err
	}
	if left == nil && right == nil {
		return int64(0), nil
	}
	a, err := n.operand(n.left, left)
	if err != nil {
		return nil, err
	}
	b, err := n.operand(n.right, right)
	if err != nil {
		return nil, err
	}
	if a.real || b.real || n.op == '/' {
		x, err := realOperation(n.op, a.asFloat(), b.asFloat())
		if err != nil {
			return nil, failed(n, "%w", err)
		}
		return x, nil
	}
	i, err := integerOperation(n.op, a.int, b.int)
	if err != nil {
		return nil, failed(n, "%w", err)
	}
	return i, nil
}

func (n *arithmetic) operand(of node, value any) (number, error) {
	x, err := toNumber(value)
	if err == nil {
		return x, nil
	}
	if n.op == '+' {
		return number{}, failed(n, "%s is %s, %w; + only adds numbers, texts are joined by a.concat(b) or by ${a}${b}",
			clip(of.String()), kindOf(value), err)
	}
	return number{}, failed(n, "%s is %s, %w", clip(of.String()), kindOf(value), err)
}

func realOperation(op byte, a, b float64) (float64, error) {
	var x float64
	switch op {
	case '+':
		x = a + b
	case '-':
		x = a - b
	case '*':
		x = a * b
	default:
		if b == 0 {
			return 0, errZero
		}
		if x = a / b; op == '%' {
			x = math.Mod(a, b)
		}
	}
	if math.IsInf(x, 0) || math.IsNaN(x) {
		return 0, errNotFinite
	}
	return x, nil
}

func integerOperation(op byte, a, b int64) (int64, error) {
	x, fits := int64(0), true
	switch op {
	case '+':
		x = a + b
		fits = (x > a) == (b > 0)
	case '-':
		x = a - b
		fits = (x < a) == (b > 0)
	case '*':
		if x = a * b; a != 0 {
			fits = x/a == b && (a != -1 || b != math.MinInt64)
		}
	default:
		if b == 0 {
			return 0, errZero
		}
		x = a % b
	}
	if !fits {
		return 0, errOverflow
	}
	return x, nil
}

// orders is the set of outcomes of a comparison that satisfy an operator, at the index order + 1.
type orders [3]bool

func (o orders) has(order int) bool { return o[order+1] }

var comparisons = map[kind]orders{
	"==": {false, true, false}, "!=": {true, false, true},
	"<": {true, false, false}, "<=": {true, true, false}, ">": {false, false, true}, ">=": {false, true, true},
}

// comparison is == != < > <= >= (EL 1.8).
type comparison struct {
	span
	equality    bool // == or !=
	accept      orders
	left, right node
}

func (n *comparison) eval(env Env) (any, error) {
	left, err := n.left.eval(env)
	if err != nil {
		return nil, err
	}
	right, err := n.right.eval(env)
	if err != nil {
		return nil, err
	}
	if n.equality {
		same, err := n.same(left, right)
		return same == n.accept.has(0), err
	}
	if left == nil || right == nil {
		return left == nil && right == nil && n.accept.has(0), nil
	}
	order, err := n.compare(left, right)
	return n.accept.has(order), err
}

// same is EL equality: a number makes the other side a number, a boolean makes it a boolean.
func (n *comparison) same(left, right any) (bool, error) {
	if left == nil || right == nil {
		return left == nil && right == nil, nil
	}
	if a, ok := left.(string); ok {
		if b, ok := right.(string); ok {
			return a == b, nil
		}
	}
	if isNumber(left) || isNumber(right) {
		order, err := n.compareNumbers(left, right)
		return order == 0, err
	}
	_, leftBool := left.(bool)
	_, rightBool := right.(bool)
	if !leftBool && !rightBool {
		return equalValues(left, right), nil
	}
	a, err := toBool(n.left, left)
	if err != nil {
		return false, err
	}
	b, err := toBool(n.right, right)
	return a == b, err
}

func (n *comparison) compare(left, right any) (int, error) {
	if isNumber(left) || isNumber(right) {
		return n.compareNumbers(left, right)
	}
	order, ok := compareScalars(left, right)
	if !ok {
		return 0, failed(n, "%s and %s have no order", kindOf(left), kindOf(right))
	}
	return order, nil
}

func (n *comparison) compareNumbers(left, right any) (int, error) {
	a, err := toNumber(left)
	if err != nil {
		return 0, failed(n, "%s is compared with a number, but is %s, %w", clip(n.left.String()), kindOf(left), err)
	}
	b, err := toNumber(right)
	if err != nil {
		return 0, failed(n, "%s is compared with a number, but is %s, %w", clip(n.right.String()), kindOf(right), err)
	}
	return a.compare(b), nil
}

var (
	_ node = (*arithmetic)(nil)
	_ node = (*comparison)(nil)
)
