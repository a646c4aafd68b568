package flowable

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/waybill-io/waybill/external"
)

// problem is an error as Flowable's REST API tells it.
type problem struct {
	status    int
	exception string
}

func (p *problem) Error() string { return p.exception }

func bad(format string, args ...any) error {
	return &problem{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// messages are what Flowable says of each status.
var messages = map[int]string{
	http.StatusBadRequest: "Bad request", http.StatusForbidden: "Forbidden", http.StatusNotFound: "Not found", http.StatusInternalServerError: "Internal server error",
}

func fail(w http.ResponseWriter, err error) {
	p, ok := errors.AsType[*problem](err)
	switch {
	case ok:
	case errors.Is(err, external.ErrNoToken):
		w.Header().Set("WWW-Authenticate", `Bearer realm="waybill"`)
		p = &problem{http.StatusUnauthorized, err.Error()}
	case errors.Is(err, external.ErrForbidden):
		p = &problem{http.StatusForbidden, err.Error()}
	case errors.Is(err, external.ErrFull):
		p = &problem{http.StatusServiceUnavailable, err.Error()}
	default:
		p = &problem{http.StatusInternalServerError, err.Error()}
	}
	message := messages[p.status]
	if message == "" {
		message = http.StatusText(p.status)
	}
	reply(w, p.status, map[string]string{"message": message, "exception": p.exception})
}
