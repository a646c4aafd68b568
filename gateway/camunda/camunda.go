package camunda

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"time"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/external"
)

// Tasks are the external tasks that are served: external.Tasks.
type Tasks interface {
	Complete(ctx context.Context, id string, by external.By, r external.Result) error
	Fail(ctx context.Context, id string, by external.By, f external.Failure) error
	BPMNError(ctx context.Context, id string, by external.By, code, message string, variables map[string]any) error
	Extend(ctx context.Context, id string, by external.By, lock time.Duration) error
	Unlock(ctx context.Context, id string, by external.Scope) error
	LockByID(ctx context.Context, id string, by external.By, lock time.Duration) error
	SetRetries(ctx context.Context, id string, by external.Scope, retries int) error
	SetRetriesOf(ctx context.Context, ids []string, by external.Scope, retries int) (int, error)
	SetPriority(ctx context.Context, id string, by external.Scope, priority int) error
	Get(ctx context.Context, id string, by external.Scope) (*external.Task, error)
	List(ctx context.Context, f external.Filter) (*external.Listing, error)
}

// Broker gives tasks to those who wait: external.Broker.
type Broker interface {
	Fetch(ctx context.Context, r external.Request) ([]*external.Task, error)
}

// Server answers calls of /engine-rest. How large requests may be is up to whoever serves it.
type Server struct {
	Tasks  Tasks
	Broker Broker
	// Admit tells what a caller may do. Its error wraps external.ErrNoToken, or external.ErrForbidden.
	Admit func(*http.Request) (external.Scope, error)

	// What else there is of /engine-rest, for those whom AdmitAPI lets in: who may work on external tasks may not deploy by that. Without Processes none of
	// it is served.
	Processes *client.Client
	Deploy    Deploy
	AdmitAPI  func(*http.Request) (user string, err error)
}

// longestWait is what Camunda lets a request wait at most.
const longestWait = 30 * time.Minute

// Routes are the calls, under /engine-rest.
func (s *Server) Routes() map[string]http.Handler {
	all := map[string]http.Handler{
		"POST /engine-rest/external-task/fetchAndLock":    s.admitted(s.fetchAndLock),
		"POST /engine-rest/external-task/{id}/complete":   s.admitted(s.complete),
		"POST /engine-rest/external-task/{id}/failure":    s.admitted(s.failure),
		"POST /engine-rest/external-task/{id}/bpmnError":  s.admitted(s.bpmnError),
		"POST /engine-rest/external-task/{id}/extendLock": s.admitted(s.extendLock),
		"POST /engine-rest/external-task/{id}/unlock":     s.admitted(s.unlock),
		"POST /engine-rest/external-task/{id}/lock":       s.admitted(s.lock),

		"GET /engine-rest/external-task":                   s.admitted(s.list),
		"POST /engine-rest/external-task":                  s.admitted(s.list),
		"GET /engine-rest/external-task/count":             s.admitted(s.count),
		"POST /engine-rest/external-task/count":            s.admitted(s.count),
		"GET /engine-rest/external-task/topic-names":       s.admitted(s.topicNames),
		"GET /engine-rest/external-task/{id}":              s.admitted(s.get),
		"GET /engine-rest/external-task/{id}/errorDetails": s.admitted(s.errorDetails),
		"PUT /engine-rest/external-task/{id}/retries":      s.admitted(s.setRetries),
		"PUT /engine-rest/external-task/{id}/priority":     s.admitted(s.setPriority),
		"PUT /engine-rest/external-task/retries":           s.admitted(s.setAllRetries),
		"POST /engine-rest/external-task/retries-async":    s.admitted(s.setAllRetriesLater),
	}
	if s.Processes != nil {
		maps.Copy(all, s.restRoutes())
	}
	return all
}

// admitted lets those through who may work on external tasks.
func (s *Server) admitted(next func(http.ResponseWriter, *http.Request, external.Scope)) http.Handler {
	return admitted(s.Admit, next)
}

func admitted(admit func(*http.Request) (external.Scope, error), next func(http.ResponseWriter, *http.Request, external.Scope)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		by, err := admit(r)
		if err != nil {
			fail(w, err)
			return
		}
		next(w, r, by)
	})
}

// report is what a worker says of its task.
type report struct {
	WorkerID     string           `json:"workerId"`
	Variables    map[string]value `json:"variables"`
	Local        map[string]value `json:"localVariables"`
	ErrorMessage string           `json:"errorMessage"`
	ErrorDetails string           `json:"errorDetails"`
	Retries      int              `json:"retries"`
	RetryTimeout int64            `json:"retryTimeout"`
	ErrorCode    string           `json:"errorCode"`
	NewDuration  int64            `json:"newDuration"`
	LockDuration int64            `json:"lockDuration"`
}

// told reads a report and does something about it.
func (s *Server) told(w http.ResponseWriter, r *http.Request, by external.Scope, do func(ctx context.Context, id string, by external.By, in *report, result external.Result) error) {
	var in report
	if !read(w, r, &in) {
		return
	}
	if in.WorkerID == "" {
		fail(w, null("workerId"))
		return
	}
	variables, err := plain(in.Variables)
	local, localErr := plain(in.Local)
	if err := errors.Join(err, localErr); err != nil {
		fail(w, err)
		return
	}
	if err := do(r.Context(), r.PathValue("id"), external.By{Scope: by, Worker: in.WorkerID}, &in, external.Result{Variables: variables, Local: local}); err != nil {
		fail(w, about(err, r.PathValue("id"), in.WorkerID, r.URL.Path))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) complete(w http.ResponseWriter, r *http.Request, by external.Scope) {
	s.told(w, r, by, func(ctx context.Context, id string, by external.By, _ *report, result external.Result) error {
		return s.Tasks.Complete(ctx, id, by, result)
	})
}

func (s *Server) failure(w http.ResponseWriter, r *http.Request, by external.Scope) {
	s.told(w, r, by, func(ctx context.Context, id string, by external.By, in *report, result external.Result) error {
		switch {
		case in.Retries < 0:
			return wrong("retries is not greater than or equal to 0")
		case in.RetryTimeout < 0:
			return wrong("retryDuration is not greater than or equal to 0")
		}
		return s.Tasks.Fail(ctx, id, by, external.Failure{
			Message: in.ErrorMessage, Details: in.ErrorDetails, Retries: in.Retries, After: external.Milliseconds(in.RetryTimeout), Result: result,
		})
	})
}

func (s *Server) bpmnError(w http.ResponseWriter, r *http.Request, by external.Scope) {
	s.told(w, r, by, func(ctx context.Context, id string, by external.By, in *report, result external.Result) error {
		if in.ErrorCode == "" {
			return null("errorCode")
		}
		return s.Tasks.BPMNError(ctx, id, by, in.ErrorCode, in.ErrorMessage, result.Variables)
	})
}

func (s *Server) extendLock(w http.ResponseWriter, r *http.Request, by external.Scope) {
	s.told(w, r, by, func(ctx context.Context, id string, by external.By, in *report, _ external.Result) error {
		if in.NewDuration <= 0 {
			return bad("lockTime is not greater than 0")
		}
		return s.Tasks.Extend(ctx, id, by, external.Milliseconds(in.NewDuration))
	})
}

func (s *Server) lock(w http.ResponseWriter, r *http.Request, by external.Scope) {
	s.told(w, r, by, func(ctx context.Context, id string, by external.By, in *report, _ external.Result) error {
		if in.LockDuration <= 0 {
			return bad("lockDuration is not greater than 0")
		}
		return s.Tasks.LockByID(ctx, id, by, external.Milliseconds(in.LockDuration))
	})
}

func (s *Server) unlock(w http.ResponseWriter, r *http.Request, by external.Scope) {
	if err := s.Tasks.Unlock(r.Context(), r.PathValue("id"), by); err != nil {
		fail(w, about(err, r.PathValue("id"), "", r.URL.Path))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func read(w http.ResponseWriter, r *http.Request, into any) bool {
	d := json.NewDecoder(r.Body)
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		fail(w, &problem{http.StatusBadRequest, "JsonMappingException", "Cannot read the request: " + err.Error()})
		return false
	}
	return true
}

func reply(w http.ResponseWriter, code int, content any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(content) // the client has gone
}
