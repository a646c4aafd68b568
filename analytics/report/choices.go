package report

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/waybill-io/waybill/events"
)

// Choice is a value that a parameter can have.
type Choice struct {
	ID      string `json:"id"` // the value
	Name    string `json:"name"`
	Key     string `json:"key,omitempty"`     // of a process definition
	Version int    `json:"version,omitempty"` // likewise
}

// maxChoices bounds them.
const maxChoices = 1000

// Choices are the values that are found in the index for a parameter with Choices, at most 1000: versions of processes, the latest first,
// names of tasks, of a process alone where the request has one, actions of connectors, mailboxes.
func (r *Reporter) Choices(ctx context.Context, in Request, parameter string) ([]Choice, error) {
	report, ok := Find(in.Report)
	if !ok {
		return nil, invalid{fmt.Errorf("there is no report %q", in.Report)}
	}
	p, ok := report.Parameter(parameter)
	if !ok || !p.Choices {
		return nil, invalid{fmt.Errorf("the report %s has no parameter %q whose values can be listed", report.Name, parameter)}
	}
	q := &question{Reporter: r, report: report, tenant: in.Tenant, now: r.now()}
	var err error
	found := map[string]Choice{}
	each := func(s source) func(group) error {
		return func(g group) error {
			if name := g.text(s); name != "" {
				found[name] = Choice{ID: name, Name: name}
			}
			return nil
		}
	}
	switch p.ID {
	case ProcessParameter:
		err = q.groups(ctx, events.ProcessInstances, q.of(events.KindProcess), []source{byDefinition, byVersion, byName}, nil, func(g group) error {
			key := g.text(byDefinition)
			version, err := strconv.Atoi(g.text(byVersion))
			if key == "" || err != nil {
				return nil // a hand-written workflow has none
			}
			id := fmt.Sprintf("%s:%d", key, version)
			found[id] = Choice{ID: id, Name: known(g.text(byName), key), Key: key, Version: version}
			return nil
		})
	case TaskParameter:
		q.process = in.Parameters[ProcessParameter]
		err = q.groups(ctx, events.Tasks, q.of(events.KindTask), []source{byTask}, nil, each(byTask))
	case ImplementationParameter:
		err = q.groups(ctx, events.Activities, q.of(events.KindIntegration), []source{byImplementation}, nil, each(byImplementation))
	case MailboxParameter:
		err = q.groups(ctx, events.Activities, q.of(events.KindMail), []source{byMailbox}, nil, each(byMailbox))
	}
	if err != nil {
		return nil, err
	}
	all := slices.SortedFunc(maps.Values(found), func(a, b Choice) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(b.Version, a.Version), cmp.Compare(a.ID, b.ID))
	})
	return all[:min(len(all), maxChoices)], nil
}
