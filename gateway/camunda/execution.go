package camunda

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/external"
)

// localData gives workers the bytes of a variable of their task: execution/ID/localVariables/NAME/data. The execution of a task is its instance, and
// what has bytes is a variable of the process. A caller for some topics must have a task of the instance that is open.
func (s *Server) localData(w http.ResponseWriter, r *http.Request, by external.Scope) {
	rest, data := strings.CutSuffix(r.PathValue("rest"), "/data")
	i := strings.LastIndex(rest, "/localVariables/")
	if !data || i < 1 {
		fail(w, unknownCall(r))
		return
	}
	id, name := rest[:i], rest[i+len("/localVariables/"):]
	state, err := s.Processes.Get(r.Context(), id)
	if err == nil && by.Tenant != nil && *by.Tenant != state.Definition.Tenant {
		err = external.ErrForbidden
	}
	if err == nil && by.Topics != nil {
		var open *external.Listing
		open, err = s.Tasks.List(r.Context(), external.Filter{Scope: by, Instances: []string{id}, Limit: 1})
		if err == nil && len(open.Tasks) == 0 {
			err = fmt.Errorf("%w: it has no open task of instance %q", external.ErrForbidden, id)
		}
	}
	v, there := state.Variables[name]
	if errors.Is(err, client.ErrNotFound) || err == nil && !there {
		err = &problem{http.StatusNotFound, "InvalidRequestException", "execution variable with name " + name + " does not exist"}
	}
	if err != nil {
		fail(w, err)
		return
	}
	c, err := downloadOf(v, name)
	if err != nil {
		fail(w, err)
		return
	}
	c.download(w)
}
