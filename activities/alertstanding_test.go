package activities

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

// instances answer as processes do, and there are no others that are suspended.
type instances struct {
	*registries
	known map[string]contract.ProcessResult
}

func (i *instances) QueryWorkflow(ctx context.Context, id, run, query string, args ...any) (converter.EncodedValue, error) {
	if id == contract.AlertRulesID {
		return i.registries.QueryWorkflow(ctx, id, run, query, args...)
	}
	r, ok := i.known[id]
	if !ok {
		return nil, serviceerror.NewNotFound(id)
	}
	p, err := converter.GetDefaultDataConverter().ToPayloads(r)
	return temporal.NewValue(p), err
}

func (i *instances) ListWorkflow(context.Context, *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	return nil, errors.New("not asked in this test")
}

// Of four instances one was answered and one ended: the message is about the others, and begins with the first of them.
func TestWhatHasBeenMendedIsLeftOut(t *testing.T) {
	open := func(key string, incidents ...int) contract.ProcessResult {
		r := contract.ProcessResult{Definition: contract.DefinitionRef{Key: key, Version: 2}, BusinessKey: "key of " + key}
		for _, id := range incidents {
			r.Incidents = append(r.Incidents, contract.Incident{ID: id, Element: "print", Message: "no paper"})
		}
		return r
	}
	at := time.Date(2026, 11, 28, 21, 0, 0, 0, time.UTC)
	group := contract.AlertGroup{Key: "g", New: 4, Count: 5, Instances: 4, Since: at}
	for i, id := range []string{"boom/a", "boom/b", "boom/c", "boom/d"} {
		group.Samples = append(group.Samples, contract.AlertSample{ID: id + "/3", Source: contract.AlertProcess, ProcessID: id, Incident: 3, At: at.Add(time.Duration(i) * time.Second)})
	}
	group.Samples[2].Starter = "loop"
	group.Alert = contract.Alert{
		ID: "boom/a/3", Source: contract.AlertProcess, At: at, ProcessID: "boom/a", ProcessKey: "boom", ProcessName: "Boom", BusinessKey: "a", LocationPath: "sub/print",
		FaultName: "script", FaultDetails: contract.FaultDetails{Code: "script", Reason: "no ink", Details: "Print"}, Incident: 3, Initiator: "ada", RunID: "run",
	}
	named := func(change func(*contract.AlertGroup)) contract.AlertGroup {
		g := group
		change(&g)
		return g
	}
	known := map[string]contract.ProcessResult{"boom/a": open("boom", 5), "boom/b": open("boom"), "boom/c": open("boom", 1, 3), "boom/d": open("boom", 3)}
	for name, tc := range map[string]struct {
		group      contract.AlertGroup
		known      map[string]contract.ProcessResult
		head       string
		count      int64
		instances  int64
		samples    int
		unfiltered bool
	}{
		"some":                        {group, known, "boom/c", 2, 2, 2, false},
		"none":                        {group, map[string]contract.ProcessResult{"boom/a": open("boom", 3), "boom/b": open("boom", 3), "boom/c": open("boom", 3), "boom/d": open("boom", 3)}, "boom/a", 4, 4, 4, true},
		"of more than are named":      {named(func(g *contract.AlertGroup) { g.New, g.Count, g.Instances = 40, 40, 40 }), known, "boom/c", 38, 38, 2, false},
		"all that are named":          {named(func(g *contract.AlertGroup) { g.New = 40 }), nil, "", 36, 1, 0, false},
		"of groups that are too many": {named(func(g *contract.AlertGroup) { g.Others = true }), known, "boom/c", 4, 4, 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := &instances{known: tc.known, registries: &registries{entries: map[string]map[string]any{contract.AlertRulesID: {
				"ops": map[string]any{"name": "ops", "actions": []any{map[string]any{"mail": map[string]any{"to": "ops@example.com"}}}},
			}}}}
			a := NewAlerter(&Deliverer{client: client.New(c)}, AlertSettings{}, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
			plan, err := a.Plan(t.Context(), contract.AlertPlanInput{Rule: "ops", Group: tc.group, Key: "k"})
			require.NoError(t, err)
			require.Len(t, plan.Notices, 1)
			data := plan.Notices[0].Data
			require.Equal(t, tc.head, data["processId"])
			require.Equal(t, tc.count, data["count"])
			require.Equal(t, tc.instances, data["instances"])
			require.Len(t, data["samples"], tc.samples)
			require.Equal(t, tc.unfiltered, plan.Group == nil)
			links, _ := data["links"].(map[string]any)
			if tc.head == "" {
				require.Equal(t, "", links["command"])
				return
			}
			require.Equal(t, "starter incident retry "+tc.head+" --incident 3", links["command"])
			if !tc.unfiltered {
				require.Equal(t, contract.Alert{
					ID: "boom/c/3", Source: contract.AlertProcess, At: at.Add(2 * time.Second), ProcessID: "boom/c", ProcessKey: "boom", ProcessName: "Boom",
					ProcessVersion: 2, BusinessKey: "key of boom", LocationPath: "sub/print", FaultName: "script",
					FaultDetails: contract.FaultDetails{Code: "script", Reason: "no paper"}, Incident: 3, Initiator: "alert/loop",
				}, plan.Group.Alert)
				if !tc.group.Others {
					require.Equal(t, at.Add(2*time.Second), plan.Group.Since)
				}
			}
		})
	}
}

// When nothing stands, nothing is told.
func TestAllThatHasBeenMendedIsNotTold(t *testing.T) {
	c := &instances{registries: &registries{entries: map[string]map[string]any{contract.AlertRulesID: {
		"ops": map[string]any{"name": "ops", "actions": []any{map[string]any{"mail": map[string]any{"to": "ops@example.com"}}}},
	}}}}
	a := NewAlerter(&Deliverer{client: client.New(c)}, AlertSettings{}, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	plan, err := a.Plan(t.Context(), contract.AlertPlanInput{Rule: "ops", Group: contract.AlertGroup{
		New: 1, Count: 1, Alert: contract.Alert{Source: contract.AlertProcess}, Samples: []contract.AlertSample{{Source: contract.AlertProcess, ProcessID: "gone", Incident: 1}},
	}})
	require.NoError(t, err)
	require.True(t, plan.Recovered)
}
