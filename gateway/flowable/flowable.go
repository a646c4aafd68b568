package flowable

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/external"
)

// Server answers calls of /external-job-api. How large requests may be is up to whoever serves it.
type Server struct {
	Tasks  *external.Tasks
	Broker *external.Broker
	// Admit tells what a caller may do. Its error wraps external.ErrNoToken, or external.ErrForbidden.
	Admit func(*http.Request) (external.Scope, error)
}

const (
	base = "/external-job-api"
	// defaultRetries is with how many a job begins whose model says nothing.
	defaultRetries = 3
	// timeFormat is that of dates: ISO 8601 with milliseconds.
	timeFormat = "2006-01-02T15:04:05.000Z07:00"
)

// Routes are the calls, under /external-job-api.
func (s *Server) Routes() map[string]http.Handler {
	return map[string]http.Handler{
		"POST " + base + "/acquire/jobs":                    s.admitted(s.acquire),
		"POST " + base + "/acquire/jobs/{id}/complete":      s.admitted(s.complete),
		"POST " + base + "/acquire/jobs/{id}/bpmnError":     s.admitted(s.bpmnError),
		"POST " + base + "/acquire/jobs/{id}/cmmnTerminate": s.admitted(s.cmmnTerminate),
		"POST " + base + "/acquire/jobs/{id}/fail":          s.admitted(s.fail),
		"POST " + base + "/unacquire/jobs":                  s.admitted(s.unacquireAll),
		"POST " + base + "/unacquire/jobs/{id}":             s.admitted(s.unacquire),
		"GET " + base + "/jobs":                             s.admitted(s.jobs),
		"GET " + base + "/jobs/{id}":                        s.admitted(s.job),
	}
}

// admitted lets those through who may call.
func (s *Server) admitted(next func(*http.Request, external.Scope) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		by, err := s.Admit(r)
		if err != nil {
			fail(w, err)
			return
		}
		answer, err := next(r, by)
		switch {
		case err != nil:
			fail(w, err)
		case answer == nil:
			w.WriteHeader(http.StatusNoContent)
		default:
			reply(w, http.StatusOK, answer)
		}
	})
}

type acquireRequest struct {
	Topic         string    `json:"topic"`
	LockDuration  *duration `json:"lockDuration"`
	NumberOfTasks *int      `json:"numberOfTasks"`
	WorkerID      string    `json:"workerId"`
	ScopeType     *string   `json:"scopeType"`
	// numberOfRetries is how often Flowable tries again when two acquire the same job, which cannot happen here.
}

func (s *Server) acquire(r *http.Request, by external.Scope) (any, error) {
	var in acquireRequest
	if err := read(r, &in); err != nil {
		return nil, err
	}
	switch {
	case in.Topic == "":
		return nil, bad("topic is required")
	case in.LockDuration == nil:
		return nil, bad("lockDuration is required")
	case in.WorkerID == "":
		return nil, bad("workerId is required")
	case in.ScopeType != nil && *in.ScopeType != "bpmn":
		return []acquired{}, nil
	}
	n := 1
	if in.NumberOfTasks != nil {
		n = min(*in.NumberOfTasks, external.MostTasks)
	}
	found, err := s.Broker.Fetch(r.Context(), external.Request{
		Scope: by, Worker: in.WorkerID, Topics: []external.Wanted{{Topic: in.Topic, Lock: time.Duration(*in.LockDuration)}}, Max: n,
	})
	if err != nil {
		return nil, err
	}
	jobs := make([]acquired, 0, len(found))
	for _, t := range found {
		jobs = append(jobs, acquired{jobOf(r, t), variablesOf(t.Variables)})
	}
	return jobs, nil
}

// job is an external task. What it has of CMMN is null.
type job struct {
	ID            string  `json:"id"`
	URL           string  `json:"url"`
	Correlation   string  `json:"correlationId"`
	Instance      string  `json:"processInstanceId"`
	DefinitionID  string  `json:"processDefinitionId"`
	Execution     string  `json:"executionId"`
	Scope         *string `json:"scopeId"`
	SubScope      *string `json:"subScopeId"`
	ScopeDef      *string `json:"scopeDefinitionId"`
	ScopeType     *string `json:"scopeType"`
	Element       string  `json:"elementId"`
	ElementName   *string `json:"elementName"`
	Retries       int     `json:"retries"`
	Exception     *string `json:"exceptionMessage"`
	Due           *string `json:"dueDate"`
	Created       string  `json:"createTime"`
	Tenant        string  `json:"tenantId"`
	LockOwner     *string `json:"lockOwner"`
	LockExpiresAt *string `json:"lockExpirationTime"`
}

type acquired struct {
	job
	Variables []variable `json:"variables"`
}

func jobOf(r *http.Request, t *external.Task) job {
	c := t.Context
	j := job{
		ID: t.ID, URL: address(r) + base + "/jobs/" + t.ID, Correlation: t.ID, Instance: c.ProcessInstanceID,
		DefinitionID: c.ProcessDefinitionID(), Execution: c.ProcessInstanceID,
		Element: c.ElementID, ElementName: orNull(c.ElementName), Retries: retries(t), Exception: orNull(t.ErrorMessage),
		Created: t.Created.UTC().Format(timeFormat), Tenant: c.Tenant, LockOwner: orNull(t.Worker),
	}
	if !t.Until.IsZero() {
		j.LockExpiresAt = orNull(t.Until.UTC().Format(timeFormat))
	}
	return j
}

func retries(t *external.Task) int {
	if t.Retries != nil {
		return *t.Retries
	}
	return defaultRetries
}

// address is how the caller has called.
func address(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// duration is one of ISO 8601, counted from now where it has months.
type duration time.Duration

func (d *duration) UnmarshalText(text []byte) error {
	parsed, err := bpmn.ParseDuration(string(text))
	if err != nil {
		return err
	}
	now := time.Now()
	*d = duration(parsed.AddTo(now).Sub(now))
	return nil
}

func read(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return bad("cannot read the request: %s", err)
	}
	return nil
}

func reply(w http.ResponseWriter, code int, content any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(content) // the client has gone
}
