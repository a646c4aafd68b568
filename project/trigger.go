package project

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/waybill-io/waybill/connectors/suggest"
	"github.com/waybill-io/waybill/connectors/trigger"
)

func (l *loader) trigger(f source) {
	t, err := trigger.Parse(f.path, f.data)
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
	var raw bytes.Buffer
	if err := json.Compact(&raw, bytes.TrimPrefix(f.data, []byte("\xef\xbb\xbf"))); err != nil {
		l.fail(fmt.Errorf("%s: %w", f.path, err))
		return
	}
	l.checkProcess(f.path, t.Process())
	l.project.Triggers = append(l.project.Triggers, Trigger{Name: t.Name, Source: t.Source, File: f.path, Raw: raw.Bytes()})
}

// checkProcess warns of a trigger for a process that is not among the files; it may have been deployed before.
func (l *loader) checkProcess(file, key string) {
	if _, known := l.keys[key]; key == "" || known {
		return
	}
	l.warn("%s: action.payload: process %q is not among these files%s; it must be deployed before mail comes",
		file, key, suggest.Hint(key, slices.Collect(maps.Keys(l.keys))))
}
