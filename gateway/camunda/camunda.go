package camunda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/waybill-io/waybill/external"
)

// Tasks are the external tasks that are served: external.Tasks.
type Tasks interface {
	Complete(ctx context.Context, id string, by external.By, r external.Result) error
	Fail(ctx context.Context, id string, by external.By, f external.Failure) error
	BPMNError(ctx context.Context, id string, by external.By, code, message string, variables map[string]any) error
	Extend(ctx context.Context, id string, by external.By, lock time.Duration) error
	Unlock(ctx context.Context, id string, by external.Scope) error
}

// Broker gives tasks to those who wait: external.Broker.
type Broker interface {
	Fetch(ctx context.Context, r external.Request) ([]*external.Task, error)
}

// Server answers calls of /engine-rest.
type Server struct {
	Tasks  Tasks
	Broker Broker
	// Admit tells what a caller may do. Its error wraps external.ErrNoToken, or external.ErrForbidden.
	Admit func(*http.Request) (external.Scope, error)
}

const (
	maxBody = 4 << 20
	// longestWait is what Camunda lets a request wait at most.
	longestWait = 30 * time.Minute
	// mostTasks bounds what one request gets: one that asks for a million is given so many.
	mostTasks = 1000
	// timeFormat is Camunda's default of dates.
	timeFormat = "2006-01-02T15:04:05.000-0700"
)

// Routes are the calls, under /engine-rest.
func (s *Server) Routes() map[string]http.Handler {
	return map[string]http.Handler{
		"POST /engine-rest/external-task/fetchAndLock":    s.admitted(s.fetchAndLock),
		"POST /engine-rest/external-task/{id}/complete":   s.admitted(s.complete),
		"POST /engine-rest/external-task/{id}/failure":    s.admitted(s.failure),
		"POST /engine-rest/external-task/{id}/bpmnError":  s.admitted(s.bpmnError),
		"POST /engine-rest/external-task/{id}/extendLock": s.admitted(s.extendLock),
		"POST /engine-rest/external-task/{id}/unlock":     s.admitted(s.unlock),
	}
}

// admitted lets those through who may call.
func (s *Server) admitted(next func(http.ResponseWriter, *http.Request, external.Scope)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		by, err := s.Admit(r)
		if err != nil {
			fail(w, err)
			return
		}
		next(w, r, by)
	})
}

type fetchRequest struct {
	WorkerID    string `json:"workerId"`
	MaxTasks    *int   `json:"maxTasks"`
	UsePriority bool   `json:"usePriority"`
	Wait        *int64 `json:"asyncResponseTimeout"`
	Sorting     []struct {
		SortBy    string `json:"sortBy"`
		SortOrder string `json:"sortOrder"`
	} `json:"sorting"`
	Topics []topic `json:"topics"`
}

type topic struct {
	Name         string         `json:"topicName"`
	LockDuration int64          `json:"lockDuration"`
	Variables    *[]string      `json:"variables"`
	Properties   bool           `json:"includeExtensionProperties"`
	Deserialize  bool           `json:"deserializeValues"`
	BusinessKey  *string        `json:"businessKey"`
	Having       map[string]any `json:"processVariables"`
	Key          string         `json:"processDefinitionKey"`
	Keys         []string       `json:"processDefinitionKeyIn"`
	ID           string         `json:"processDefinitionId"`
	IDs          []string       `json:"processDefinitionIdIn"`
	Tenants      []string       `json:"tenantIdIn"`
	NoTenant     bool           `json:"withoutTenantId"`
}

// check says what is wrong with a request, as Camunda does.
func (r *fetchRequest) check() error {
	switch {
	case r.WorkerID == "":
		return engine("workerId is null")
	case r.MaxTasks == nil || *r.MaxTasks < 0:
		return engine("maxResults is not greater than or equal to 0")
	case r.Wait != nil && *r.Wait > longestWait.Milliseconds():
		return invalid("The asynchronous response timeout cannot be set to a value greater than %d milliseconds", longestWait.Milliseconds())
	}
	for _, t := range r.Topics {
		switch {
		case t.Name == "":
			return engine("topicName is null")
		case t.LockDuration <= 0:
			return engine("lockTime is not greater than 0")
		}
	}
	for _, by := range r.Sorting {
		if by.SortBy != "createTime" || by.SortOrder != "asc" && by.SortOrder != "desc" {
			return invalid("Cannot set query sortBy parameter to value %s", by.SortBy)
		}
	}
	return nil
}

// accepts is the filter of a topic.
func (t *topic) accepts(o *external.Offered) bool {
	c := o.Input.Context
	id := fmt.Sprintf("%s:%d", c.ProcessDefinitionKey, c.ProcessDefinitionVersion)
	in := func(list []string, one, v string) bool {
		return (one == "" || one == v) && (len(list) == 0 || slices.Contains(list, v))
	}
	if t.BusinessKey != nil && *t.BusinessKey != c.BusinessKey || t.NoTenant && c.Tenant != "" {
		return false
	}
	if !in(t.Keys, t.Key, c.ProcessDefinitionKey) || !in(t.IDs, t.ID, id) || !in(t.Tenants, "", c.Tenant) {
		return false
	}
	for name, want := range t.Having {
		if fmt.Sprint(numbers(want)) != fmt.Sprint(o.Input.Variables[name]) {
			return false
		}
	}
	return true
}

func (s *Server) fetchAndLock(w http.ResponseWriter, r *http.Request, by external.Scope) {
	var in fetchRequest
	if !read(w, r, &in) {
		return
	}
	if err := in.check(); err != nil {
		fail(w, err)
		return
	}
	request := external.Request{Scope: by, Worker: in.WorkerID, Max: min(*in.MaxTasks, mostTasks)}
	byName := map[string]*topic{}
	for i := range in.Topics {
		t := &in.Topics[i]
		byName[t.Name] = t
		request.Topics = append(request.Topics, external.Wanted{Topic: t.Name, Lock: external.Milliseconds(t.LockDuration), Accept: t.accepts})
	}
	if in.Wait != nil {
		request.Wait = external.Milliseconds(*in.Wait)
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(request.Wait + time.Minute)) // where there is one
	}
	found, err := s.Broker.Fetch(r.Context(), request)
	if err != nil {
		fail(w, err)
		return
	}
	slices.SortStableFunc(found, func(a, b *external.Task) int {
		if in.UsePriority && a.Priority != b.Priority {
			return b.Priority - a.Priority
		}
		for _, by := range in.Sorting {
			if by.SortOrder == "desc" {
				return b.Created.Compare(a.Created)
			}
			return a.Created.Compare(b.Created)
		}
		return 0
	})
	answer := make([]locked, 0, len(found))
	for _, t := range found {
		answer = append(answer, lockedOf(t, byName[t.Topic]))
	}
	reply(w, http.StatusOK, answer)
}

// locked is a task that was fetched.
type locked struct {
	ID              string            `json:"id"`
	Topic           string            `json:"topicName"`
	WorkerID        string            `json:"workerId"`
	Until           string            `json:"lockExpirationTime"`
	Created         string            `json:"createTime"`
	Instance        string            `json:"processInstanceId"`
	DefinitionID    string            `json:"processDefinitionId"`
	DefinitionKey   string            `json:"processDefinitionKey"`
	VersionTag      *string           `json:"processDefinitionVersionTag"`
	Execution       string            `json:"executionId"`
	Activity        string            `json:"activityId"`
	ActivityInst    string            `json:"activityInstanceId"`
	Tenant          *string           `json:"tenantId"`
	Retries         *int              `json:"retries"`
	Suspended       bool              `json:"suspended"`
	ErrorMessage    *string           `json:"errorMessage"`
	ErrorDetails    *string           `json:"errorDetails"`
	Priority        int               `json:"priority"`
	BusinessKey     *string           `json:"businessKey"`
	ExtensionValues map[string]string `json:"extensionProperties,omitempty"`
	Variables       map[string]value  `json:"variables"`
}

func lockedOf(t *external.Task, asked *topic) locked {
	c := t.Context
	out := locked{
		ID: t.ID, Topic: t.Topic, WorkerID: t.Worker, Until: t.Until.Format(timeFormat), Created: t.Created.Format(timeFormat), Instance: c.ProcessInstanceID,
		DefinitionID: fmt.Sprintf("%s:%d", c.ProcessDefinitionKey, c.ProcessDefinitionVersion), DefinitionKey: c.ProcessDefinitionKey,
		Execution: c.ProcessInstanceID, Activity: c.ElementID, ActivityInst: c.ElementID + ":" + t.ID, Tenant: orNull(c.Tenant), Retries: t.Retries,
		ErrorMessage: orNull(t.ErrorMessage), ErrorDetails: orNull(t.ErrorDetails), Priority: t.Priority, BusinessKey: orNull(c.BusinessKey), Variables: map[string]value{},
	}
	if asked.Properties {
		out.ExtensionValues = t.Properties
	}
	for name, v := range t.Variables {
		if asked.Variables == nil || slices.Contains(*asked.Variables, name) {
			out.Variables[name] = typed(v, asked.Deserialize)
		}
	}
	return out
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
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
}

// told reads a report and does something about it.
func (s *Server) told(w http.ResponseWriter, r *http.Request, by external.Scope, do func(ctx context.Context, id string, by external.By, in *report, result external.Result) error) {
	var in report
	if !read(w, r, &in) {
		return
	}
	if in.WorkerID == "" {
		fail(w, engine("workerId is null"))
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
			return engine("The number of retries cannot be negative")
		case in.RetryTimeout < 0:
			return engine("Retry duration must be positive")
		}
		return s.Tasks.Fail(ctx, id, by, external.Failure{
			Message: in.ErrorMessage, Details: in.ErrorDetails, Retries: in.Retries, After: external.Milliseconds(in.RetryTimeout), Result: result,
		})
	})
}

func (s *Server) bpmnError(w http.ResponseWriter, r *http.Request, by external.Scope) {
	s.told(w, r, by, func(ctx context.Context, id string, by external.By, in *report, result external.Result) error {
		if in.ErrorCode == "" {
			return engine("bpmn error code cannot be null")
		}
		return s.Tasks.BPMNError(ctx, id, by, in.ErrorCode, in.ErrorMessage, result.Variables)
	})
}

func (s *Server) extendLock(w http.ResponseWriter, r *http.Request, by external.Scope) {
	s.told(w, r, by, func(ctx context.Context, id string, by external.By, in *report, _ external.Result) error {
		if in.NewDuration <= 0 {
			return invalid("The new lock duration must be greater than 0")
		}
		return s.Tasks.Extend(ctx, id, by, external.Milliseconds(in.NewDuration))
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
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
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
