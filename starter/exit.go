package main

import (
	"errors"

	"go.temporal.io/api/serviceerror"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/external"
)

// The exit codes of every command.
const (
	exitOK          = 0
	exitRefused     = 1 // refused or failed
	exitUsage       = 2 // the command line, or a file, is not as it must be
	exitNotFound    = 3
	exitUnreachable = 4 // the server, the workers or what they ask do not answer
	exitNotDone     = 5 // --wait: ended otherwise than completed, or not in time; or another such thing is under way
)

// exitError is an error that carries its exit code.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func coded(code int, err error) error {
	if err == nil {
		return nil
	}
	return &exitError{code: code, err: err}
}

// usage marks an error as the caller's: a wrong flag, a malformed file.
func usage(err error) error { return coded(exitUsage, err) }

func exitCode(err error) int {
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code
	}
	if errors.Is(err, client.ErrNotFound) || errors.Is(err, external.ErrGone) {
		return exitNotFound
	}
	if errors.Is(err, client.ErrUnclaimed) || errors.Is(err, client.ErrIndexAway) {
		return exitUnreachable
	}
	if errors.Is(err, client.ErrUnderWay) || errors.Is(err, client.ErrNotDone) {
		return exitNotDone
	}
	if _, ok := errors.AsType[*serviceerror.Unavailable](err); ok {
		return exitUnreachable
	}
	return exitRefused
}
