package processengine

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/waybill-io/waybill/external"
)

// fetch locks tasks for a worker, or waits for some. Whoever names no worker, or no topic, is given none, at once.
func (s *Server) fetch(show func(*external.Task) any) call {
	return func(w http.ResponseWriter, r *http.Request, by external.Scope, in *request) error {
		answer := []any{}
		if in.Worker == "" || len(in.Topics) == 0 {
			reply(w, http.StatusOK, answer)
			return nil
		}
		accept, err := in.Filter.filter()
		if err != nil {
			return err
		}
		ask := external.Request{Scope: by, Worker: string(in.Worker), Max: external.MostTasks, Wait: in.Wait.duration(longestWait)}
		if in.Max >= 1 {
			ask.Max = int(min(in.Max, external.MostTasks))
		}
		for _, topic := range in.Topics {
			ask.Topics = append(ask.Topics, external.Wanted{Topic: topic, Lock: in.Lock.duration(external.MaxLock), Accept: accept})
		}
		found, err := s.Broker.Fetch(r.Context(), ask)
		if err != nil {
			return err
		}
		slices.SortFunc(found, func(a, b *external.Task) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID)) })
		for _, t := range found {
			answer = append(answer, show(t))
		}
		reply(w, http.StatusOK, answer)
		return nil
	}
}

// worker is who answers for a task: whoever does, unless it is another's at the time.
func (in *request) worker(by external.Scope) external.By {
	return external.By{Scope: by, Worker: string(in.Worker), Anybody: true}
}

func (s *Server) extendLock(w http.ResponseWriter, r *http.Request, by external.Scope, in *request) error {
	return done(w, s.Tasks.Extend(r.Context(), r.PathValue("id"), in.worker(by), in.More.duration(external.MaxLock)))
}

// finish has the result of a worker, which is any JSON, become token.current of the process. The fields of an object are variables, too.
func (s *Server) finish(w http.ResponseWriter, r *http.Request, by external.Scope, in *request) error {
	var result external.Result
	d := json.NewDecoder(bytes.NewReader(in.Result))
	d.UseNumber()
	if err := d.Decode(&result.Variables); err != nil || result.Variables == nil {
		result = external.Result{Token: json.RawMessage(cmp.Or(string(in.Result), "null"))}
	}
	return done(w, s.Tasks.Complete(r.Context(), r.PathValue("id"), in.worker(by), result))
}

// handleBPMNError throws a BPMN error. One without a code has its name for a code, as error events of process-engine catch by that, too.
func (s *Server) handleBPMNError(w http.ResponseWriter, r *http.Request, by external.Scope, in *request) error {
	code := cmp.Or(in.Code, "BpmnError")
	return done(w, s.Tasks.BPMNError(r.Context(), r.PathValue("id"), in.worker(by), string(code), string(in.Message), nil))
}

func (s *Server) handleServiceError(w http.ResponseWriter, r *http.Request, by external.Scope, in *request) error {
	return s.failed(w, r, by, in, &in.problemOf)
}

// failed ends a task with an error, which an error event of the model may catch. What nothing catches is an incident.
func (s *Server) failed(w http.ResponseWriter, r *http.Request, by external.Scope, in *request, p *problemOf) error {
	f := external.Failure{Catchable: true, Code: string(p.Code), Message: string(p.Message), Details: string(p.Details)}
	return done(w, s.Tasks.Fail(r.Context(), r.PathValue("id"), in.worker(by), f))
}

func done(w http.ResponseWriter, err error) error {
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}
