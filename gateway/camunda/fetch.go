package camunda

import (
	"net/http"
	"slices"

	"github.com/waybill-io/waybill/external"
)

type fetchRequest struct {
	WorkerID    string    `json:"workerId"`
	MaxTasks    *int      `json:"maxTasks"`
	UsePriority bool      `json:"usePriority"`
	Wait        *int64    `json:"asyncResponseTimeout"`
	Sorting     []sorting `json:"sorting"`
	Topics      []topic   `json:"topics"`
}

type topic struct {
	Name         string         `json:"topicName"`
	LockDuration int64          `json:"lockDuration"`
	Variables    *[]string      `json:"variables"`
	Local        bool           `json:"localVariables"`
	Properties   bool           `json:"includeExtensionProperties"`
	Deserialize  bool           `json:"deserializeValues"`
	BusinessKey  *string        `json:"businessKey"`
	Having       map[string]any `json:"processVariables"`
	Key          string         `json:"processDefinitionKey"`
	Keys         []string       `json:"processDefinitionKeyIn"`
	VersionTag   string         `json:"processDefinitionVersionTag"`
	ID           string         `json:"processDefinitionId"`
	IDs          []string       `json:"processDefinitionIdIn"`
	Tenants      []string       `json:"tenantIdIn"`
	NoTenant     bool           `json:"withoutTenantId"`
}

// check says what is wrong with a request, as Camunda does.
func (r *fetchRequest) check() error {
	switch {
	case r.WorkerID == "":
		return null("workerId")
	case r.MaxTasks == nil || *r.MaxTasks < 0:
		return wrong("maxResults is not greater than or equal to 0")
	case r.Wait != nil && *r.Wait > longestWait.Milliseconds():
		return invalid("The asynchronous response timeout cannot be set to a value greater than %d milliseconds", longestWait.Milliseconds())
	}
	for _, t := range r.Topics {
		switch {
		case t.Name == "":
			return null("topicName")
		case t.LockDuration <= 0:
			return wrong("lockTime is not greater than 0")
		}
	}
	for _, by := range r.Sorting {
		if err := by.check(func(name string) bool { return name == "createTime" }); err != nil {
			return err
		}
	}
	return nil
}

// accepts is the filter of a topic.
func (t *topic) accepts(o *external.Offered) bool {
	c := o.Input.Context
	id := c.ProcessDefinitionID()
	in := func(list []string, one, v string) bool {
		return (one == "" || one == v) && (len(list) == 0 || slices.Contains(list, v))
	}
	if t.BusinessKey != nil && *t.BusinessKey != c.BusinessKey || t.NoTenant && c.Tenant != "" || t.VersionTag != "" && t.VersionTag != o.Input.VersionTag {
		return false
	}
	if !in(t.Keys, t.Key, c.ProcessDefinitionKey) || !in(t.IDs, t.ID, id) || !in(t.Tenants, "", c.Tenant) {
		return false
	}
	for name, want := range t.Having {
		if v, has := o.Input.Variables[name]; !has || !equal(numbers(want), v, false) {
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
	request := external.Request{Scope: by, Worker: in.WorkerID, Max: min(*in.MaxTasks, external.MostTasks)}
	byName := map[string]*topic{}
	for i := range in.Topics {
		t := &in.Topics[i]
		byName[t.Name] = t
		request.Topics = append(request.Topics, external.Wanted{Topic: t.Name, Lock: external.Milliseconds(t.LockDuration), Accept: t.accepts})
	}
	if in.Wait != nil {
		request.Wait = external.Milliseconds(*in.Wait)
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
		return compare(in.Sorting, a, b)
	})
	answer := make([]locked, 0, len(found))
	for _, t := range found {
		answer = append(answer, lockedOf(t, byName[t.Topic]))
	}
	reply(w, http.StatusOK, answer)
}
