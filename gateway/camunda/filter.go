package camunda

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waybill-io/waybill/external"
)

// query narrows a list of tasks. What is not given does not.
type query struct {
	ID            *string    `json:"externalTaskId"`
	IDs           []string   `json:"externalTaskIdIn"`
	Activity      *string    `json:"activityId"`
	Activities    []string   `json:"activityIdIn"`
	Before        *string    `json:"lockExpirationBefore"`
	After         *string    `json:"lockExpirationAfter"`
	Topic         *string    `json:"topicName"`
	Locked        bool       `json:"locked"`
	NotLocked     bool       `json:"notLocked"`
	Execution     *string    `json:"executionId"`
	Instance      *string    `json:"processInstanceId"`
	Instances     []string   `json:"processInstanceIdIn"`
	Key           *string    `json:"processDefinitionKey"`
	Keys          []string   `json:"processDefinitionKeyIn"`
	DefinitionID  *string    `json:"processDefinitionId"`
	Name          *string    `json:"processDefinitionName"`
	NameLike      *string    `json:"processDefinitionNameLike"`
	Active        bool       `json:"active"`
	Suspended     bool       `json:"suspended"`
	RetriesLeft   bool       `json:"withRetriesLeft"`
	NoRetriesLeft bool       `json:"noRetriesLeft"`
	Worker        *string    `json:"workerId"`
	Tenants       []string   `json:"tenantIdIn"`
	PriorityFrom  *int       `json:"priorityHigherThanOrEquals"`
	PriorityTo    *int       `json:"priorityLowerThanOrEquals"`
	NamesAnyCase  bool       `json:"variableNamesIgnoreCase"`
	ValuesAnyCase bool       `json:"variableValuesIgnoreCase"`
	Variables     []variable `json:"processVariables"`
	Sorting       []sorting  `json:"sorting"`
	before, after time.Time
	now           time.Time
}

// readQuery reads a query from the address of a GET, or from the body of a POST.
func readQuery(w http.ResponseWriter, r *http.Request) (*query, error) {
	q := &query{}
	if r.Method == http.MethodPost {
		if !read(w, r, q) {
			return nil, nil
		}
		return q, q.check()
	}
	given := &parameters{values: r.URL.Query()}
	for name, text := range map[string]**string{
		"externalTaskId": &q.ID, "activityId": &q.Activity, "lockExpirationBefore": &q.Before, "lockExpirationAfter": &q.After, "topicName": &q.Topic,
		"executionId": &q.Execution, "processInstanceId": &q.Instance, "processDefinitionKey": &q.Key, "processDefinitionId": &q.DefinitionID,
		"processDefinitionName": &q.Name, "processDefinitionNameLike": &q.NameLike, "workerId": &q.Worker,
	} {
		*text = given.text(name)
	}
	for name, list := range map[string]*[]string{
		"externalTaskIdIn": &q.IDs, "activityIdIn": &q.Activities, "processInstanceIdIn": &q.Instances, "processDefinitionKeyIn": &q.Keys, "tenantIdIn": &q.Tenants,
	} {
		if text := given.text(name); text != nil && *text != "" {
			*list = strings.Split(*text, ",")
		}
	}
	for name, flag := range map[string]*bool{
		"locked": &q.Locked, "notLocked": &q.NotLocked, "active": &q.Active, "suspended": &q.Suspended, "withRetriesLeft": &q.RetriesLeft,
		"noRetriesLeft": &q.NoRetriesLeft, "variableNamesIgnoreCase": &q.NamesAnyCase, "variableValuesIgnoreCase": &q.ValuesAnyCase,
	} {
		*flag = given.flag(name)
	}
	q.PriorityFrom, q.PriorityTo = given.number("priorityHigherThanOrEquals"), given.number("priorityLowerThanOrEquals")
	if text := given.text("processVariables"); text != nil {
		for one := range strings.SplitSeq(*text, ",") {
			parts := strings.Split(one, "_")
			if len(parts) != 3 {
				return nil, invalid("variable query parameter has to have format KEY_OPERATOR_VALUE.")
			}
			q.Variables = append(q.Variables, variable{Name: parts[0], Operator: parts[1], Value: parts[2]})
		}
	}
	if by, order := given.text("sortBy"), given.text("sortOrder"); (by == nil) != (order == nil) {
		return nil, invalid("Only a single sorting parameter specified. sortBy and sortOrder required")
	} else if by != nil {
		q.Sorting = []sorting{{*by, *order}}
	}
	if given.err != nil {
		return nil, given.err
	}
	return q, q.check()
}

// check says what is wrong with a query, as Camunda does.
func (q *query) check() (err error) {
	for _, by := range q.Sorting {
		if err := by.check(func(name string) bool { return sorts[name] != nil }); err != nil {
			return err
		}
	}
	for _, v := range q.Variables {
		if !slices.Contains(operators, v.Operator) {
			return invalid("Invalid process variable comparator specified: %s", v.Operator)
		}
	}
	if q.Before != nil {
		if q.before, err = readTime(*q.Before); err != nil {
			return err
		}
	}
	if q.After != nil {
		q.after, err = readTime(*q.After)
	}
	q.now = time.Now()
	return err
}

// filter is what a query asks Waybill for.
func (q *query) filter(by external.Scope) external.Filter {
	f := external.Filter{Scope: by, Topic: or(q.Topic, ""), Failed: q.NoRetriesLeft, Match: q.match, IDs: both(q.ID, q.IDs), Keys: both(q.Key, q.Keys)}
	f.Instances = both(q.Instance, q.Instances)
	if q.Execution != nil { // an instance is its only execution
		f.Instances = both(q.Execution, f.Instances)
	}
	if key, _, found := strings.Cut(or(q.DefinitionID, ""), ":"); found && f.Keys == nil {
		f.Keys = []string{key}
	}
	if len(q.Variables) > 0 {
		f.Variables = q.fits
	}
	return f
}

// both is what a single value and a list leave: nil, when neither is given.
func both(one *string, list []string) []string {
	switch {
	case one == nil && len(list) == 0:
		return nil
	case one == nil:
		return list
	case len(list) == 0 || slices.Contains(list, *one):
		return []string{*one}
	}
	return []string{}
}

func or[T any](v *T, otherwise T) T {
	if v == nil {
		return otherwise
	}
	return *v
}

// match tells whether a query lets a task through.
func (q *query) match(t *external.Task) bool {
	is := func(want *string, v string) bool { return want == nil || *want == v }
	in := func(list []string, v string) bool { return len(list) == 0 || slices.Contains(list, v) }
	locked, left := t.Until.After(q.now), t.Retries == nil || *t.Retries > 0
	return is(q.Activity, t.Context.ElementID) && in(q.Activities, t.Context.ElementID) && is(q.Worker, t.Worker) && in(q.Tenants, t.Context.Tenant) &&
		is(q.DefinitionID, t.Context.ProcessDefinitionID()) && is(q.Name, t.Process) && (q.NameLike == nil || like(*q.NameLike, t.Process, false)) &&
		(q.before.IsZero() || !t.Until.IsZero() && t.Until.Before(q.before)) && (q.after.IsZero() || t.Until.After(q.after)) &&
		(!q.Locked || locked) && (!q.NotLocked || !locked) && (!q.Active || !t.Suspended) && (!q.Suspended || t.Suspended) &&
		(!q.RetriesLeft || left) && (!q.NoRetriesLeft || !left) &&
		t.Priority >= or(q.PriorityFrom, t.Priority) && t.Priority <= or(q.PriorityTo, t.Priority)
}

// sorting is a criterion.
type sorting struct {
	By    string `json:"sortBy"`
	Order string `json:"sortOrder"`
}

func (s sorting) check(known func(string) bool) error {
	switch {
	case !known(s.By):
		return invalid("Cannot set query sortBy parameter to value %s", s.By)
	case s.Order != "asc" && s.Order != "desc":
		return invalid("Cannot set query sortOrder parameter to value %s", s.Order)
	}
	return nil
}

// sorts are the criteria.
var sorts = map[string]func(a, b *external.Task) int{
	"id":                 func(a, b *external.Task) int { return cmp.Compare(a.ID, b.ID) },
	"lockExpirationTime": func(a, b *external.Task) int { return a.Until.Compare(b.Until) },
	"processInstanceId": func(a, b *external.Task) int {
		return cmp.Compare(a.Context.ProcessInstanceID, b.Context.ProcessInstanceID)
	},
	"processDefinitionId": func(a, b *external.Task) int {
		return cmp.Compare(a.Context.ProcessDefinitionID(), b.Context.ProcessDefinitionID())
	},
	"processDefinitionKey": func(a, b *external.Task) int {
		return cmp.Compare(a.Context.ProcessDefinitionKey, b.Context.ProcessDefinitionKey)
	},
	"tenantId":     func(a, b *external.Task) int { return cmp.Compare(a.Context.Tenant, b.Context.Tenant) },
	"taskPriority": func(a, b *external.Task) int { return cmp.Compare(a.Priority, b.Priority) },
	"createTime":   func(a, b *external.Task) int { return a.Created.Compare(b.Created) },
}

// compare puts two tasks in order.
func compare(by []sorting, a, b *external.Task) int {
	for _, s := range by {
		if n := sorts[s.By](a, b); n != 0 {
			if s.Order == "desc" {
				return -n
			}
			return n
		}
	}
	return 0
}

// parameters are those of an address.
type parameters struct {
	values url.Values
	err    error // of the first that could not be read
}

func (p *parameters) text(name string) *string {
	if !p.values.Has(name) {
		return nil
	}
	text := p.values.Get(name)
	return &text
}

func (p *parameters) flag(name string) bool {
	v, _ := parameter(p, name, "java.lang.Boolean", strconv.ParseBool)
	return v
}

func (p *parameters) number(name string) *int {
	v, given := parameter(p, name, "java.lang.Integer", strconv.Atoi)
	if !given {
		return nil
	}
	return &v
}

func parameter[T any](p *parameters, name, kind string, parse func(string) (T, error)) (v T, given bool) {
	text := p.text(name)
	if text == nil {
		return v, false
	}
	v, err := parse(*text)
	if err != nil && p.err == nil {
		p.err = invalid("Cannot set query parameter '%s' to value '%s': Cannot convert value %s to java type %s", name, *text, *text, kind)
	}
	return v, err == nil
}
