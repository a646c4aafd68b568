package camunda

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

type startRequest struct {
	Variables    map[string]value `json:"variables"`
	BusinessKey  string           `json:"businessKey"`
	Instructions []any            `json:"startInstructions"`
	Return       bool             `json:"withVariablesInReturn"`
}

// startByKey starts the latest version of a process, of a tenant or of none.
func (s *Server) startByKey(r *http.Request, user string) (any, error) {
	key, tenant := r.PathValue("key"), r.PathValue("t")
	of := "no tenant-id"
	if tenant != "" {
		of = "tenant-id: " + tenant
	}
	d, err := s.Processes.Definition(r.Context(), key, 0)
	if err == nil && d.Tenant != tenant {
		err = client.ErrNotFound
	}
	if errors.Is(err, client.ErrNotFound) {
		return nil, &problem{http.StatusNotFound, "RestException", "No matching process definition with key: " + key + " and " + of}
	}
	if err != nil {
		return nil, err
	}
	return s.start(r, user, d)
}

// startByID starts a version of a process.
func (s *Server) startByID(r *http.Request, user string) (any, error) {
	id := r.PathValue("id")
	key, number, _ := strings.Cut(id, ":")
	unknown := &problem{http.StatusNotFound, "InvalidRequestException", "No matching definition with id " + id}
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 {
		return nil, unknown
	}
	d, err := s.Processes.Definition(r.Context(), key, n)
	if errors.Is(err, client.ErrNotFound) {
		return nil, unknown
	}
	if err != nil {
		return nil, err
	}
	return s.start(r, user, d)
}

func (s *Server) start(r *http.Request, user string, d contract.Definition) (any, error) {
	id := definitionID(d.Key, d.Version)
	var in startRequest
	if err := body(r, &in); err != nil {
		return nil, err
	}
	if len(in.Instructions) > 0 {
		return nil, invalid("Cannot instantiate process definition %s: startInstructions are not supported: it begins at its start event", id)
	}
	variables, err := plain(in.Variables)
	if err != nil {
		return nil, refused(err, "Cannot instantiate process definition %s", id)
	}
	if d.Suspended {
		return nil, internal("Cannot instantiate process definition " + id + ": it is suspended")
	}
	started, err := s.Processes.StartDefinition(r.Context(), d, client.StartOptions{BusinessKey: in.BusinessKey, Initiator: user, Variables: variables})
	if err != nil {
		return nil, refused(err, "Cannot instantiate process definition %s", id)
	}
	state := contract.ProcessResult{ID: started.ID, BusinessKey: in.BusinessKey, State: contract.StateActive, Definition: contract.DefinitionRef{Key: d.Key, Version: d.Version, Tenant: d.Tenant}}
	if in.Return {
		if state, err = s.Processes.Get(r.Context(), started.ID); err != nil {
			return nil, err
		}
	}
	answer := instanceOf(state)
	answer.Links = []link{{http.MethodGet, address(r, "process-instance/"+url.PathEscape(started.ID)), "self"}}
	if in.Return {
		answer.Variables = typedAll(state.Variables, false)
	}
	return answer, nil
}
