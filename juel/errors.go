package juel

import (
	"errors"
	"fmt"
	"strings"
)

// SyntaxError says where and why Parse refused its source.
type SyntaxError struct {
	Offset int // in bytes, into the source
	Msg    string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("expression, offset %d: %s", e.Offset, e.Msg)
}

// UnknownVariableError is returned, wrapped, by Eval for a root identifier that Env does not know.
type UnknownVariableError struct {
	Name string
}

func (e *UnknownVariableError) Error() string {
	return fmt.Sprintf("unknown variable %s; where it may be missing, var:get(%s) is null", e.Name, e.Name)
}

var errTooLong = fmt.Errorf("the text becomes longer than %d bytes", maxText)

// errNoNumber is a reason; the operator that wanted a number adds whose it is.
var errNoNumber = errors.New("not a number")

// failed names the part of the expression that an error is about.
func failed(n node, format string, args ...any) error {
	return fmt.Errorf("%s: %w", clip(n.String()), fmt.Errorf(format, args...))
}

// clip keeps an error readable when the expression in it is long.
func clip(s string) string {
	const most = 120
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..." // the cut may have split a character
}

var (
	_ error = (*SyntaxError)(nil)
	_ error = (*UnknownVariableError)(nil)
)
