package camunda

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/external"
)

// version is that of Camunda whose REST API this is: modelers ask for it, to tell what an engine can run.
const version = "7.21.0"

// engineName is Camunda's default.
const engineName = "default"

// restRoutes are the calls that clients and modelers make beside those of external tasks.
func (s *Server) restRoutes() map[string]http.Handler {
	return map[string]http.Handler{
		"GET /engine-rest/engine": s.admitted(func(w http.ResponseWriter, _ *http.Request, _ external.Scope) {
			reply(w, 200, []any{map[string]string{"name": engineName}})
		}),
		"GET /engine-rest/version": s.admitted(func(w http.ResponseWriter, _ *http.Request, _ external.Scope) {
			reply(w, 200, map[string]string{"version": version})
		}),
		// Camunda Modeler asks for none of them, to see whether it may.
		"GET /engine-rest/deployment":                                        s.whole(func(*http.Request, string) (any, error) { return []any{}, nil }),
		"POST /engine-rest/deployment/create":                                s.whole(s.createDeployment),
		"POST /engine-rest/process-definition/{id}/start":                    s.whole(s.startByID),
		"POST /engine-rest/process-definition/key/{key}/start":               s.whole(s.startByKey),
		"POST /engine-rest/process-definition/key/{key}/tenant-id/{t}/start": s.whole(s.startByKey),
		"POST /engine-rest/message":                                          s.whole(s.message),
		"GET /engine-rest/execution/{rest...}":                               s.admitted(s.localData),
		// The ids of instances have slashes, which clients write into paths as they are.
		"GET /engine-rest/process-instance/{rest...}":  s.whole(s.getInstance),
		"PUT /engine-rest/process-instance/{rest...}":  s.whole(s.putVariable),
		"POST /engine-rest/process-instance/{rest...}": s.whole(s.modifyVariables),
	}
}

// whole lets those through who may call the whole API, and not external tasks alone. What next answers is given to them; nil is 204.
func (s *Server) whole(next func(r *http.Request, user string) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, err := s.AdmitAPI(r)
		if err != nil {
			fail(w, err)
			return
		}
		answer, err := next(r, user)
		if err != nil {
			fail(w, err)
			return
		}
		switch answer := answer.(type) {
		case nil:
			w.WriteHeader(http.StatusNoContent)
		case content:
			answer.download(w)
		default:
			reply(w, http.StatusOK, answer)
		}
	})
}

// body reads a request that may be empty.
func body(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.UseNumber()
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return &problem{http.StatusBadRequest, "JsonMappingException", "Cannot read the request: " + err.Error()}
	}
	return nil
}

// link is one of an answer to itself.
type link struct {
	Method string `json:"method"`
	Href   string `json:"href"`
	Rel    string `json:"rel"`
}

// instance is one as it is told of.
type instance struct {
	Links         []link           `json:"links"`
	ID            string           `json:"id"`
	DefinitionID  string           `json:"definitionId"`
	DefinitionKey string           `json:"definitionKey"`
	BusinessKey   *string          `json:"businessKey"`
	Case          *string          `json:"caseInstanceId"`
	Ended         bool             `json:"ended"`
	Suspended     bool             `json:"suspended"`
	Tenant        *string          `json:"tenantId"`
	Variables     map[string]value `json:"variables,omitempty"`
}

// instanceOf tells of an instance; links to itself only where Camunda has some.
func instanceOf(r contract.ProcessResult) instance {
	return instance{
		Links: []link{}, ID: r.ID, DefinitionID: definitionID(r.Definition.Key, r.Definition.Version), DefinitionKey: r.Definition.Key,
		BusinessKey: orNull(r.BusinessKey), Ended: ended(r), Suspended: r.Paused, Tenant: orNull(r.Definition.Tenant),
	}
}

// definitionID is the id of a version of a process.
func definitionID(key string, version int) string { return fmt.Sprintf("%s:%d", key, version) }

// ended tells whether an instance is over: Camunda's runtime knows it no more.
func ended(r contract.ProcessResult) bool {
	switch r.State {
	case contract.StateActive, contract.StateSuspended, contract.StatePaused:
		return false
	}
	return true
}

func address(r *http.Request, path string) string {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	return scheme + r.Host + "/engine-rest/" + path
}

func typedAll(variables map[string]any, deserialize bool) map[string]value {
	all := make(map[string]value, len(variables))
	for name, v := range variables {
		all[name] = typed(v, deserialize)
	}
	return all
}

// download answers with the bytes alone.
func (c content) download(w http.ResponseWriter) {
	kind := octets
	if c.kind == "File" {
		if kind, _ = c.info["mimeType"].(string); c.info["encoding"] != nil {
			kind += fmt.Sprintf("; charset=%s", c.info["encoding"])
		}
		w.Header().Set("Content-Disposition", disposition(c.info["filename"]))
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("X-Content-Type-Options", "nosniff") // a worker has said what it is
	w.Header().Set("Content-Security-Policy", "sandbox")
	_, _ = w.Write(c.bytes) // the client has gone
}

// refused are the words of an error of a process in which Camunda says that something did not work.
func refused(err error, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if p, ok := errors.AsType[*problem](err); ok {
		return &problem{p.status, "InvalidRequestException", text + ": " + p.Message}
	}
	if errors.Is(err, external.ErrForbidden) {
		return err
	}
	return internal(text + ": " + strings.TrimSpace(err.Error()))
}

// internal is what Camunda's REST layer answers when its engine would not.
func internal(message string) error {
	return &problem{http.StatusInternalServerError, "RestException", message}
}

// now is when something was done, as Camunda writes it.
func now() string { return time.Now().Format(timeFormat) }
