package workflows

import (
	"encoding/json"
	"fmt"
	"time"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/definition"
	"github.com/waybill-io/waybill/engine"
	"github.com/waybill-io/waybill/events/marker"
)

// Processes runs BPMN processes of any id.
type Processes struct {
	models    *definition.Cache
	scripts   engine.Scripts
	recording Recording
}

// Run is the workflow of every process.
func (p *Processes) Run(ctx workflow.Context, args converter.EncodedValues) (*contract.ProcessResult, error) {
	var input contract.ProcessInput
	if err := args.Get(&input); err != nil {
		return nil, refuse("read the input of the process: %w", err)
	}
	if input.Engine > engine.Version {
		// Panics fail the workflow task, not the workflow: it waits for a worker that is new enough.
		panic(fmt.Sprintf("instance wants engine version %d, this worker has %d", input.Engine, engine.Version))
	}
	d, err := p.definition(input)
	if err != nil {
		return nil, refuse("%w", err)
	}
	h, err := newHost(ctx, p, d, input)
	if err != nil {
		return nil, err
	}
	return h.run()
}

// definition is what an instance runs.
func (p *Processes) definition(input contract.ProcessInput) (*definition.Unpacked, error) {
	if len(input.Packed) > 0 {
		return p.models.Unpack(input.Packed, input.Engine)
	}
	process, err := p.models.Process(input.Definition, input.Engine)
	return &definition.Unpacked{Definition: input.Definition, Process: process}, err
}

// refuse makes an error that ends the workflow for good.
func refuse(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return temporal.NewNonRetryableApplicationError(err.Error(), "refused", nil)
}

// host runs one instance.
type host struct {
	ctx      workflow.Context // outlives a cancellation of the workflow, which is an event like others
	id       string
	input    contract.ProcessInput
	process  *bpmn.Process
	models   *definition.Cache
	bindings map[string]contract.Binding // of connectors, by implementation
	tenant   string                      // of the definition
	engine   engine.Engine
	state    *engine.State
	selector workflow.Selector
	requests workflow.Channel // of *request, from update handlers
	waits    map[int]*wait    // what is under way, by command id
	closing  []workflow.Future
	handling int      // requests that have no answer yet
	shown    string   // the state that the search attribute shows
	deferred []func() // what came while the instance was suspended
	load     load
	raising  raising
	mails    string         // contract.Definition.TaskMails
	failed   engine.Failure // how a called instance failed
	log      *marker.Writer // nil: the instance records no events
	fresh    *recorded      // events of the step that is carried out
	scripts  []workflow.Future
	pausing  workflow.Mutex // of pauseOffers
	flushing bool           // events wait for the next workflow task
}

// request is an event from an update handler, or something to do between two events.
type request struct {
	event engine.Event
	do    func() error // instead of event
	reply workflow.Settable
}

func newHost(ctx workflow.Context, p *Processes, d *definition.Unpacked, input contract.ProcessInput) (*host, error) {
	h := &host{
		id: workflow.GetInfo(ctx).WorkflowExecution.ID, input: input, process: d.Process, models: p.models, bindings: d.Definition.Connectors, tenant: d.Definition.Tenant, engine: engine.Engine{Scripts: p.scripts},
		selector: workflow.NewSelector(ctx), waits: map[int]*wait{}, shown: contract.StateActive, mails: d.Definition.TaskMails,
		requests: workflow.NewBufferedChannel(ctx, 100), pausing: workflow.NewMutex(ctx),
	}
	h.ctx, _ = workflow.NewDisconnectedContext(ctx)
	h.state = engine.New(engine.Options{
		Engine: input.Engine, ID: h.id, Definition: fmt.Sprintf("%s:%d", input.Definition.Key, input.Definition.Version),
		BusinessKey: input.BusinessKey, Initiator: input.Initiator, Called: input.Parent != nil, Depth: input.Depth,
		Record: input.Engine >= recordedSince,
	})
	h.eventsOf(ctx, p.recording)
	if len(input.State) > 0 {
		state, err := restored(input.State)
		if err != nil {
			return nil, err
		}
		h.state = state
		h.shown = h.shownState()
		h.takeUpRaising()
	}
	h.selector.AddReceive(h.requests, h.requested)
	h.selector.AddReceive(ctx.Done(), h.cancelled)
	for _, s := range []struct {
		name   string
		handle func(workflow.ReceiveChannel, bool)
	}{
		{contract.TaskSignal, h.taskDone},
		{contract.MessageSignal, h.messageCame},
		{contract.SignalSignal, h.signalCame},
		{contract.ChildSignal, h.childDone},
		{contract.EscalationSignal, h.escalationCame},
		{contract.TaskVariablesSignal, h.taskVariables},
		{contract.TaskAssignedSignal, h.taskAssigned},
	} {
		h.selector.AddReceive(workflow.GetSignalChannel(ctx, s.name), s.handle)
	}
	return h, nil
}

func (h *host) run() (*contract.ProcessResult, error) {
	if len(h.input.State) > 0 {
		for _, c := range h.state.Open() {
			h.resume(c)
		}
		h.raiseWaiting()
	} else if err := h.step(engine.Started{Element: h.input.Element, Variables: engine.Variables(h.input.Variables)}); err != nil {
		return nil, refuse("start process %q: %w", h.process.ID, err)
	}
	// Not earlier: an update may come with the first workflow task.
	if err := h.setHandlers(h.ctx); err != nil {
		return nil, err
	}
	for h.state.Outcome == "" {
		h.flush()
		h.selector.Select(h.ctx)
		if h.state.Outcome == "" && h.leaving() {
			if h.flush(); !h.flushing { // else events wait for another workflow task, in which others may come
				return nil, h.continueAsNew()
			}
		}
	}
	h.flushLast() // not later: what follows may wait for others
	h.settle()
	result := h.result()
	return &result, nil
}

// now is the time of the instance: the workflow's, or that of a test.
func (h *host) now() time.Time {
	if h.input.Clock != nil {
		return *h.input.Clock
	}
	return workflow.Now(h.ctx)
}

// step gives the engine an event and carries out what it answers.
func (h *host) step(event engine.Event) error {
	commands, err := h.engine.Step(h.process, h.state, event, h.now())
	if err != nil {
		return err
	}
	h.record(commands)
	for _, c := range commands {
		h.carryOut(c)
	}
	h.show()
	h.raiseNew()
	return nil
}

// quiet tells whether this run may end: nothing is under way that only this run would hear of.
func (h *host) quiet() bool {
	for _, f := range h.closing {
		if !f.IsReady() {
			return false
		}
	}
	return h.load.idle() && !h.flushing && !h.selector.HasPending() && h.handling == 0 && len(h.deferred) == 0
}

func (h *host) continueAsNew() error {
	next := h.input
	next.Variables, next.State, next.Unraised = nil, carried(h.state), h.unraised()
	return workflow.NewContinueAsNewError(h.ctx, h.process.ID, next)
}

// carried is what the next run needs of a state, as compressed JSON. Open tasks are workflows of their own, which hold what people
// see; with a copy of each the state could be more than an input can be.
func carried(s *engine.State) []byte {
	for i := range s.Waits {
		if open, ok := s.Waits[i].Command.(engine.OpenTask); ok {
			open.Inputs = nil
			s.Waits[i].Command = open
		}
	}
	state, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("serialise state: %v", err)) // a state always serialises
	}
	if s.Engine == 1 { // its histories hold it as it is
		return state
	}
	packed, err := definition.Compress(state)
	if err != nil {
		panic(fmt.Sprintf("compress state: %v", err)) // into memory
	}
	return packed
}

// restored is the state that an earlier run carried.
func restored(packed []byte) (*engine.State, error) {
	text := packed
	if packed[0] != '{' {
		var err error
		if text, err = definition.Decompress(packed); err != nil {
			return nil, refuse("read the state of the earlier run: %w", err)
		}
	}
	state := &engine.State{}
	if err := json.Unmarshal(text, state); err != nil {
		return nil, refuse("read the state of the earlier run: %w", err)
	}
	return state, nil
}

// settle does what must be done before the workflow may end: it answers update handlers, gives messages back that came
// while the instance ended, and waits until tasks and subscriptions know that nobody waits for them.
func (h *host) settle() {
	for !workflow.AllHandlersFinished(h.ctx) {
		for h.handling > 0 {
			h.requested(h.requests, true)
		}
		_ = workflow.Await(h.ctx, func() bool { return h.handling > 0 || workflow.AllHandlersFinished(h.ctx) }) // never cancelled
	}
	h.tellCaller()
	messages := workflow.GetSignalChannel(h.ctx, contract.MessageSignal)
	for messages.Len()+len(h.closing) > 0 { // more messages may come while it waits
		for messages.Len() > 0 {
			h.messageCame(messages, true)
		}
		closing := h.closing
		h.closing = nil
		for _, f := range closing {
			_ = f.Get(h.ctx, nil) // a task or a message entity that is gone needs no telling
		}
	}
}

func (h *host) result() contract.ProcessResult {
	r := contract.ProcessResult{
		ID: h.id, Definition: h.ref(), BusinessKey: h.input.BusinessKey, State: h.shownState(),
		Variables: contract.Variables(h.state.Variables), Path: h.state.Path, Active: h.state.Active(),
		Enabled: engine.Enabled(h.process, h.state), Paused: h.input.Paused, Code: h.failed.Code, Message: h.failed.Message, Caller: h.input.Parent,
	}
	if h.input.Clock != nil {
		r.Due, r.Subscriptions = h.due(), h.subscriptions()
	}
	for _, i := range h.state.Incidents {
		r.Incidents = append(r.Incidents, incidentOf(i))
	}
	return r
}

func incidentOf(i engine.Incident) contract.Incident {
	incident := contract.Incident{ID: i.ID, Element: i.Element, Code: i.Code, Message: i.Message, At: i.At}
	if o := i.Offer; o != nil {
		incident.Task, incident.Topic, incident.Details, incident.Worker = o.Task, o.Topic, o.Report.Details, o.Report.Worker
	}
	return incident
}

func (h *host) ref() contract.DefinitionRef {
	return contract.DefinitionRef{Key: h.input.Definition.Key, Version: h.input.Definition.Version, Tenant: h.tenant}
}
