package connectors

import (
	"errors"
	"fmt"
	"slices"
)

// Template is a connector that is built in: what is said of it, and how it is made. Instances of it run side by side, each with its
// name and its settings.
type Template struct {
	Definition *Definition
	// New makes an instance. What is wrong with its settings is told by them; the error is for everything else.
	New func(Instance) (Connector, error)
	// Answer says which call answers an event to whom it came from: the echo of a trigger. nil: its events cannot be answered.
	// ok is false for an event that must not be answered.
	Answer func(e Event, text string) (action string, inputs map[string]any, ok bool)
}

// Instance is what a connector is made of.
type Instance struct {
	Definition *Definition // with the name under which models call it
	Settings   *Settings
	Files      Files // nil: there is no blob store
}

// Instance makes the definition of an instance of a template from a file that names it: name, description, settings and
// policy are the file's, actions, events and errors are the template's. A file of a tool may repeat those.
func (t Template) Instance(file *Definition) (*Definition, error) {
	d := *t.Definition
	d.ID, d.Name, d.Template = file.ID, file.Name, file.Template
	if file.Description != "" {
		d.Description = file.Description
	}
	var errs []error
	for _, f := range file.Actions {
		if _, err := d.Action(f.Name); err != nil {
			errs = append(errs, err)
		}
	}
	d.Config = slices.Clone(d.Config)
	for _, c := range file.Config {
		i := slices.IndexFunc(d.Config, func(known Config) bool { return known.Name == c.Name })
		if i < 0 && !isPolicySetting(c.Name) {
			errs = append(errs, fmt.Errorf("connector %s has no setting %q; it has %s", d.Name, c.Name, settingNames(d.Config)))
			continue
		}
		if i >= 0 && c.Value != "" {
			d.Config[i].Value = c.Value
		}
	}
	d.Policy = file.given.over(t.Definition.Policy)
	return &d, errors.Join(errs...)
}

// Make makes an instance and tells everything that is wrong with its settings. One that lacks settings it requires, and has none at all,
// is made too: each of its calls says what to set.
func (t Template) Make(i Instance) (Connector, error) {
	if missing := i.Settings.missing(); len(missing) > 0 && !i.Settings.given() {
		return unconfigured{i.Definition, missing}, nil
	}
	c, err := t.New(i)
	if err := errors.Join(i.Settings.Err(), err); err != nil {
		return nil, fmt.Errorf("connector %s: %w", i.Definition.Name, err)
	}
	return c, nil
}
