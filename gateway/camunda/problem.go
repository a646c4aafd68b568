package camunda

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"path"

	"github.com/waybill-io/waybill/external"
)

// problem is an error as Camunda's REST API tells it.
type problem struct {
	status  int
	Type    string
	Message string
}

func (p *problem) Error() string { return p.Message }

// invalid is a request that Camunda's REST layer refuses.
func invalid(format string, args ...any) error {
	return &problem{http.StatusBadRequest, "InvalidRequestException", fmt.Sprintf(format, args...)}
}

// engine is one that its engine refuses, which it answers with 500.
func engine(message string) error {
	return &problem{http.StatusInternalServerError, "ProcessEngineException", message}
}

// null is a value that its engine misses.
func null(name string) error {
	return &problem{http.StatusInternalServerError, "NullValueException", name + " is null"}
}

// bad is a request that its engine takes for the caller's mistake.
func bad(message string) error { return &problem{http.StatusBadRequest, "RestException", message} }

// missing is a task that is not there.
func missing(id string) error {
	return &problem{http.StatusNotFound, "RestException", fmt.Sprintf("External task with id %s does not exist", id)}
}

// refusals are what Camunda says to a worker that has not got a task, by the call.
var refusals = map[string]string{
	"complete":   "External Task %s cannot be completed by worker '%s'",
	"failure":    "Failure of External Task %s cannot be reported by worker '%s'",
	"bpmnError":  "Bpmn error of External Task %s cannot be reported by worker '%s'",
	"extendLock": "The lock of the External Task %s cannot be extended by worker '%s'",
	"lock":       "External Task %s cannot be locked by worker '%s'",
}

// about puts an error of a task into Camunda's words, which clients look for.
func about(err error, id, worker, call string) error {
	var locked *external.LockedError
	switch {
	case errors.Is(err, external.ErrNotFound), errors.Is(err, external.ErrGone):
		return missing(id)
	case errors.As(err, &locked):
		return bad(fmt.Sprintf(refusals[path.Base(call)], id, worker) + fmt.Sprintf(". It is locked by worker '%s'.", cmp.Or(locked.Worker, "null")))
	case errors.Is(err, external.ErrTooLarge):
		return invalid("%s", err)
	case errors.Is(err, external.ErrExpired):
		return bad("Cannot extend a lock that expired: the lock of external task " + id + " has run out")
	case errors.Is(err, external.ErrFailed):
		return bad("External task " + id + " has no retries left: set its retries first")
	case errors.Is(err, external.ErrSuspended):
		return &problem{http.StatusInternalServerError, "SuspendedEntityInteractionException", "External task " + id + " is suspended"}
	}
	return err
}

func fail(w http.ResponseWriter, err error) {
	if findings, ok := errors.AsType[*FindingsError](err); ok {
		failedToParse(w, findings)
		return
	}
	p, ok := errors.AsType[*problem](err)
	switch {
	case ok:
	case errors.Is(err, external.ErrNoToken):
		w.Header().Set("WWW-Authenticate", `Bearer realm="waybill"`) // Basic will do, and is not said: see package access
		p = &problem{http.StatusUnauthorized, "AuthenticationException", err.Error()}
	case errors.Is(err, external.ErrForbidden):
		p = &problem{http.StatusForbidden, "AuthorizationException", err.Error()}
	case errors.Is(err, external.ErrFull):
		p = &problem{http.StatusInternalServerError, "InvalidRequestException", "At the moment the server has to handle too many requests at the same time. Please try again later."}
	default:
		p = &problem{http.StatusInternalServerError, "RestException", err.Error()}
	}
	reply(w, p.status, map[string]any{"type": p.Type, "message": p.Message, "code": 0})
}
