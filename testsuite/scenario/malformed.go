package scenario

import (
	"errors"
	"fmt"
)

// MalformedError says where a scenario file is not as it must be, and what was expected there.
type MalformedError struct {
	File    string `json:"file"`
	Line    int    `json:"line"`   // from 1; 0: the file as a whole
	Column  int    `json:"column"` // from 1
	Message string `json:"message"`
}

// Error reads like `order.yaml:12:7: expected a list, got text`.
func (e *MalformedError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// Malformed reports whether an error of this package is about a file, and not about a case.
func Malformed(err error) bool {
	_, ok := errors.AsType[*MalformedError](err)
	return ok
}

var _ error = (*MalformedError)(nil)
