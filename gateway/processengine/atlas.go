package processengine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/external"
)

// atlas are ProcessCube's calls. 409 is what its client ends in silence for.
func (s *Server) atlas() map[string]http.Handler {
	const base = "/atlas_engine/api/v1/external_tasks"
	style := style{gone: http.StatusConflict}
	return map[string]http.Handler{
		"POST " + base + "/fetch_and_lock":  s.serve(style, s.fetch(shownToProcessCube)),
		"PUT " + base + "/{id}/extend_lock": s.serve(style, s.extendLock),
		"PUT " + base + "/{id}/finish":      s.serve(style, s.finish),
		"PUT " + base + "/{id}/error":       s.serve(style, s.failedWith),
		"GET " + base + "/deployed_topics":  s.serve(style, s.deployedTopics),
	}
}

func (s *Server) failedWith(w http.ResponseWriter, r *http.Request, by external.Scope, in *request) error {
	return s.failed(w, r, by, in, &in.Error)
}

func (s *Server) deployedTopics(w http.ResponseWriter, r *http.Request, by external.Scope, _ *request) error {
	topics, err := s.Tasks.Topics(r.Context(), by)
	if err == nil {
		reply(w, http.StatusOK, append([]string{}, topics...)) // a list, also of none
	}
	return err
}

// payload is what the model gives to a worker, or else the variables.
func payload(t *contract.ExternalTask) any {
	if t.Payload != nil {
		return t.Payload
	}
	if t.Variables == nil {
		return contract.Variables{}
	}
	return t.Variables
}

// longestFilter bounds, in bytes, what is compiled for each request.
const longestFilter = 10_000

// filter is whether the JSON of a payload matches a regular expression, as JavaScript writes one: /of/i. It is read as Go does (RE2), so that none
// takes long; what only JavaScript has is refused. nil: there is none.
func (t text) filter() (func(*external.Offered) bool, error) {
	if t == "" {
		return nil, nil
	}
	expression, flags := string(t), ""
	if end := strings.LastIndexByte(expression, '/'); end > 0 && expression[0] == '/' {
		expression, flags = expression[1:end], expression[end+1:]
	}
	if len(expression) > longestFilter {
		return nil, &problem{status: http.StatusBadRequest, Message: fmt.Sprintf("payloadFilter: it has at most %d bytes, and this one has %d", longestFilter, len(expression))}
	}
	for i, r := range flags {
		switch {
		case strings.ContainsRune(flags[:i], r): // not even in JavaScript
			return nil, &problem{status: http.StatusBadRequest, Message: fmt.Sprintf("payloadFilter /…/%.20s: a flag is given twice", flags)}
		case strings.ContainsRune("ims", r):
			expression = "(?" + string(r) + ")" + expression
		case !strings.ContainsRune("dguv", r): // those change nothing about whether it matches
			return nil, &problem{status: http.StatusBadRequest, Message: fmt.Sprintf("payloadFilter %s: the flag %c is not understood", t, r)}
		}
	}
	re, err := regexp.Compile(expression)
	if err != nil {
		return nil, &problem{status: http.StatusBadRequest, Message: fmt.Sprintf("payloadFilter %s: %v; the syntax of RE2 is understood, without look-around and back references", t, err)}
	}
	return func(o *external.Offered) bool {
		var text bytes.Buffer
		e := json.NewEncoder(&text)
		e.SetEscapeHTML(false)
		return e.Encode(payload(&o.Input)) == nil && re.Match(bytes.TrimSpace(text.Bytes()))
	}, nil
}
