package project

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/waybill-io/waybill/activities/binding"
	"github.com/waybill-io/waybill/connectors"
)

// Connector is a connector that models may call.
type Connector struct {
	*connectors.Definition
	File    string // "": it is built in
	BuiltIn bool   // is one, or is an instance of one
}

// TaskQueue is where the calls of the connector go.
func (c Connector) TaskQueue() string {
	return binding.Queue(c.Name, c.File == "")
}

// Warnings are what a definition may say and what has no effect.
func (c Connector) Warnings() []string {
	if c.BuiltIn || c.Policy.PerSecond == 0 {
		return nil
	}
	return []string{"config: CALLS_PER_SECOND has no effect: the worker of " + c.Name + ", which is no instance of a built-in connector, must keep the rate, " +
		"as with maxTaskQueueActivitiesPerSecond of Temporal's SDK"}
}

// Connectors are those that are built in and those of the definition files among paths, sorted by name. A folder stands for every
// definition under it; what else is there is passed over. The error joins all that is wrong with the definitions; those without a
// mistake are returned beside it.
func Connectors(paths []string, builtIn []*connectors.Definition) ([]Connector, error) {
	l := &loader{
		options: Options{BuiltIn: builtIn}, project: &Project{}, known: map[string]*connectors.Definition{}, custom: map[string]string{},
	}
	var all []Connector
	for _, d := range builtIn {
		l.known[d.Name] = d
		all = append(all, Connector{Definition: d, BuiltIn: true})
	}
	seen := map[string]bool{}
	add := func(path string, named bool) {
		if path = filepath.Clean(path); seen[path] || !named && filepath.Ext(path) != ".json" {
			return
		}
		seen[path] = true
		data, err := readFile(path)
		if err != nil {
			l.fail(err)
			return
		}
		if kind := byPlace(path); named || kind == isConnector || kind == isUnclear && byContent(path, data) == isConnector {
			l.connector(source{path: path, kind: isConnector, data: data})
		}
	}
	l.visit(paths, add, func(archive string) {
		l.fail(fmt.Errorf("%s: an archive: unpack it, and name its connectors", archive))
	})
	for _, d := range l.project.Connectors {
		_, instance := l.builtIn(d.Template)
		all = append(all, Connector{Definition: d, File: l.custom[d.Name], BuiltIn: instance})
	}
	slices.SortFunc(all, func(a, b Connector) int { return cmp.Compare(a.Name, b.Name) })
	return all, errors.Join(l.errs...)
}
