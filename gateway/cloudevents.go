package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors"
)

// cloudEvent is a CloudEvent 1.0 as this API takes it: source is connector.<instance>, type is the name of the event, data its outputs.
type cloudEvent struct {
	SpecVersion string             `json:"specversion"`
	ID          string             `json:"id"`
	Source      string             `json:"source"`
	Type        string             `json:"type"`
	Time        string             `json:"time,omitempty"`
	Data        contract.Variables `json:"data,omitempty"`
	DataBase64  string             `json:"data_base64,omitempty"`
}

// emitted is the answer to an event.
type emitted struct {
	Event     string `json:"event"`     // the id of its workflow
	Duplicate bool   `json:"duplicate"` // it was told of before
}

// emit stores an event that a program tells of: a connector in any language, for one.
func (g *receivers) emit(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), receiveTimeout)
	defer cancel()
	body, ok := readBody(w, r)
	if !ok {
		return
	}
	c, code, err := readCloudEvent(r.Header, body)
	if err != nil {
		problem(w, code, err.Error())
		return
	}
	instance, e, err := c.event()
	if err != nil {
		problem(w, http.StatusBadRequest, err.Error())
		return
	}
	template := ""
	if known, ok := g.Receivers[instance]; ok {
		template = templateOf(known)
		if receiver, receives := known.(connectors.Receiver); receives && receiver.Authenticates() {
			problem(w, http.StatusBadRequest, fmt.Sprintf("what connector %s is told of comes to /connectors/%s, signed", instance, instance))
			return
		}
	}
	started, err := g.Client.Emit(ctx, instance, template, e)
	if err != nil {
		refuseEvent(w, err)
		return
	}
	reply(w, http.StatusAccepted, emitted{Event: contract.EventID(instance, e.Name, e.ID), Duplicate: !started})
}

// readCloudEvent reads the structured and the binary content mode of the HTTP binding, section 3.
func readCloudEvent(h http.Header, body []byte) (c cloudEvent, code int, err error) {
	mediaType, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	isJSON := mediaType == "application/json" || strings.HasSuffix(mediaType, "+json")
	switch {
	case mediaType == "application/cloudevents+json":
		if err := json.Unmarshal(body, &c); err != nil {
			return c, http.StatusBadRequest, fmt.Errorf("the body is no CloudEvent whose data is an object: %w", err)
		}
		return c, 0, nil
	case strings.HasPrefix(mediaType, "application/cloudevents"):
		return c, http.StatusUnsupportedMediaType, fmt.Errorf("%s is not taken; send application/cloudevents+json, one event a request", mediaType)
	case h.Get("Ce-Specversion") == "":
		return c, http.StatusUnsupportedMediaType, errors.New("a CloudEvent is expected: Content-Type application/cloudevents+json, or the headers ce-specversion, ce-id, ce-source and ce-type")
	}
	attribute := func(name string) string {
		value := h.Get("Ce-" + name)
		if decoded, err := url.PathUnescape(value); err == nil { // section 3.1.3.2
			return decoded
		}
		return value
	}
	c = cloudEvent{SpecVersion: attribute("Specversion"), ID: attribute("Id"), Source: attribute("Source"), Type: attribute("Type"), Time: attribute("Time")}
	if len(body) == 0 {
		return c, 0, nil
	}
	if !isJSON {
		return c, http.StatusUnsupportedMediaType, errors.New("data must be a JSON object: Content-Type application/json")
	}
	if err := json.Unmarshal(body, &c.Data); err != nil {
		return c, http.StatusBadRequest, fmt.Errorf("data must be a JSON object: %w", err)
	}
	return c, 0, nil
}

// event is the event, and the instance that it is of.
func (c cloudEvent) event() (instance string, e connectors.Event, err error) {
	instance, ok := strings.CutPrefix(c.Source, "connector.")
	switch {
	case c.SpecVersion != "1.0":
		return "", e, fmt.Errorf("specversion is %q; 1.0 is taken", c.SpecVersion)
	case !ok:
		return "", e, fmt.Errorf("source is %q; connector.<instance> is expected, as the source of a trigger begins", c.Source)
	case c.DataBase64 != "":
		return "", e, errors.New("data_base64: data must be a JSON object; put what is binary into a file and name it")
	}
	e = connectors.Event{Name: c.Type, ID: c.ID, Outputs: c.Data}
	if c.Time != "" {
		if e.Time, err = time.Parse(time.RFC3339, c.Time); err != nil {
			return "", e, fmt.Errorf("time is %q; RFC 3339 is expected, such as 2026-01-31T08:00:00Z", c.Time)
		}
	}
	return instance, e, nil
}
