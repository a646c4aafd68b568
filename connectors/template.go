package connectors

import (
	"fmt"

	"github.com/waybill-io/waybill/mail/service"
)

// Template is a connector that is built in: what is said of it, and how it is made. Instances of it run side by side, each with its
// name and its settings.
type Template struct {
	Definition *Definition
	// New makes an instance. What is wrong with its settings is told by them; the error is for everything else.
	New func(Instance) (Connector, error)
	// BuiltIn makes the connector under its own name where that takes no settings. nil: New makes it, too.
	BuiltIn func(Instance) Connector
	// Answer says which call answers an event to whom it came from: the echo of a trigger. nil: its events cannot be answered.
	// ok is false for an event that must not be answered.
	Answer func(e Event, text string) (action string, inputs map[string]any, ok bool)
}

// Make makes an instance and tells everything that is wrong with its settings. One that lacks settings it requires, and has none at all,
// is made too: each of its calls says what to set.
func (t Template) Make(i Instance) (Connector, error) {
	if i.Mail == nil {
		i.Mail = service.New(service.Options{})
	}
	if t.BuiltIn != nil && i.Definition.Template == "" {
		return t.BuiltIn(i), nil
	}
	if missing := i.Settings.missing(); len(missing) > 0 && !i.Settings.given() {
		return unconfigured{i.Definition, missing}, nil
	}
	c, err := t.New(i)
	if wrong := i.Settings.Err(); wrong != nil { // then what New says follows from it
		err = wrong
	}
	if err != nil {
		return nil, fmt.Errorf("connector %s: %w", i.Definition.Name, err)
	}
	return c, nil
}

// Warner is a connector of which something is told when a worker starts: settings that work and should not stay.
type Warner interface{ Warnings() []string }
