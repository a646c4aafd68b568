package project

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/definition"
	"github.com/waybill-io/waybill/script"
)

// maxDefinition is the largest definition in JSON, in bytes. Temporal refuses payloads over 2 MB, and a start carries
// the variables too.
const maxDefinition = 1_000_000

// model makes a definition of every process of a model.
func (l *loader) model(f source) {
	extensionsName := extensionsOf(f.path)
	extensions, err := readFile(extensionsName)
	if errors.Is(err, fs.ErrNotExist) {
		extensions, err = nil, nil
	}
	if err != nil {
		l.fail(err)
		return
	}
	options := bpmn.Options{
		Extensions: extensions, ExtensionsName: extensionsName, MapDefault: l.options.MapDefault, Uncaught: l.options.Uncaught, CheckScript: script.Check,
	}
	m, err := bpmn.Parse(f.path, f.data, options)
	if err != nil {
		l.fail(err)
		return
	}
	for _, w := range bpmn.Lint(m) {
		l.warn("%s", w)
	}
	before := len(l.errs)
	for _, p := range m.Processes {
		if other, twice := l.keys[p.ID]; twice {
			l.fail(fmt.Errorf("%s: line %d: process %q is in %s too; keep one", f.path, p.Line, p.ID, other))
		}
		l.keys[p.ID] = f.path
		l.checkConnectors(f.path, extensionsName, p)
		l.checkMails(f.path, p)
	}
	if extensions != nil {
		i := &inliner{loader: l, name: extensionsName, folder: projectFolder(f.path)}
		extensions = i.inline(extensions, m)
	}
	if len(l.errs) > before {
		return
	}
	l.fail(l.define(f, m, extensions))
}

// projectFolder is what names of files in the extensions of a model are relative to.
func projectFolder(model string) string {
	folder := filepath.Dir(model)
	absolute, err := filepath.Abs(folder)
	if err == nil && filepath.Base(absolute) == "processes" {
		return filepath.Join(folder, "..")
	}
	return folder
}

func (l *loader) define(f source, m *bpmn.Model, extensions []byte) error {
	stripped, err := bpmn.Strip(f.data)
	if err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	packed, err := definition.Compress(stripped)
	if err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	for _, p := range m.Processes {
		d := contract.Definition{
			Key: p.ID, Name: p.Name, VersionTag: p.VersionTag, File: filepath.Base(f.path), Model: stripped,
			Extensions: extensions, MapDefault: string(l.options.MapDefault), Uncaught: string(l.options.Uncaught), Connectors: l.bindings(p), Tenant: l.options.Tenant,
			TaskMails: l.taskMails(p),
		}
		if d.Uncaught == string(bpmn.UncaughtIncident) {
			d.Uncaught = "" // likewise
		}
		if d.MapDefault == string(bpmn.MapNone) {
			d.MapDefault = "" // the same by contract, so it must have the same digest
		}
		// The digest is of the model as text: what gzip makes of it may change with the version of Go.
		if d.Digest, err = definition.Digest(d); err != nil {
			return fmt.Errorf("%s: %w", f.path, err)
		}
		d.Model = packed
		// This is how the workers read it, so whatever would fail there fails now.
		if _, err := definition.Parse(d, 0); err != nil {
			return fmt.Errorf("%s: as it would be sent to the workers: %w", f.path, err)
		}
		text, err := json.Marshal(d)
		if err != nil {
			return fmt.Errorf("%s: %w", f.path, err)
		}
		if len(text) > maxDefinition {
			return fmt.Errorf("%s: process %q takes %d KiB with its extensions and files, more than the %d KiB that Temporal can carry "+
				"with every start: make the files of its extensions smaller, or split the process", f.path, p.ID, len(text)>>10, maxDefinition>>10)
		}
		l.project.Definitions = append(l.project.Definitions, d)
	}
	return nil
}
