package workflows

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/engine"
)

var stateAttribute = temporal.NewSearchAttributeKeyKeyword(contract.StateAttribute)

// setHandlers registers what the world may ask of an instance.
func (h *host) setHandlers(ctx workflow.Context) error {
	return errors.Join(
		workflow.SetQueryHandler(ctx, contract.StateQuery, h.query),
		workflow.SetQueryHandler(ctx, contract.ExternalTasksQuery, h.externalTasks),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.IncidentUpdate, h.answerIncident,
			workflow.UpdateHandlerOptions{Validator: h.validateIncident, Description: "answer an open incident: retry, resolve or cancel"}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.VariablesUpdate, h.setVariables,
			workflow.UpdateHandlerOptions{Validator: h.validateVariables, Description: "set process variables"}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.CancelUpdate, h.cancel,
			workflow.UpdateHandlerOptions{Validator: h.validateRunning, Description: "cancel the instance in good order"}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.CatchUpdate, h.catch,
			workflow.UpdateHandlerOptions{Validator: h.validateCatch, Description: "a message for this instance alone"}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.ActivateUpdate, h.activate,
			workflow.UpdateHandlerOptions{Validator: h.validateElement, Description: "start an activity of an ad-hoc sub-process"}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.FinishScopeUpdate, h.finishScope,
			workflow.UpdateHandlerOptions{Validator: h.validateElement, Description: "complete an ad-hoc sub-process"}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.SuspendUpdate, h.suspend,
			workflow.UpdateHandlerOptions{Validator: h.validateRunning, Description: "let nothing happen until resume"}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.ResumeInstanceUpdate, h.resumeInstance,
			workflow.UpdateHandlerOptions{Validator: h.validateRunning, Description: "go on after suspend"}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.TaskAnswerUpdate, h.answerTask,
			workflow.UpdateHandlerOptions{Validator: h.validateTaskAnswer, Description: "a BPMN error or an escalation from a user task"}),
		workflow.SetUpdateHandlerWithOptions(ctx, contract.AdvanceUpdate, h.advance,
			workflow.UpdateHandlerOptions{Validator: h.validateAdvance, Description: "move the clock of this instance, in tests"}),
	)
}

func (h *host) query() (contract.ProcessResult, error) { return h.result(), nil }

// ask hands an event to the loop and waits until it is applied.
func (h *host) ask(ctx workflow.Context, event engine.Event) error {
	return h.request(ctx, &request{event: event})
}

func (h *host) request(ctx workflow.Context, r *request) error {
	h.handling++
	var future workflow.Future
	future, r.reply = workflow.NewFuture(ctx)
	h.requests.Send(ctx, r)
	return future.Get(ctx, nil)
}

// requested applies an event from an update handler.
func (h *host) requested(c workflow.ReceiveChannel, _ bool) {
	var r *request
	c.Receive(h.ctx, &r)
	var err error
	if r.do != nil {
		err = r.do()
	} else {
		err = h.step(r.event)
	}
	if message, ok := r.event.(engine.MessageReceived); ok && err == nil {
		h.stop(message.ID) // the place where messages meet need not find anybody for it any more
	}
	if err != nil {
		err = temporal.NewNonRetryableApplicationError(err.Error(), "refused", nil)
	}
	r.reply.SetError(err)
	h.handling--
}

func (h *host) validateIncident(a contract.IncidentAnswer) error {
	_, err := h.incident(a)
	return err
}

func (h *host) answerIncident(ctx workflow.Context, a contract.IncidentAnswer) (contract.ProcessResult, error) {
	id, err := h.incident(a)
	if err == nil {
		err = h.ask(ctx, engine.IncidentAnswered{ID: id, Action: engine.IncidentAction(a.Action), Variables: engine.Variables(a.Variables), Retries: a.Retries})
	}
	return h.result(), err
}

// incident finds the incident that an answer means.
func (h *host) incident(a contract.IncidentAnswer) (int, error) {
	switch engine.IncidentAction(a.Action) {
	case engine.IncidentRetry, engine.IncidentResolve, engine.IncidentSkip, engine.IncidentCancel:
		if h.input.Paused && a.Action != string(engine.IncidentCancel) {
			return 0, errPaused
		}
	default:
		return 0, fmt.Errorf("unknown action %q: retry, resolve, skip or cancel", a.Action)
	}
	var found []int
	var open []string
	for _, i := range h.state.Incidents {
		open = append(open, fmt.Sprintf("%d at %s", i.ID, i.Element))
		if (a.ID == 0 || a.ID == i.ID) && (a.Element == "" || a.Element == i.Element) {
			found = append(found, i.ID)
		}
	}
	switch {
	case len(open) == 0:
		return 0, errors.New("no incident is open")
	case len(found) == 0:
		return 0, fmt.Errorf("no such incident; open: %s", strings.Join(open, ", "))
	case len(found) > 1:
		return 0, fmt.Errorf("several incidents are open, name one by its id: %s", strings.Join(open, ", "))
	}
	return found[0], nil
}

func (h *host) validateVariables(v contract.Variables) error {
	if len(v) == 0 {
		return errors.New("no variables given")
	}
	return h.validateActive()
}

func (h *host) setVariables(ctx workflow.Context, v contract.Variables) error {
	return h.ask(ctx, engine.VariablesSet{Variables: engine.Variables(v)})
}

func (h *host) validateRunning() error {
	if h.state.Outcome != "" {
		return fmt.Errorf("the instance has ended: %s", h.state.Outcome)
	}
	return nil
}

func (h *host) validateCatch(m contract.CatchMessage) error {
	if h.input.Paused {
		return temporal.NewNonRetryableApplicationError(errPaused.Error(), contract.PausedError, nil)
	}
	_, err := h.catcher(m)
	return err
}

func (h *host) catch(ctx workflow.Context, m contract.CatchMessage) error {
	id, err := h.catcher(m)
	if err != nil {
		return temporal.NewNonRetryableApplicationError(err.Error(), "refused", nil)
	}
	return h.ask(ctx, engine.MessageReceived{ID: id, Variables: engine.Variables(m.Variables)})
}

// catcher finds the command that waits for a message: the first. Of those that wait for mail it is the one whose key is the
// Message-ID of what was answered, else the first that has no such key.
func (h *host) catcher(m contract.CatchMessage) (int, error) {
	var waiting []engine.Wait
	for _, w := range h.state.Waits {
		if w.Kind == engine.WaitMessage && w.Name == m.Name && (m.Element == "" || w.Element == m.Element) {
			waiting = append(waiting, w)
		}
	}
	for _, w := range waiting {
		if slices.Contains(m.Answers, w.Key) {
			return w.ID, nil
		}
	}
	for _, w := range waiting {
		if len(m.Answers) == 0 || !strings.HasPrefix(w.Key, "<") {
			return w.ID, nil
		}
	}
	return 0, fmt.Errorf("the instance waits for no such message; it waits at: %s", strings.Join(h.state.Active(), ", "))
}

func (h *host) cancel(ctx workflow.Context) error { return h.ask(ctx, engine.Cancelled{}) }

// cancelled is Temporal's own request to cancel, as its Web UI sends it.
func (h *host) cancelled(c workflow.ReceiveChannel, _ bool) {
	c.Receive(h.ctx, nil)
	if err := h.step(engine.Cancelled{}); err != nil {
		workflow.GetLogger(h.ctx).Debug("cancel of an instance that has ended", "error", err)
	}
}

// show keeps the run's details and its search attribute in step with the state.
func (h *host) show() {
	workflow.SetCurrentDetails(h.ctx, h.details())
	if state := h.shownState(); state != h.shown && state != contract.StateCompleted {
		h.shown = state
		if err := workflow.UpsertTypedSearchAttributes(h.ctx, stateAttribute.ValueSet(state)); err != nil {
			panic(fmt.Sprintf("set search attribute: %v", err))
		}
	}
}

func (h *host) shownState() string {
	switch {
	case h.state.Outcome == engine.OutcomeCancelled:
		return contract.StateCancelled
	case h.state.Outcome == engine.OutcomeFailed:
		return contract.StateFailed
	case h.state.Outcome != "":
		return contract.StateCompleted
	case h.input.Paused:
		return contract.StatePaused
	case len(h.state.Incidents) > 0:
		return contract.StateSuspended
	}
	return contract.StateActive
}

// details is what the Web UI shows of a run: where its tokens are and what is wrong (Markdown).
func (h *host) details() string {
	var b strings.Builder
	for n, i := range h.state.Incidents {
		if n == 20 {
			b.WriteString("...\n\n")
			break
		}
		fmt.Fprintf(&b, "**Incident %d** at %s: %s\n\n", i.ID, title(h.process.Node(i.Element)), i.Message)
	}
	if h.input.Paused {
		b.WriteString("**Suspended** by an operator\n\n")
	}
	if n := len(h.state.Tokens); n > 100 { // to look through them at every step would take longer than the steps
		fmt.Fprintf(&b, "- waits at %d places\n", n)
		return b.String()
	}
	for n, id := range h.state.Active() {
		if n == 20 {
			b.WriteString("- ...\n")
			break
		}
		fmt.Fprintf(&b, "- waits at **%s** (`%s`)\n", title(h.process.Node(id)), id)
	}
	if h.state.Outcome != "" {
		b.WriteString(string(h.state.Outcome))
	}
	return b.String()
}
