package connectors

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

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
		at := slices.IndexFunc(i.Config, func(known Config) bool { return known.Name == c.Name })
		switch {
		case at >= 0 && c.Value != "":
			i.Config[at].Value = c.Value
		case at < 0 && !isPolicySetting(c.Name):
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
		at := slices.IndexFunc(d.Config, func(c Config) bool { return c.Name == name && reference.MatchString(c.Value) })
		if at < 0 {
			return "", nil
		}
		return variable(strings.TrimSuffix(strings.TrimPrefix(d.Config[at].Value, "${"), "}"))
	})
}
