package flowable

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waybill-io/waybill/external"
)

// list is a page of jobs.
type list struct {
	Data  []job  `json:"data"`
	Total int    `json:"total"`
	Start int    `json:"start"`
	Sort  string `json:"sort"`
	Order string `json:"order"`
	Size  int    `json:"size"`
}

// sorts are what jobs can be sorted by.
var sorts = map[string]func(a, b *external.Task) int{
	"id":         func(a, b *external.Task) int { return strings.Compare(a.ID, b.ID) },
	"dueDate":    func(_, _ *external.Task) int { return 0 }, // they have none
	"createTime": func(a, b *external.Task) int { return a.Created.Compare(b.Created) },
	"executionId": func(a, b *external.Task) int {
		return strings.Compare(a.Context.ProcessInstanceID, b.Context.ProcessInstanceID)
	},
	"processInstanceId": func(a, b *external.Task) int {
		return strings.Compare(a.Context.ProcessInstanceID, b.Context.ProcessInstanceID)
	},
	"retries":  func(a, b *external.Task) int { return retries(a) - retries(b) },
	"tenantId": func(a, b *external.Task) int { return strings.Compare(a.Context.Tenant, b.Context.Tenant) },
}

// defaultSize is how many jobs a page has.
const defaultSize = 10

func (s *Server) jobs(r *http.Request, by external.Scope) (any, error) {
	q := r.URL.Query()
	page := list{Sort: cmp.Or(q.Get("sort"), "id"), Order: cmp.Or(q.Get("order"), "asc"), Size: defaultSize}
	compare := sorts[page.Sort]
	switch {
	case compare == nil:
		return nil, bad("Value for param 'sort' is not valid, '%.100s' is not a valid property", page.Sort)
	case page.Order != "asc" && page.Order != "desc":
		return nil, bad("Value for param 'order' is not valid : '%.100s', must be 'asc' or 'desc'", page.Order)
	}
	for name, into := range map[string]*int{"start": &page.Start, "size": &page.Size} {
		if text := q.Get(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil {
				return nil, bad("%s: '%.100s' is no number", name, text)
			}
			if n >= 0 {
				*into = n
			}
		}
	}
	found, err := s.Tasks.List(r.Context(), filter(q, by))
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(found.Tasks, func(a, b *external.Task) int {
		if page.Order == "desc" {
			a, b = b, a
		}
		return compare(a, b)
	})
	page.Total = len(found.Tasks)
	from := min(page.Start, page.Total)
	page.Data = []job{}
	for _, t := range found.Tasks[from:min(from+page.Size, page.Total)] {
		page.Data = append(page.Data, jobOf(r, t))
	}
	page.Size = len(page.Data)
	return page, nil
}

// filter is what a query asks for. Jobs that have failed for good are none of these, but dead letter jobs.
func filter(q url.Values, by external.Scope) external.Filter {
	f := external.Filter{Scope: by}
	for name, into := range map[string]*[]string{"id": &f.IDs, "processInstanceId": &f.Instances} {
		if v := q.Get(name); v != "" {
			*into = []string{v}
		}
	}
	if f.Instances == nil && q.Get("executionId") != "" {
		f.Instances = []string{q.Get("executionId")}
	}
	key, _, _ := strings.Cut(q.Get("processDefinitionId"), ":")
	if key != "" {
		f.Keys = []string{key}
	}
	pattern := regexp.QuoteMeta(strings.ToValidUTF8(q.Get("tenantIdLike"), "\ufffd")) // what is not UTF-8 would be no expression
	like := regexp.MustCompile("^" + strings.NewReplacer("%", ".*", "_", ".").Replace(pattern) + "$")
	is := func(name, has string) bool { return q.Get(name) == "" || q.Get(name) == has }
	yes := func(name string) bool { return q.Get(name) == "true" }
	f.Match = func(t *external.Task) bool {
		c, locked := t.Context, t.Until.After(time.Now())
		return t.Incident == 0 && (q.Get("scopeType") == "" || q.Get("scopeType") == "bpmn") && q.Get("scopeId") == "" && q.Get("subScopeId") == "" && q.Get("scopeDefinitionId") == "" &&
			is("executionId", c.ProcessInstanceID) && is("processDefinitionId", c.ProcessDefinitionID()) && is("elementId", c.ElementID) && is("elementName", c.ElementName) &&
			is("exceptionMessage", t.ErrorMessage) && (!yes("withException") || t.ErrorMessage != "") && is("tenantId", c.Tenant) &&
			(q.Get("tenantIdLike") == "" || like.MatchString(c.Tenant)) && (!yes("withoutTenantId") || c.Tenant == "") && (!yes("locked") || locked) && (!yes("unlocked") || !locked)
	}
	return f
}

// find finds a job that has not failed for good.
func (s *Server) find(r *http.Request, by external.Scope, id string) (*external.Task, error) {
	t, err := s.Tasks.Get(r.Context(), id, by)
	if err == nil && t.Incident > 0 {
		err = external.ErrGone
	}
	return t, about(err, id, "")
}

func (s *Server) job(r *http.Request, by external.Scope) (any, error) {
	t, err := s.find(r, by, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return jobOf(r, t), nil
}

// cmmnTerminate terminates nothing: no job is one of CMMN.
func (s *Server) cmmnTerminate(r *http.Request, by external.Scope) (any, error) {
	return told(r, by, noWorker, func(id string, by external.By, in *report) error {
		if _, err := plain(in.Variables); err != nil {
			return err
		}
		t, err := s.find(r, by.Scope, id)
		if err != nil {
			return err
		}
		if t.Worker != by.Worker {
			return &external.LockedError{ID: id, Worker: t.Worker}
		}
		return bad("Can only terminate CMMN external job. Job with id '%s' is from scope 'null'", id)
	})
}

// unacquireAll gives back all jobs that a worker has, of a tenant if one is named.
func (s *Server) unacquireAll(r *http.Request, by external.Scope) (any, error) {
	var in struct {
		WorkerID string `json:"workerId"`
		Tenant   string `json:"tenantId"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if in.WorkerID == "" {
		return nil, bad("worker id is required")
	}
	found, err := s.Tasks.List(r.Context(), external.Filter{Scope: by, Match: func(t *external.Task) bool {
		return t.Worker == in.WorkerID && (in.Tenant == "" || in.Tenant == t.Context.Tenant)
	}})
	if err != nil {
		return nil, err
	}
	for _, t := range found.Tasks {
		err := s.Tasks.Return(r.Context(), t.ID, external.By{Scope: by, Worker: in.WorkerID})
		_, locked := errors.AsType[*external.LockedError](err)
		if err != nil && !locked && !errors.Is(err, external.ErrGone) { // else it is not its any more
			return nil, err
		}
	}
	return nil, nil
}
