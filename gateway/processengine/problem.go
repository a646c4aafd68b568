package processengine

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/waybill-io/waybill/external"
)

// problem is an error as process-engine tells it.
type problem struct {
	status  int
	Message string         `json:"message"`
	More    map[string]any `json:"additionalInformation,omitempty"`
}

func (p *problem) Error() string { return p.Message }

// noToken is process-engine's message to who brings none.
const noToken = "No auth token provided!"

// claim is what a token must allow.
const claim = "can_access_external_tasks"

// isoTime is what JavaScript writes dates in, and JSON with it. Always in UTC.
const isoTime = "2006-01-02T15:04:05.000Z"

// fail tells of an error. No message has the word that means to ProcessCube's client that its token must be renewed ("expired"), but for those
// of tokens.
func fail(w http.ResponseWriter, style style, err error) {
	p, known := errors.AsType[*problem](err)
	locked, others := errors.AsType[*external.LockedError](err)
	switch {
	case known:
	case errors.Is(err, external.ErrNoToken):
		p = &problem{status: http.StatusUnauthorized, Message: err.Error()}
	case errors.Is(err, external.ErrForbidden):
		p = &problem{status: http.StatusForbidden, Message: err.Error(), More: map[string]any{"claim": claim}}
	case errors.Is(err, external.ErrNotFound):
		p = &problem{status: http.StatusNotFound, Message: err.Error()}
	case errors.Is(err, external.ErrGone):
		p = &problem{status: style.gone, Message: err.Error()}
	case others:
		p = &problem{status: http.StatusLocked, Message: fmt.Sprintf("external task %s is locked by another worker until %s", locked.ID, locked.Until.UTC().Format(isoTime))}
	case errors.Is(err, external.ErrExpired):
		p = &problem{status: http.StatusLocked, Message: err.Error()}
	case errors.Is(err, external.ErrTooLarge):
		p = &problem{status: http.StatusRequestEntityTooLarge, Message: err.Error()}
	case errors.Is(err, external.ErrFull):
		p = &problem{status: http.StatusServiceUnavailable, Message: err.Error()}
	default:
		p = &problem{status: http.StatusInternalServerError, Message: err.Error()}
	}
	if p.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="waybill"`)
	}
	reply(w, p.status, p)
}
