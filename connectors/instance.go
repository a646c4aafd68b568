package connectors

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/mail/service"
)

// Instance is what a connector is made of.
type Instance struct {
	Definition *Definition // with the name under which models call it
	Settings   *Settings
	Files      Files            // nil: there is no blob store
	Mail       *service.Service // the email service of the worker; nil: one without a mail server
}

// Instance makes the definition of an instance of this one, which is built in, from a file that names it as its template: name, description, settings and
// policy are the file's, actions, events and errors are the template's. A file of a tool may repeat those.
func (d *Definition) Instance(file *Definition) (*Definition, error) {
	i := *d
	i.ID, i.Name, i.Template = file.ID, file.Name, file.Template
	i.Description = cmp.Or(file.Description, d.Description)
	var errs []error
	for _, f := range file.Actions {
		if _, err := i.Action(f.Name); err != nil {
			errs = append(errs, err)
		}
	}
	i.Config = slices.Clone(d.Config)
	for _, c := range file.Config {
		known := i.setting(c.Name)
		switch {
		case known != nil && c.Value != "":
			known.Value = c.Value
		case known == nil && !c.OfPolicy():
			errs = append(errs, fmt.Errorf("connector %s has no setting %q; it has %s", i.Name, c.Name, settingNames(d.Config)))
		}
	}
	i.Policy = file.given.over(d.Policy).over(DefaultPolicy())
	return &i, errors.Join(errs...)
}

// Variable is the name of the environment variable with a setting of an instance: the setting's own name where the instance is called
// as its template is, else with the instance before it: REST_BILLING__REST_HOST is REST_HOST of rest-billing.
func (d *Definition) Variable(setting string) string {
	if d.Template == "" || d.Template == d.Name {
		return setting
	}
	return strings.ToUpper(strings.ReplaceAll(d.Name, "-", "_")) + "__" + setting
}

// Settings are those of an instance in an environment, of which variable gives the values, "" for none. An entry of the definition
// with the value ${NAME} takes that of the variable NAME.
func (d *Definition) Settings(variable func(name string) (string, error)) *Settings {
	return NewSettings(d, func(name string) (string, error) {
		value, err := variable(d.Variable(name))
		if value != "" || err != nil {
			return value, err
		}
		entry := d.setting(name)
		if entry == nil || !reference.MatchString(entry.Value) {
			return "", nil
		}
		return variable(strings.TrimSuffix(strings.TrimPrefix(entry.Value, "${"), "}"))
	})
}
