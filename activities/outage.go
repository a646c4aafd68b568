package activities

import (
	"context"
	"errors"

	"go.temporal.io/api/serviceerror"
	"gocloud.dev/gcerrors"
)

// outage tells whether an error speaks of a server or a store that is away for now, and not of what was asked.
func outage(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return true
	}
	for _, target := range []any{
		new(*serviceerror.Unavailable), new(*serviceerror.DeadlineExceeded), new(*serviceerror.ResourceExhausted),
		new(*serviceerror.Internal), new(*serviceerror.NamespaceNotFound), new(*serviceerror.QueryFailed),
	} {
		if errors.As(err, target) {
			return true
		}
	}
	return gcerrors.Code(err) != gcerrors.Unknown && gcerrors.Code(err) != gcerrors.OK
}
