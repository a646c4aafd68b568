// Package catalog lists the connectors that are built in, and makes them and their instances. A new connector is one line here.
package catalog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/email"
	"github.com/waybill-io/waybill/connectors/files"
	"github.com/waybill-io/waybill/connectors/rabbitmq"
	"github.com/waybill-io/waybill/connectors/rest"
	"github.com/waybill-io/waybill/connectors/script"
	"github.com/waybill-io/waybill/connectors/slack"
	"github.com/waybill-io/waybill/connectors/sql"
	"github.com/waybill-io/waybill/connectors/suggest"
	"github.com/waybill-io/waybill/connectors/twilio"
	"github.com/waybill-io/waybill/mail/service"
)

// Templates are the connectors that are built in.
func Templates() []connectors.Template {
	return []connectors.Template{
		email.Template(),
		rabbitmq.Template(),
		rest.Template(),
		sql.Template(),
		files.Template(),
		script.Template(),
		slack.Template(),
		twilio.Template(),
	}
}

// Definitions are the definitions alone.
func Definitions() []*connectors.Definition {
	var all []*connectors.Definition
	for _, t := range Templates() {
		all = append(all, t.Definition)
	}
	return all
}

// Deps is what the connectors need from the worker.
type Deps struct {
	// Variable gives the values of settings by the names of environment variables, "" for none; see connectors.Definition.Variable.
	Variable func(name string) (string, error)
	Files    connectors.Files
	// Mail is the email service, over which the connector email sends that is built in; nil: no mail server is set up.
	Mail *service.Service
	// Fixed are settings by the name of a template, which all of its instances have whatever their definitions and variables say; "" is none. nil: none.
	Fixed map[string]map[string]string
}

// BuiltIn makes every connector under its own name. The error names the settings that are wrong.
func BuiltIn(d Deps) ([]connectors.Connector, error) {
	var all []connectors.Connector
	var errs []error
	for _, t := range Templates() {
		c, err := open(t, t.Definition, d)
		all, errs = append(all, c), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return all, nil
}

// Instances makes the instances that definition files describe: those that name a built-in connector as their template. A path is a file, or
// a folder of which every .json file counts. Definitions of connectors that are not built in are passed over in folders.
func Instances(paths []string, d Deps) ([]connectors.Connector, error) {
	var all []connectors.Connector
	var errs []error
	files := map[string]string{} // by name
	err := each(paths, func(path string, named bool) {
		definition, template, err := read(path)
		switch {
		case err != nil:
		case template == nil && named:
			err = fmt.Errorf("%s: template: %q is not a built-in connector%s", path, definition.Template, suggest.Hint(definition.Template, names()))
		case template == nil:
			return
		case files[definition.Name] != "":
			err = fmt.Errorf("%s: name: connector %q is defined in %s too; keep one", path, definition.Name, files[definition.Name])
		case slices.Contains(names(), definition.Name):
			err = fmt.Errorf("%s: name: connector %q is built in; choose another name", path, definition.Name)
		default:
			files[definition.Name] = path
			var c connectors.Connector
			c, err = open(*template, definition, d)
			all = append(all, c)
		}
		errs = append(errs, err)
	})
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	return all, nil
}

func open(t connectors.Template, definition *connectors.Definition, d Deps) (connectors.Connector, error) {
	settings := definition.Settings(d.Variable)
	if fixed := d.Fixed[t.Definition.Name]; fixed != nil {
		definition, settings = fix(definition, fixed, d.Variable)
	}
	return t.Make(connectors.Instance{Definition: definition, Settings: settings, Files: d.Files, Mail: d.Mail})
}

// fix is an instance whose definition has these settings and no variable changes them.
func fix(definition *connectors.Definition, fixed map[string]string, variable func(name string) (string, error)) (*connectors.Definition, *connectors.Settings) {
	changed := *definition
	changed.Config = slices.Clone(definition.Config)
	hidden := map[string]bool{} // variables
	for i, c := range changed.Config {
		if value, ok := fixed[c.Name]; ok {
			changed.Config[i].Value, hidden[changed.Variable(c.Name)] = value, true
		}
	}
	return &changed, changed.Settings(func(name string) (string, error) {
		if hidden[name] {
			return "", nil // so the definition counts
		}
		return variable(name)
	})
}

// read reads the definition of an instance. The template is nil when the file names none that is built in.
func read(path string) (*connectors.Definition, *connectors.Template, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	file, err := connectors.ParseDefinition(path, data)
	if err != nil {
		return nil, nil, err
	}
	for _, t := range Templates() {
		if t.Definition.Name == file.Template {
			definition, err := t.Definition.Instance(file)
			if err != nil {
				err = fmt.Errorf("%s: %w", path, err)
			}
			return definition, &t, err
		}
	}
	return file, nil, nil
}

func each(paths []string, fn func(path string, named bool)) error {
	for _, path := range paths {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: there is no such file or folder", path)
		}
		if err != nil {
			return err
		}
		if !info.IsDir() {
			fn(path, true)
			continue
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.Type().IsRegular() && strings.HasSuffix(e.Name(), ".json") {
				fn(filepath.Join(path, e.Name()), false)
			}
		}
	}
	return nil
}

func names() []string {
	var all []string
	for _, d := range Definitions() {
		all = append(all, d.Name)
	}
	return all
}
