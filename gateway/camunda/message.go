package camunda

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

type messageRequest struct {
	Name            string           `json:"messageName"`
	BusinessKey     string           `json:"businessKey"`
	Keys            map[string]value `json:"correlationKeys"`
	LocalKeys       map[string]value `json:"localCorrelationKeys"`
	Variables       map[string]value `json:"processVariables"`
	LocalVariables  map[string]value `json:"processVariablesLocal"`
	Tenant          string           `json:"tenantId"`
	NoTenant        bool             `json:"withoutTenantId"`
	Instance        string           `json:"processInstanceId"`
	All             bool             `json:"all"`
	Result          bool             `json:"resultEnabled"`
	ResultVariables bool             `json:"variablesInResultEnabled"`
}

// check says what is wrong with a request, as Camunda does, and what is not possible here.
func (m *messageRequest) check() error {
	switch {
	case m.Name == "":
		return invalid("No message name supplied")
	case m.Tenant != "" && m.NoTenant:
		return invalid("Parameter 'tenantId' cannot be used together with parameter 'withoutTenantId'.")
	case m.ResultVariables && !m.Result:
		return invalid("Parameter 'variablesInResultEnabled' cannot be used without 'resultEnabled' set to 'true'.")
	case len(m.LocalKeys)+len(m.LocalVariables) > 0:
		return invalid("Cannot deliver message: localCorrelationKeys and processVariablesLocal are not supported")
	case m.Instance == "" && m.BusinessKey == "" && (m.All || len(m.Keys) > 1):
		return invalid("Cannot deliver message: with all, and with several correlationKeys, a businessKey or a processInstanceId is expected")
	}
	return nil
}

// correlated is what became of a message: who has got it, or the instance that it started.
type correlated struct {
	Type      string           `json:"resultType"`
	Execution *execution       `json:"execution"`
	Instance  *instance        `json:"processInstance"`
	Variables map[string]value `json:"variables,omitempty"`
}

type execution struct {
	ID       string  `json:"id"`
	Instance string  `json:"processInstanceId"`
	Ended    bool    `json:"ended"`
	Tenant   *string `json:"tenantId"`
}

// message correlates a message. Camunda looks for whoever waits with the variables, the business key or the id that are given; here a message meets
// who waits by its name and one key, which is the correlationKey of the model or else the business key. So it is
//
//   - with processInstanceId, and with businessKey together with correlationKeys or all, handed to the instances that these fit, one by one;
//   - else published under the business key, or the value of the one correlation key, which is also what starts a process.
func (s *Server) message(r *http.Request, _ string) (any, error) {
	var in messageRequest
	if err := body(r, &in); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	keys, err := plain(in.Keys)
	if err != nil {
		return nil, refused(err, "Cannot deliver message")
	}
	variables, err := plain(in.Variables)
	if err != nil {
		return nil, refused(err, "Cannot deliver message")
	}
	var results []correlated
	scoped := in.Tenant != "" || in.NoTenant
	switch {
	case in.Instance == "" && in.BusinessKey == "" && scoped:
		return nil, invalid("Cannot deliver message: with a tenant, a businessKey or a processInstanceId is expected")
	case in.Instance == "" && !in.All && !scoped && (in.BusinessKey == "" || len(keys) == 0):
		results, err = s.publish(r, &in, keys, variables)
	default:
		results, err = s.hand(r, &in, keys, variables)
	}
	if err != nil {
		return nil, err
	}
	if !in.Result {
		return nil, nil
	}
	for i := range results {
		if !in.ResultVariables {
			break
		}
		state, err := s.Processes.Get(r.Context(), results[i].id())
		if err != nil {
			return nil, err
		}
		results[i].Variables = typedAll(state.Variables, false)
	}
	if results == nil {
		results = []correlated{}
	}
	return results, nil
}

func (c *correlated) id() string {
	if c.Execution != nil {
		return c.Execution.Instance
	}
	return c.Instance.ID
}

func mismatch(name, why string) error {
	return &problem{http.StatusBadRequest, "RestException", "org.camunda.bpm.engine.MismatchingMessageCorrelationException: Cannot correlate message '" + name + "': " + why}
}

const nobodyWaits = "No process definition or execution matches the parameters"

// An instance that has just come to where it waits is known to do so some moments later, while Camunda knows it at once. So a message that nobody
// waits for is tried for a while.
const (
	patience = time.Second
	pause    = 50 * time.Millisecond
)

func nobody(err error) bool {
	refusal, ok := errors.AsType[*client.Error](err)
	return ok && refusal.Type == contract.NobodyWaits
}

// publish hands a message to who waits for it under a key, or starts a process with it.
func (s *Server) publish(r *http.Request, in *messageRequest, keys, variables map[string]any) ([]correlated, error) {
	m := contract.Message{Name: in.Name, Key: in.BusinessKey, BusinessKey: in.BusinessKey, Variables: variables}
	for _, key := range keys {
		m.Key = fmt.Sprint(key)
	}
	result, err := s.Processes.Publish(r.Context(), m)
	for until := time.Now().Add(patience); nobody(err) && time.Now().Before(until) && r.Context().Err() == nil; {
		select {
		case <-r.Context().Done():
		case <-time.After(pause):
			result, err = s.Processes.Publish(r.Context(), m)
		}
	}
	if nobody(err) {
		return nil, mismatch(in.Name, nobodyWaits)
	}
	if err != nil {
		return nil, refused(err, "Cannot deliver message")
	}
	if result.Started == "" {
		return []correlated{{Type: "Execution", Execution: &execution{ID: result.Delivered, Instance: result.Delivered}}}, nil
	}
	state, err := s.Processes.Get(r.Context(), result.Started)
	if err != nil {
		return nil, err
	}
	started := instanceOf(state)
	return []correlated{{Type: "ProcessDefinition", Instance: &started}}, nil
}

// hand hands a message to the instances that fit and wait for it: with all to each, else there must be just one.
func (s *Server) hand(r *http.Request, in *messageRequest, keys, variables map[string]any) (results []correlated, err error) {
	fitting, err := s.fitting(r, in, keys)
	if err != nil {
		return nil, err
	}
	if len(fitting) > 1 && !in.All {
		return nil, mismatch(in.Name, fmt.Sprintf("%d executions match the correlation keys: several process instances have the business key %q", len(fitting), in.BusinessKey))
	}
	for _, state := range fitting {
		err := s.Processes.Catch(r.Context(), state.ID, contract.CatchMessage{Name: in.Name, Variables: variables})
		if client.Refused(err) || errors.Is(err, client.ErrNotRunning) {
			continue // it does not wait for it
		}
		if err != nil {
			return nil, refused(err, "Cannot deliver message")
		}
		results = append(results, correlated{Type: "Execution", Execution: &execution{ID: state.ID, Instance: state.ID, Tenant: orNull(state.Definition.Tenant)}})
	}
	if len(results) == 0 && !in.All {
		return nil, mismatch(in.Name, nobodyWaits)
	}
	return results, nil
}

// mostFitting bounds the instances of one business key.
const mostFitting = 1000

// fitting are the instances that run and fit a request.
func (s *Server) fitting(r *http.Request, in *messageRequest, keys map[string]any) (all []contract.ProcessResult, err error) {
	ids := []string{in.Instance}
	if in.Instance == "" {
		found, err := s.Processes.List(r.Context(), client.Filter{BusinessKey: in.BusinessKey, Limit: mostFitting})
		if err != nil {
			return nil, err
		}
		ids = nil
		for _, i := range found {
			if i.Ended == nil {
				ids = append(ids, i.ID)
			}
		}
	}
	for _, id := range ids {
		state, err := s.Processes.Get(r.Context(), id)
		if errors.Is(err, client.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if in.fits(state, keys) {
			all = append(all, state)
		}
	}
	return all, nil
}

func (m *messageRequest) fits(state contract.ProcessResult, keys map[string]any) bool {
	tenant := state.Definition.Tenant
	if ended(state) || m.BusinessKey != "" && m.BusinessKey != state.BusinessKey || m.Tenant != "" && m.Tenant != tenant || m.NoTenant && tenant != "" {
		return false
	}
	for name, want := range keys {
		if has, there := state.Variables[name]; !there || !reflect.DeepEqual(has, want) {
			return false
		}
	}
	return true
}
