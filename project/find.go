package project

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors"
)

const (
	maxFiles = 10_000
	maxBytes = 10 << 20 // of one model, definition or trigger
)

// source is a file that was found. data is set for the kinds that are read.
type source struct {
	path string
	kind kind
	data []byte
}

// find lists the files of paths in order and reads those that are deployed.
func (l *loader) find(paths []string) []source {
	var files []source
	seen := map[string]bool{}
	add := func(path string, named bool) {
		if path = filepath.Clean(path); seen[path] {
			return
		}
		seen[path] = true
		if f, ok := l.read(path, named); ok {
			files = append(files, f)
		}
	}
	l.visit(paths, add, func(archive string) {
		dir, err := l.unpack(archive)
		l.fail(err)
		if err == nil {
			l.fail(l.walk(dir, func(file string) { add(file, false) }))
		}
	})
	l.strayExtensions(files, seen)
	return files
}

// visit adds files that were named, and what is in folders that were; archives are unpack's.
func (l *loader) visit(paths []string, add func(path string, named bool), unpack func(archive string)) {
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			l.fail(fmt.Errorf("%s: there is no such file or folder", path))
		case err != nil:
			l.fail(err)
		case info.IsDir():
			l.fail(l.walk(path, func(file string) { add(file, false) }))
		case isArchive(path):
			unpack(path)
		default:
			add(path, true)
		}
	}
}

// walk calls fn for every file under a folder in alphabetical order. What is hidden is passed over, as tools keep their
// own files there; links are told and not followed, since they may lead out of the project.
func (l *loader) walk(folder string, fn func(string)) error {
	n := 0
	return filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path != folder && strings.HasPrefix(e.Name(), "."):
			if e.IsDir() {
				return fs.SkipDir
			}
		case e.IsDir() && e.Name() == "node_modules":
			return fs.SkipDir
		case e.IsDir():
		case !e.Type().IsRegular():
			l.warn("%s: ignored: not a regular file (links are not followed)", path)
		default:
			if n++; n > maxFiles {
				return fmt.Errorf("%s: more than %d files; name the folder of one project", folder, maxFiles)
			}
			fn(path)
		}
		return nil
	})
}

// read classifies a file and reads it when it is to be deployed. named: the caller asked for this very file.
func (l *loader) read(path string, named bool) (f source, ok bool) {
	f = source{path: path, kind: byPlace(path)}
	if f.kind == isUnclear || f.kind.deployed() {
		data, err := readFile(path)
		if err != nil {
			l.fail(err)
			return f, false
		}
		f.data = data
	}
	if f.kind == isUnclear {
		f.kind = byContent(path, f.data)
	}
	part, _ := foreignByPlace(path)
	if f.kind == isUnclear {
		var known bool
		if part, known = foreignByContent(path, f.data); known {
			f.kind = isForeign
		}
	}
	switch {
	case f.kind == isUnclear && strings.HasSuffix(path, ".json"):
		l.fail(fmt.Errorf("%s: neither a trigger (event and action), nor a connector (actions or events), nor extensions of a model "+
			"(NAME-extensions.json): move it to triggers/ or connectors/ to be told what is wrong with it", path))
		return f, false
	case named && !f.kind.deployed() && f.kind != isExtensions:
		l.fail(fmt.Errorf("%s: cannot be deployed: a model (*.bpmn, *.bpmn20.xml), connector or trigger (*.json), mail template (*.mail.html, *.mail.ftl), or an archive of them (*.zip) is expected", path))
		return f, false
	case f.kind == isForeign && part == aScript: // a trigger may run it: see unused
	case f.kind == isForeign:
		l.warn("%s: ignored: %s: %s", path, part.what, part.instead)
	case f.kind == isUnclear:
		l.warn("%s: ignored: neither a model (*.bpmn, *.bpmn20.xml) nor a connector or trigger (*.json)", path)
	}
	return f, true
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return bounded(path, f, maxBytes)
}

func bounded(name string, r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s: larger than %d KiB, which is the most that is allowed here", name, limit>>10)
	}
	return data, nil
}

// strayExtensions refuses extensions files that no model would read: nearly always a misspelt name.
func (l *loader) strayExtensions(files []source, seen map[string]bool) {
	for _, f := range files {
		if f.kind != isExtensions {
			continue
		}
		base := strings.TrimSuffix(f.path, extensionsSuffix)
		models := []string{base + ".bpmn", base + ".bpmn20.xml", base + ".xml", base + ".bpmn.xml"}
		if slices.ContainsFunc(models, func(m string) bool { return seen[m] }) {
			continue
		}
		if i := slices.IndexFunc(models, func(m string) bool { _, err := os.Stat(m); return err == nil }); i >= 0 {
			l.fail(fmt.Errorf("%s: is read with its model; deploy %s", f.path, models[i]))
			continue
		}
		l.fail(fmt.Errorf("%s: belongs to no model: %s is not there", f.path, filepath.Base(models[0])))
	}
}

// unused tells of templates that nothing refers to: nearly always a misspelt name in the extensions.
func (l *loader) unused(files []source) {
	for _, f := range files {
		if f.kind == isTemplate && !l.used[f.path] {
			l.warn("%s: no process refers to this template", f.path)
		}
		if part, known := foreignByPlace(f.path); known && part == aScript && !l.used[f.path] {
			l.warn("%s: ignored: %s: %s", f.path, part.what, part.instead)
		}
	}
}

// lookalikes tells of definitions that have the actions and inputs of a connector that is built in and do not name it as their
// template: files of the original product, whose calls would wait for a program of their own.
func (l *loader) lookalikes() {
	for _, d := range l.project.Connectors {
		if _, instance := l.builtIn(d.Template); instance {
			continue
		}
		for _, known := range l.options.BuiltIn {
			if !alike(d, known) {
				continue
			}
			l.warn("%s: connector %q has the actions of %s, which is built in, and does not name it: its calls wait for a program of yours on task queue %q; "+
				"write \"template\": %q to have Waybill's workers make them", l.custom[d.Name], d.Name, known.Name, contract.CustomConnectorQueue(d.Name), known.Name)
			break
		}
	}
}

// alike tells that a connector knows every action and every input of a definition that has some.
func alike(d, known *connectors.Definition) bool {
	inputs := 0
	for _, f := range d.Actions {
		action, err := known.Action(f.Name)
		if err != nil || slices.ContainsFunc(f.Inputs, func(p connectors.Parameter) bool { return action.Input(p.Name) == nil }) {
			return false
		}
		inputs += len(f.Inputs)
	}
	return inputs > 0
}
