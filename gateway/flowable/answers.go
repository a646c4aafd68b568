package flowable

import (
	"errors"
	"net/http"
	"time"

	"github.com/waybill-io/waybill/external"
)

// report is what a worker says of its job.
type report struct {
	WorkerID     string     `json:"workerId"`
	Variables    []variable `json:"variables"`
	ErrorCode    *string    `json:"errorCode"`
	ErrorMessage string     `json:"errorMessage"`
	ErrorDetails string     `json:"errorDetails"`
	Retries      *int       `json:"retries"`
	RetryTimeout duration   `json:"retryTimeout"`
}

// told reads a report and does something about it. missing is what is said when it names no worker.
func told(r *http.Request, by external.Scope, missing string, do func(id string, by external.By, in *report) error) (any, error) {
	var in report
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if in.WorkerID == "" {
		return nil, bad("%s", missing)
	}
	id := r.PathValue("id")
	return nil, about(do(id, external.By{Scope: by, Worker: in.WorkerID}, &in), id, in.WorkerID)
}

const noWorker = "workerId is required"

func (s *Server) complete(r *http.Request, by external.Scope) (any, error) {
	return told(r, by, noWorker, func(id string, by external.By, in *report) error {
		variables, err := plain(in.Variables)
		if err != nil {
			return err
		}
		return s.Tasks.Complete(r.Context(), id, by, external.Result{Variables: variables})
	})
}

// noCode is the code of an error that a worker throws without one: only an event that catches every error catches it. Flowable calls it so, too.
const noCode = "null"

func (s *Server) bpmnError(r *http.Request, by external.Scope) (any, error) {
	return told(r, by, noWorker, func(id string, by external.By, in *report) error {
		variables, err := plain(in.Variables)
		if err != nil {
			return err
		}
		code := noCode
		if in.ErrorCode != nil && *in.ErrorCode != "" {
			code = *in.ErrorCode
		}
		return s.Tasks.BPMNError(r.Context(), id, by, code, "", variables)
	})
}

func (s *Server) fail(r *http.Request, by external.Scope) (any, error) {
	return told(r, by, noWorker, func(id string, by external.By, in *report) error {
		f := external.Failure{Message: in.ErrorMessage, Details: in.ErrorDetails, After: time.Duration(in.RetryTimeout)}
		if in.Retries != nil && *in.Retries >= 0 {
			f.Retries = *in.Retries
		} else {
			f.LessOneOf = defaultRetries
		}
		return s.Tasks.Fail(r.Context(), id, by, f)
	})
}

func (s *Server) unacquire(r *http.Request, by external.Scope) (any, error) {
	return told(r, by, "worker id is required", func(id string, by external.By, _ *report) error {
		return s.Tasks.Return(r.Context(), id, by)
	})
}

// about puts an error of a job into Flowable's words.
func about(err error, id, worker string) error {
	_, locked := errors.AsType[*external.LockedError](err)
	switch {
	case errors.Is(err, external.ErrTooLarge):
		return bad("%s", err)
	case errors.Is(err, external.ErrNotFound), errors.Is(err, external.ErrGone), errors.Is(err, external.ErrFailed): // one that has failed for good is a dead letter job
		return &problem{http.StatusNotFound, "Could not find external worker job with id '" + id + "'."}
	case locked:
		return &problem{http.StatusForbidden, worker + " does not hold a lock on the requested job"}
	}
	return err
}
