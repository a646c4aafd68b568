package camunda

import (
	"errors"
	"maps"
	"mime"
	"net/http"
	"strings"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

// place is what a path under process-instance/ names: an instance, its variables, one of them, or the bytes of one.
type place struct {
	instance, variable string
	variables, data    bool
}

func placeOf(r *http.Request) (p place) {
	rest, data := strings.CutSuffix(r.PathValue("rest"), "/data")
	if instance, ok := strings.CutSuffix(rest, "/variables"); ok && !data {
		return place{instance: instance, variables: true}
	}
	if i := strings.LastIndex(rest, "/variables/"); i > 0 {
		return place{instance: rest[:i], variable: rest[i+len("/variables/"):], data: data}
	}
	return place{instance: r.PathValue("rest")}
}

// running finds an instance that is not over.
func (s *Server) running(r *http.Request, id string) (contract.ProcessResult, error) {
	state, err := s.Processes.Get(r.Context(), id)
	if err == nil && ended(state) {
		err = client.ErrNotFound
	}
	if errors.Is(err, client.ErrNotFound) {
		return state, &problem{http.StatusNotFound, "InvalidRequestException", "Process instance with id " + id + " does not exist"}
	}
	return state, err
}

func (s *Server) getInstance(r *http.Request, _ string) (any, error) {
	p := placeOf(r)
	state, err := s.running(r, p.instance)
	if err != nil {
		return nil, err
	}
	deserialize := r.URL.Query().Get("deserializeValues") != "false" && r.URL.Query().Get("deserializeValue") != "false"
	switch {
	case p.variables:
		return typedAll(state.Variables, deserialize), nil
	case p.variable == "":
		return instanceOf(state), nil
	}
	v, there := state.Variables[p.variable]
	if !there {
		return nil, &problem{http.StatusNotFound, "InvalidRequestException", "process instance variable with name " + p.variable + " does not exist"}
	}
	if !p.data {
		return typed(v, deserialize), nil
	}
	return downloadOf(v, p.variable)
}

// downloadOf are the bytes of a variable that has some.
func downloadOf(v any, name string) (c content, err error) {
	parts, _ := v.(map[string]any)
	c, ok := contentOf(parts)
	if !ok {
		return c, invalid("Value of variable with name %s is not a binary value.", name)
	}
	return c, nil
}

// disposition is how a browser saves a file.
func disposition(name any) string {
	text, _ := name.(string)
	if d := mime.FormatMediaType("attachment", map[string]string{"filename": text}); d != "" {
		return d
	}
	return "attachment"
}

func (s *Server) putVariable(r *http.Request, _ string) (any, error) {
	p := placeOf(r)
	if p.variable == "" || p.data {
		return nil, unknownCall(r)
	}
	var v value
	if err := body(r, &v); err != nil {
		return nil, err
	}
	converted, err := plain(map[string]value{p.variable: v})
	if err != nil {
		return nil, refused(err, "Cannot put process instance variable %s", p.variable)
	}
	return nil, s.set(r, p.instance, converted)
}

func (s *Server) modifyVariables(r *http.Request, _ string) (any, error) {
	p := placeOf(r)
	if !p.variables {
		return nil, unknownCall(r)
	}
	var in struct {
		Modifications map[string]value `json:"modifications"`
		Deletions     []string         `json:"deletions"`
	}
	if err := body(r, &in); err != nil {
		return nil, err
	}
	if len(in.Deletions) > 0 {
		return nil, invalid("Cannot modify variables for process instance: variables are not deleted here: set %s to null", strings.Join(in.Deletions, ", "))
	}
	variables, err := plain(in.Modifications)
	if err != nil {
		return nil, refused(err, "Cannot modify variables for process instance")
	}
	return nil, s.set(r, p.instance, variables)
}

func (s *Server) set(r *http.Request, id string, variables map[string]any) error {
	if _, err := s.running(r, id); err != nil {
		return err
	}
	if len(variables) == 0 {
		return nil
	}
	if err := s.Processes.SetVariables(r.Context(), id, maps.Clone(variables)); err != nil {
		return refused(err, "Cannot modify variables for process instance %s", id)
	}
	return nil
}

func unknownCall(r *http.Request) error {
	return &problem{http.StatusNotFound, "NotFoundException", "HTTP 404 Not Found: " + r.Method + " " + r.URL.Path}
}
