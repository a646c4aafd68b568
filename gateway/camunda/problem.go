package camunda

import (
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
	return &problem{http.StatusInternalServerError, "RestException", message}
}

// about puts an error of a task into Camunda's words, which clients look for.
func about(err error, id, worker, call string) error {
	var locked *external.LockedError
	switch {
	case errors.Is(err, external.ErrNotFound), errors.Is(err, external.ErrGone):
		return &problem{http.StatusNotFound, "RestException", fmt.Sprintf("External task with id %s does not exist", id)}
	case errors.As(err, &locked):
		by := "null"
		if locked.Worker != "" {
			by = "'" + locked.Worker + "'"
		}
		done := map[string]string{"complete": "completed", "failure": "failed", "bpmnError": "completed with an error", "extendLock": "extended"}[path.Base(call)]
		return &problem{http.StatusBadRequest, "RestException", fmt.Sprintf("External Task %s cannot be %s by worker '%s'. It is locked by worker %s.", id, done, worker, by)}
	case errors.Is(err, external.ErrTooLarge):
		return invalid("%s", err)
	case errors.Is(err, external.ErrExpired):
		return &problem{http.StatusBadRequest, "RestException", fmt.Sprintf("Cannot extend a lock that expired: the lock of external task %s has run out", id)}
	}
	return err
}

func fail(w http.ResponseWriter, err error) {
	p, ok := errors.AsType[*problem](err)
	switch {
	case ok:
	case errors.Is(err, external.ErrNoToken):
		w.Header().Set("WWW-Authenticate", `Bearer realm="waybill"`) // Basic will do, and is not said: see package access
		p = &problem{http.StatusUnauthorized, "AuthenticationException", err.Error()}
	case errors.Is(err, external.ErrForbidden):
		p = &problem{http.StatusForbidden, "AuthorizationException", err.Error()}
	default:
		p = &problem{http.StatusInternalServerError, "RestException", err.Error()}
	}
	reply(w, p.status, map[string]any{"type": p.Type, "message": p.Message, "code": 0})
}
