package processengine

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/waybill-io/waybill/external"
)

// Server answers calls of process-engine's and ProcessCube's external tasks. How large requests may be is up to whoever serves it.
type Server struct {
	Tasks  *external.Tasks
	Broker *external.Broker
	// Admit tells what a caller may do. Its error wraps external.ErrNoToken, or external.ErrForbidden.
	Admit func(*http.Request) (external.Scope, error)
}

// longestWait bounds how long a request may ask to wait: as long as with Camunda.
const longestWait = 30 * time.Minute

// Routes are the calls, by the patterns of http.ServeMux.
func (s *Server) Routes() map[string]http.Handler {
	all := map[string]http.Handler{}
	for path, call := range map[string]call{
		"/fetch_and_lock":                 s.fetch(shown),
		"/task/{id}/extend_lock":          s.extendLock,
		"/task/{id}/handle_bpmn_error":    s.handleBPMNError,
		"/task/{id}/handle_service_error": s.handleServiceError,
		"/task/{id}/finish":               s.finish,
	} {
		all["POST "+consumer+path] = s.serve(style{gone: http.StatusGone}, call)
		all["POST /api/external_task/v1"+path] = s.serve(style{gone: http.StatusGone, instead: consumer[1:] + strings.Replace(path, "{id}", ":external_task_id", 1)}, call)
	}
	maps.Copy(all, s.atlas())
	return all
}

// consumer is the base of process-engine's later releases.
const consumer = "/api/consumer/v1"

// call answers a request that was admitted. Its error is told as the contract does.
type call func(w http.ResponseWriter, r *http.Request, by external.Scope, in *request) error

// style is what the contracts do differently.
type style struct {
	gone    int    // the status of what is finished
	instead string // the route to take instead of this one; "": this one is right
}

// serve lets those through who may call, reads what they send, and tells them what fails.
func (s *Server) serve(style style, do call) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if given := r.Header.Values("Authorization"); len(given) > 1 || len(given) == 1 && strings.Contains(given[0], ",") {
			fail(w, style, &problem{status: http.StatusBadRequest, Message: "several values of the header Authorization: one is expected"})
			return
		}
		by, err := s.Admit(r)
		if style.instead != "" && !errors.Is(err, external.ErrNoToken) {
			w.Header().Set("Deprecation", "true")
			w.Header().Set("Link", style.instead)
		}
		if errors.Is(err, external.ErrNoToken) && r.Header.Get("Authorization") == "" {
			err = &problem{status: http.StatusUnauthorized, Message: noToken}
		}
		var in request
		if err == nil {
			err = in.read(r)
		}
		if err == nil {
			err = do(w, r, by, &in)
		}
		if err != nil {
			fail(w, style, err)
		}
	})
}

// read reads the request to its end, from where on the server notices that a client hangs up. Nothing is like an object without fields.
func (in *request) read(r *http.Request) error {
	b, err := io.ReadAll(r.Body)
	if err == nil && len(b) > 0 {
		err = json.Unmarshal(b, in)
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return &problem{status: http.StatusRequestEntityTooLarge, Message: "read the request: " + err.Error()}
	}
	if err != nil {
		return &problem{status: http.StatusBadRequest, Message: "read the request: " + err.Error()}
	}
	return nil
}

func reply(w http.ResponseWriter, code int, content any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(content) // the client has gone
}
