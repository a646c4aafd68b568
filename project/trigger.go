package project

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // where the system has no time zone database

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/suggest"
	"github.com/waybill-io/waybill/connectors/trigger"
	"github.com/waybill-io/waybill/script"
)

func (l *loader) trigger(f source) {
	t, err := trigger.Parse(f.path, f.data, trigger.Options{
		Definition: func(name string) *connectors.Definition { return l.known[name] }, BuiltIn: l.options.BuiltIn,
		Script: func(name string) (string, error) { return l.script(f.path, name) },
	})
	if err != nil {
		l.fail(err)
		return
	}
	id := t.Source + "/" + t.Name
	if other, twice := l.triggerIDs[id]; twice {
		l.fail(fmt.Errorf("%s: name: trigger %q of %s is in %s too; a name is used once for a source", f.path, t.Name, t.Source, other))
		return
	}
	l.triggerIDs[id] = f.path
	if timer, ok := t.Timer(); ok {
		if _, err := time.LoadLocation(timer.TimeZone); err != nil || timer.TimeZone == "Local" {
			l.fail(fmt.Errorf("%s: event.inputs.timeZone: %q is not in the time zone database; write it as in Europe/Berlin", f.path, timer.TimeZone))
			return
		}
	}
	raw, err := l.stored(t, bytes.TrimPrefix(f.data, []byte("\xef\xbb\xbf")))
	if err != nil {
		l.fail(fmt.Errorf("%s: %w", f.path, err))
		return
	}
	for _, warning := range t.Warnings {
		l.warn("%s", warning)
	}
	l.checkProcess(f.path, t.Process())
	l.project.Triggers = append(l.project.Triggers, Trigger{Name: t.Name, Source: t.Source, File: f.path, Raw: raw, Read: t})
}

// stored is a trigger as it is deployed: the file, and what those who fire it must know of its connectors.
func (l *loader) stored(t *trigger.Trigger, data []byte) (json.RawMessage, error) {
	var raw bytes.Buffer
	if err := json.Compact(&raw, data); err != nil {
		return nil, err
	}
	d := t.Deployment()
	called, _ := connectors.SplitImplementation(t.Implementation())
	var errs [2]error
	if called != "" {
		d.Binding, errs[0] = json.Marshal(l.binding(called))
	}
	if answerer := t.Answerer(); answerer != "" {
		d.Echo, errs[1] = json.Marshal(l.binding(answerer))
	}
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	if d.Binding == nil && d.Echo == nil && !d.Answers {
		return raw.Bytes(), nil
	}
	note, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	raw.Truncate(raw.Len() - 1) // the brace that ends it: the file is an object, and not an empty one
	fmt.Fprintf(&raw, `,"deployed":%s}`, note)
	return raw.Bytes(), nil
}

// checkProcess warns of a trigger for a process that is not among the files; it may have been deployed before.
func (l *loader) checkProcess(file, key string) {
	if _, known := l.keys[key]; key == "" || known {
		return
	}
	l.warn("%s: action.payload: process %q is not among these files%s; it must be deployed before an event comes",
		file, key, suggest.Hint(key, slices.Collect(maps.Keys(l.keys))))
}

// maxScript bounds the script of a trigger: it goes with every event that fires it.
const maxScript = 64 << 10

// script reads the script of a trigger: scripts/NAME.js of its project, or .bin as the original product has it.
func (l *loader) script(file, name string) (string, error) {
	if name != filepath.Base(name) || strings.HasPrefix(name, ".") {
		return "", fmt.Errorf("%q is not the name of a script, such as count-days", name)
	}
	folder := filepath.Dir(file)
	if filepath.Base(folder) == "triggers" {
		folder = filepath.Dir(folder)
	}
	for _, ending := range []string{".js", ".bin"} {
		path := filepath.Join(folder, "scripts", name+ending)
		text, err := readFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return "", err
		case len(text) > maxScript:
			return "", fmt.Errorf("%s: has %d bytes, at most %d are allowed", path, len(text), maxScript)
		}
		l.used[path] = true
		if err := script.Check(string(text)); err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
		return string(text), nil
	}
	return "", fmt.Errorf("%s is not there", filepath.Join(folder, "scripts", name+".js"))
}
