package workflows

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/engine"
)

// maxRaising bounds the alerts of an instance that are on their way at a time: without a worker that takes alerts they stay there, and
// Temporal takes 2,000 activities of a workflow.
const maxRaising = 20

// raising are the alerts of an instance's incidents. Nothing waits for them: an instance goes on, ends or begins a new run without. What has not
// been taken by then the next run raises again, under the same id.
type raising struct {
	known   int   // the last incident that is known
	waiting []int // incidents that have no alert yet
	raised  []int // on their way
}

// alertsChange is when incidents came to be told.
const alertsChange = "alerts"

// raiseNew raises alerts of incidents that are new.
func (h *host) raiseNew() {
	if h.input.Clock != nil { // a test, whose incidents are nobody's business
		return
	}
	for _, i := range h.state.Incidents {
		if i.ID > h.raising.known {
			h.raising.known = i.ID
			h.raising.waiting = append(h.raising.waiting, i.ID)
		}
	}
	h.raiseWaiting()
}

// raiseWaiting raises alerts that wait, as far as there is room for them. An incident that has been answered needs none.
func (h *host) raiseWaiting() {
	r := &h.raising
	for len(r.waiting) > 0 && len(r.raised) < maxRaising {
		id := r.waiting[0]
		r.waiting = r.waiting[1:]
		i := slices.IndexFunc(h.state.Incidents, func(i engine.Incident) bool { return i.ID == id })
		if i < 0 || workflow.GetVersion(h.ctx, alertsChange, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
			continue
		}
		r.raised = append(r.raised, id)
		ctx := workflow.WithActivityOptions(h.ctx, workflow.ActivityOptions{
			TaskQueue:           contract.AlertQueue,
			StartToCloseTimeout: 30 * time.Second,
			RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: time.Minute},
			Summary:             clip("alert: " + h.state.Incidents[i].Message),
		})
		f := workflow.ExecuteActivity(ctx, contract.AlertActivity, h.alert(h.state.Incidents[i]))
		h.selector.AddFuture(f, func(workflow.Future) {
			r.raised = slices.DeleteFunc(r.raised, func(other int) bool { return other == id })
			h.raiseWaiting()
		})
	}
}

// unraised are the incidents that are still to be told, for the next run.
func (h *host) unraised() []int {
	all := slices.Concat(h.raising.raised, h.raising.waiting)
	return slices.DeleteFunc(all, func(id int) bool {
		return !slices.ContainsFunc(h.state.Incidents, func(i engine.Incident) bool { return i.ID == id })
	})
}

// takeUpRaising goes on with the alerts of an earlier run. What that run knew of is not raised again.
func (h *host) takeUpRaising() {
	for _, i := range h.state.Incidents {
		h.raising.known = max(h.raising.known, i.ID)
	}
	h.raising.waiting = h.input.Unraised
	h.input.Unraised = nil
}

// alert is an incident as an alert. It holds no variables.
func (h *host) alert(i engine.Incident) contract.Alert {
	node := h.process.Node(i.Element)
	a := contract.Alert{
		ID: fmt.Sprintf("%s/%d", h.id, i.ID), Source: contract.AlertProcess, At: i.At, Tenant: h.tenant,
		ProcessID: h.id, ProcessName: cmp.Or(h.process.Name, h.process.ID), ProcessNamespace: h.process.Namespace, ProcessKey: h.process.ID,
		ProcessVersion: h.input.Definition.Version, BusinessKey: h.input.BusinessKey, LocationPath: location(node), Status: contract.StateSuspended,
		FaultName:    cmp.Or(i.Code, i.Type, "fault"),
		FaultDetails: contract.FaultDetails{Code: cmp.Or(i.Code, i.Type), Reason: clip(i.Message), Details: title(node)},
		Initiator:    h.input.Initiator, RunID: workflow.GetInfo(h.ctx).WorkflowExecution.RunID, Incident: i.ID,
	}
	if i.Code != "" { // an error of the model
		a.FaultNamespace = h.process.Namespace
	}
	return a
}

// location is the path of elements that leads to one.
func location(n *bpmn.Node) string {
	var path []string
	for ; n != nil; n = n.Parent {
		path = append(path, n.ID)
	}
	slices.Reverse(path)
	return strings.Join(path, "/")
}
