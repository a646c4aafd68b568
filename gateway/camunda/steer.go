package camunda

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/waybill-io/waybill/external"
)

func (s *Server) setRetries(w http.ResponseWriter, r *http.Request, by external.Scope) {
	var in struct {
		Retries *int `json:"retries"`
	}
	if !read(w, r, &in) {
		return
	}
	err := checkRetries(in.Retries)
	if err == nil {
		err = about(s.Tasks.SetRetries(r.Context(), r.PathValue("id"), by, *in.Retries), r.PathValue("id"), "", r.URL.Path)
	}
	done(w, err)
}

func checkRetries(retries *int) error {
	switch {
	case retries == nil:
		return invalid("The number of retries cannot be null.")
	case *retries < 0:
		return &problem{http.StatusBadRequest, "BadUserRequestException", "The number of retries cannot be negative: retries is not greater than or equal to 0"}
	}
	return nil
}

func (s *Server) setPriority(w http.ResponseWriter, r *http.Request, by external.Scope) {
	var in struct {
		Priority *int `json:"priority"`
	}
	if !read(w, r, &in) {
		return
	}
	if in.Priority == nil {
		fail(w, invalid("The priority cannot be null."))
		return
	}
	done(w, about(s.Tasks.SetPriority(r.Context(), r.PathValue("id"), by, *in.Priority), r.PathValue("id"), "", r.URL.Path))
}

func done(w http.ResponseWriter, err error) {
	if err != nil {
		fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// many names tasks whose retries are set together.
type many struct {
	Retries   *int           `json:"retries"`
	IDs       []string       `json:"externalTaskIds"`
	Instances []string       `json:"processInstanceIds"`
	Query     *query         `json:"externalTaskQuery"`
	Processes map[string]any `json:"processInstanceQuery"`
	History   map[string]any `json:"historicProcessInstanceQuery"`
}

func (s *Server) setAllRetries(w http.ResponseWriter, r *http.Request, by external.Scope) {
	var in many
	if read(w, r, &in) {
		_, err := s.setMany(r.Context(), by, &in)
		done(w, err)
	}
}

// setAllRetriesLater answers with a batch. It is done by then, so that there is nothing to look after.
func (s *Server) setAllRetriesLater(w http.ResponseWriter, r *http.Request, by external.Scope) {
	var in many
	if !read(w, r, &in) {
		return
	}
	began := time.Now().Format(timeFormat)
	n, err := s.setMany(r.Context(), by, &in)
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusOK, map[string]any{
		"id": strings.ToLower(rand.Text()), "type": "set-external-task-retries", "totalJobs": n, "jobsCreated": n, "batchJobsPerSeed": 100, "invocationsPerBatchJob": 1,
		"seedJobDefinitionId": nil, "monitorJobDefinitionId": nil, "batchJobDefinitionId": nil, "suspended": false, "tenantId": nil, "createUserId": orNull(by.User),
		"startTime": began, "executionStartTime": began,
	})
}

// setMany sets the retries of many tasks: of none, when one of those that are named is not there.
func (s *Server) setMany(ctx context.Context, by external.Scope, in *many) (int, error) {
	if err := checkRetries(in.Retries); err != nil {
		return 0, invalid("%s", err)
	}
	found, err := s.named(ctx, by, in)
	if err != nil {
		return 0, err
	}
	_, err = s.Tasks.SetRetriesOf(ctx, slices.Collect(maps.Keys(found)), by, *in.Retries)
	return len(found), err
}

// named are the ids of the tasks that a request means.
func (s *Server) named(ctx context.Context, by external.Scope, in *many) (map[string]bool, error) {
	if in.Processes != nil || in.History != nil {
		return nil, invalid("Queries of process instances are not supported here: name the tasks by externalTaskIds, processInstanceIds or an externalTaskQuery")
	}
	var filters []external.Filter
	if len(in.IDs) > 0 {
		filters = append(filters, external.Filter{Scope: by, IDs: in.IDs})
	}
	if len(in.Instances) > 0 {
		filters = append(filters, external.Filter{Scope: by, Instances: in.Instances})
	}
	if in.Query != nil {
		if err := in.Query.check(); err != nil {
			return nil, err
		}
		filters = append(filters, in.Query.filter(by))
	}
	found := map[string]bool{}
	for _, f := range filters {
		l, err := s.Tasks.List(ctx, f)
		if err != nil {
			return nil, err
		}
		if l.Partial {
			return nil, invalid("More than %d process instances may have such tasks: narrow the query", external.LookAtMost)
		}
		for _, t := range l.Tasks {
			found[t.ID] = true
		}
	}
	for _, id := range in.IDs {
		if !found[id] {
			return nil, &problem{http.StatusNotFound, "InvalidRequestException", fmt.Sprintf("Cannot find external task with id %s", id)}
		}
	}
	if len(found) == 0 {
		return nil, invalid("externalTaskIds is empty")
	}
	return found, nil
}
