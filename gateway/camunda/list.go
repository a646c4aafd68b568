package camunda

import (
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/waybill-io/waybill/external"
)

// partialHeader says of a list, or a number, that not all instances were looked at.
const partialHeader = "Waybill-Partial"

// find answers a query, with the tasks in no particular order when it asks for none.
func (s *Server) find(w http.ResponseWriter, r *http.Request, by external.Scope, limit int) ([]*external.Task, *query, bool) {
	q, err := readQuery(w, r)
	if err != nil {
		fail(w, err)
	}
	if q == nil || err != nil {
		return nil, nil, false
	}
	f := q.filter(by)
	if len(q.Sorting) == 0 {
		f.Limit = limit
	}
	l, err := s.Tasks.List(r.Context(), f)
	if err != nil {
		fail(w, err)
		return nil, nil, false
	}
	if l.Partial {
		w.Header().Set(partialHeader, "true")
	}
	return l.Tasks, q, true
}

func (s *Server) list(w http.ResponseWriter, r *http.Request, by external.Scope) {
	given := &parameters{values: r.URL.Query()}
	first, most := given.number("firstResult"), given.number("maxResults")
	if given.err != nil {
		fail(w, given.err)
		return
	}
	from := max(or(first, 0), 0)
	to := -1
	if most != nil {
		to = from + max(*most, 0)
	}
	found, q, ok := s.find(w, r, by, max(to, 0))
	if !ok {
		return
	}
	slices.SortStableFunc(found, func(a, b *external.Task) int { return compare(q.Sorting, a, b) })
	if to < 0 || to > len(found) {
		to = len(found)
	}
	answer := []task{}
	for _, t := range found[min(from, to):to] {
		answer = append(answer, taskOf(t))
	}
	reply(w, http.StatusOK, answer)
}

func (s *Server) count(w http.ResponseWriter, r *http.Request, by external.Scope) {
	if found, _, ok := s.find(w, r, by, 0); ok {
		reply(w, http.StatusOK, map[string]int{"count": len(found)})
	}
}

func (s *Server) topicNames(w http.ResponseWriter, r *http.Request, by external.Scope) {
	given := &parameters{values: r.URL.Query()}
	q := query{Locked: given.flag("withLockedTasks"), NotLocked: given.flag("withUnlockedTasks"), RetriesLeft: given.flag("withRetriesLeft")}
	if given.err != nil {
		fail(w, given.err)
		return
	}
	_ = q.check() // there is nothing to check
	l, err := s.Tasks.List(r.Context(), q.filter(by))
	if err != nil {
		fail(w, err)
		return
	}
	if l.Partial {
		w.Header().Set(partialHeader, "true")
	}
	names := []string{}
	for _, t := range l.Tasks {
		names = append(names, t.Topic)
	}
	slices.Sort(names)
	reply(w, http.StatusOK, slices.Compact(names))
}

func (s *Server) get(w http.ResponseWriter, r *http.Request, by external.Scope) {
	t, err := s.Tasks.Get(r.Context(), r.PathValue("id"), by)
	if err != nil {
		fail(w, about(err, r.PathValue("id"), "", r.URL.Path))
		return
	}
	reply(w, http.StatusOK, taskOf(t))
}

func (s *Server) errorDetails(w http.ResponseWriter, r *http.Request, by external.Scope) {
	t, err := s.Tasks.Get(r.Context(), r.PathValue("id"), by)
	switch {
	case err != nil:
		fail(w, about(err, r.PathValue("id"), "", r.URL.Path))
	case t.ErrorDetails == "":
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Content-Length", strconv.Itoa(len(t.ErrorDetails)))
		_, _ = io.WriteString(w, t.ErrorDetails) // the client has gone
	}
}
