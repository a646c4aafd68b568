package engine

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/events"
)

// An external task is the same when it is offered again after its incident, and another in the next element.
func TestExternalTaskKeepsItsID(t *testing.T) {
	first, second := node(bpmn.ServiceTask, "a"), node(bpmn.ServiceTask, "b")
	first.Topic, second.Topic = expr("ship"), expr("bill")
	p := model(nodes(start("s"), first, second, end("e")), "s -> a", "a -> b", "b -> e")
	offered := func(s *State, ev Event) *OfferTask {
		t.Helper()
		commands, err := Step(p, s, ev, epoch)
		require.NoError(t, err)
		for _, c := range commands {
			if o, ok := c.(OfferTask); ok {
				return &o
			}
		}
		return nil
	}
	s := New(Options{})
	a := offered(s, Started{})
	require.Equal(t, a.ID, a.Task)
	again := a
	for range 3 {
		require.Nil(t, offered(s, Failed{ID: again.ID, Failure: Failure{Message: "no luck"}}))
		require.Equal(t, a.Task, s.Incidents[0].Offer.Task)
		again = offered(s, IncidentAnswered{ID: s.Incidents[0].ID, Action: IncidentRetry})
		require.Equal(t, a.Task, again.Task)
		require.NotEqual(t, a.ID, again.ID)
	}
	require.Nil(t, offered(s, Failed{ID: again.ID, Failure: Failure{Message: "no luck"}}))
	b := offered(s, IncidentAnswered{ID: s.Incidents[0].ID, Action: IncidentResolve})
	require.Equal(t, "b", b.Element)
	require.Equal(t, b.ID, b.Task)

	s = New(Options{Engine: 4})
	require.Zero(t, offered(s, Started{}).Task, "as instances that began before have it")
}

// external is a process of an external task whose BPMN errors are caught: BAD by one event, all others by another.
func external(mappings ...bpmn.ErrorMapping) *bpmn.Process {
	work := node(bpmn.ServiceTask, "work")
	work.Topic, work.ErrorMappings = expr("ship"), mappings
	bad := attached(node(bpmn.BoundaryEvent, "bad"), work, true)
	bad.Event, bad.Error = bpmn.ErrorEvent, &bpmn.ErrorRef{Code: expr("BAD"), MessageVariable: "message"}
	return model(nodes(start("s"), work, bad, end("e"), end("rescued")), "s -> work", "work -> e", "bad -> rescued")
}

func throwsWhen(code, text string) bpmn.ErrorMapping {
	return bpmn.ErrorMapping{Code: code, When: expr(text)}
}

// played is an instance whose state is written and read back before each event.
type played struct {
	t *testing.T
	p *bpmn.Process
	s *State
	Engine
}

func (in *played) step(ev Event) []Command {
	in.t.Helper()
	data, err := json.Marshal(in.s)
	require.NoError(in.t, err)
	in.s = &State{}
	require.NoError(in.t, json.Unmarshal(data, in.s))
	commands, err := in.Step(in.p, in.s, ev, epoch)
	require.NoError(in.t, err)
	return commands
}

// offer is the external task that an event has offered; nil: none.
func (in *played) offer(ev Event) *OfferTask {
	in.t.Helper()
	for _, c := range in.step(ev) {
		if o, ok := c.(OfferTask); ok {
			return &o
		}
	}
	return nil
}

func playExternal(t *testing.T, p *bpmn.Process) (*played, *OfferTask) {
	t.Helper()
	in := &played{t: t, p: p, s: New(Options{ID: "i", BusinessKey: "K"})}
	return in, in.offer(Started{})
}

func again(retries int) *Again { return &Again{Retries: &retries} }

// The model makes BPMN errors of results and failures before anything else happens to them.
func TestErrorEventDefinition(t *testing.T) {
	failure := Failure{Message: "no luck", Details: "at line 1: timeout"}
	worker := By{Worker: "ann"}
	for text, holds := range map[string]bool{
		"${externalTask.getErrorDetails().contains('timeout')}": true,
		"${externalTask.errorDetails.contains('disk')}":         false,
		"${externalTask.getErrorMessage() == 'no luck'}":        true,
		"${errorMessage == 'no luck'}":                          true,
		"${externalTask.getWorkerId() == 'ann'}":                true,
		"${externalTask.retries == null}":                       true, // before this failure
		"${externalTask.topicName eq 'ship'}":                   true,
		"${externalTask.priority == 0}":                         true,
		"${externalTask.activityId == 'work'}":                  true,
		"${externalTask.processInstanceId == 'i'}":              true,
		"${externalTask.processDefinitionKey == 'p'}":           true,
		"${externalTask.businessKey == 'K'}":                    true,
		"${amount > 3}":                                         true,  // of the failure
		"${stock == 1}":                                         false, // there is none
		"${externalTask.errorDetails}":                          false, // no boolean
	} {
		for _, f := range []Failed{{Again: again(3)}, {}} {
			in, o := playExternal(t, external(throwsWhen("BAD", text)))
			f.ID, f.Failure, f.By, f.Variables = o.ID, failure, worker, Variables{"amount": int64(4)}
			offered := in.offer(f)
			require.Equal(t, int64(4), in.s.Variables["amount"], text)
			switch {
			case holds:
				require.Equal(t, OutcomeCompleted, in.s.Outcome, text)
				require.Equal(t, []string{"s", "bad", "rescued"}, in.s.Path, text)
				require.Equal(t, "no luck", in.s.Variables["message"], text)
			case f.Again != nil:
				require.NotNil(t, offered, text)
				require.Equal(t, int64(4), offered.Inputs["amount"], "its worker sees what has been set")
			default:
				require.Len(t, in.s.Incidents, 1, text)
			}
		}
	}

	in, o := playExternal(t, external(throwsWhen("BAD", "${sum < 10}")))
	in.step(Completed{ID: o.ID, Outputs: Variables{"sum": int64(3)}})
	require.Equal(t, []string{"s", "bad", "rescued"}, in.s.Path)
	in, o = playExternal(t, external(throwsWhen("BAD", "${sum < 10}"), throwsWhen("BAD", "${externalTask.retries == 1 && externalTask.errorMessage == 'no luck'}")))
	o = in.offer(Failed{ID: o.ID, Failure: failure, Again: again(1)})
	in.step(Completed{ID: o.ID, Outputs: Variables{"sum": int64(30)}})
	require.Equal(t, []string{"s", "bad", "rescued"}, in.s.Path, "a completion sees the failure before")

	// mapException is for what has failed for good.
	in, o = playExternal(t, external(bpmn.ErrorMapping{Code: "BAD"}))
	o = in.offer(Failed{ID: o.ID, Failure: failure, Again: again(1)})
	require.NotNil(t, o)
	in.step(Failed{ID: o.ID, Failure: failure})
	require.Equal(t, []string{"s", "bad", "rescued"}, in.s.Path)
}

// A task that is offered again is the same, with what was said of it; so it is after an incident.
func TestExternalTaskIsOfferedAgain(t *testing.T) {
	in, first := playExternal(t, external())
	retries, priority := 2, 7
	later := epoch.Add(time.Hour)
	leases := []Lease{{Number: 1, Worker: "ann", At: epoch, Until: later}, {Number: 2, Worker: "bob", At: epoch, Until: later}}
	o := in.offer(Failed{
		ID: first.ID, Failure: Failure{Message: "no luck", Details: string(make([]byte, 5000))}, Local: Variables{"mine": true}, By: By{Worker: "bob", Leases: leases},
		Again: &Again{Retries: &retries, NotBefore: later},
	})
	require.Equal(t, []int{first.ID, first.Task, 2}, []int{o.ID, o.Task, o.Leases})
	require.Equal(t, epoch, o.Created)
	require.Len(t, o.Report.Details, maxDetails)
	require.Equal(t, []any{"no luck", "bob", later, 2}, []any{o.Report.Message, o.Report.Worker, o.Report.NotBefore, *o.Report.Retries})
	require.Equal(t, true, o.Inputs["mine"])
	require.NotContains(t, in.s.Variables, "mine")

	o = in.offer(Failed{ID: o.ID, Again: &Again{Priority: &priority, Set: true}})
	require.Equal(t, []any{7, "no luck", 2}, []any{o.Priority, o.Report.Message, *o.Report.Retries}, "nothing else has changed")
	require.Equal(t, []Command{*o}, in.s.Open(), "what the next run offers")

	require.Nil(t, in.offer(Failed{ID: o.ID, Failure: Failure{Message: "never", Details: "a trace"}, By: By{Worker: "cay", Leases: []Lease{{Number: 3, Worker: "cay"}}}}))
	i := in.s.Incidents[0]
	require.Equal(t, &Offer{
		Task: first.Task, Topic: "ship", Priority: 7, Created: epoch, Leases: 3, Report: Report{Message: "never", Details: "a trace", Worker: "cay", Retries: new(int)},
	}, i.Offer)
	o = in.offer(IncidentAnswered{ID: i.ID, Action: IncidentRetry, Retries: 5})
	require.Equal(t, []any{first.Task, 7, "never", 5, 3}, []any{o.Task, o.Priority, o.Report.Message, *o.Report.Retries, o.Leases})
	in.step(Failed{ID: o.ID, Failure: Failure{Message: "never"}})
	o = in.offer(IncidentAnswered{ID: in.s.Incidents[0].ID, Action: IncidentRetry})
	require.Nil(t, o.Report.Retries, "nobody has said")

	// Variables that cannot be set are an incident, not a task that nobody can do.
	in.step(Failed{ID: o.ID, Failure: Failure{Message: "x"}, Variables: Variables{"big": string(make([]byte, maxBytes))}, Again: again(3)})
	require.ErrorContains(t, errors.New(in.s.Incidents[0].Message), "the variables would take")
	require.Equal(t, first.Task, in.s.Incidents[0].Offer.Task)
}

// What is local to a task is there for its output mapping, and gone with it.
func TestLocalResults(t *testing.T) {
	p := external()
	p.Node("work").Outputs = []bpmn.Assignment{{Name: "sum", Value: bpmn.Value{Expr: expr("${part + whole}")}}}
	in, o := playExternal(t, p)
	in.step(Completed{ID: o.ID, Outputs: Variables{"whole": int64(3)}, Local: Variables{"part": int64(4)}})
	require.Equal(t, OutcomeCompleted, in.s.Outcome)
	require.Equal(t, Variables{"whole": int64(3), "sum": int64(7)}, in.s.Variables)
}

// A service error of process-engine is a BPMN error where the model catches one, else always an incident.
func TestServiceError(t *testing.T) {
	fails := func(p *bpmn.Process, o Options, code string) *State {
		s := New(o)
		commands, err := Step(p, s, Started{}, epoch)
		require.NoError(t, err)
		_, err = Step(p, s, Failed{ID: commands[0].(OfferTask).ID, Failure: Failure{Code: code, Message: "no luck", Details: "why"}, Catchable: true}, epoch)
		require.NoError(t, err)
		return s
	}
	require.Equal(t, []string{"s", "bad", "rescued"}, fails(external(), Options{}, "BAD").Path)
	any := external()
	any.Node("bad").Error.Code = nil
	require.Equal(t, []string{"s", "bad", "rescued"}, fails(any, Options{}, "").Path)
	silent := external()
	silent.Uncaught = bpmn.UncaughtEnd
	for _, p := range []*bpmn.Process{external(), silent} {
		for _, o := range []Options{{}, {Called: true}} {
			for _, code := range []string{"", "OTHER"} {
				s := fails(p, o, code)
				require.Empty(t, s.Outcome)
				require.Equal(t, []string{code, "no luck", "why"}, []string{s.Incidents[0].Code, s.Incidents[0].Message, s.Incidents[0].Offer.Report.Details})
			}
		}
	}
}

func TestRecordOfLeases(t *testing.T) {
	p := external(throwsWhen("BAD", "${externalTask.errorDetails == 'bad'}"))
	had := func(n int, worker string) Lease {
		return Lease{Number: n, Worker: worker, At: epoch.Add(time.Second), Until: epoch.Add(31 * time.Second)}
	}
	told := []string{}
	for _, e := range log(t, p, Options{}, begin(nil),
		func(in *instance) Event {
			return Failed{ID: in.wait("work"), Failure: Failure{Message: "x"}, Again: again(3), By: By{Worker: "bob", Leases: []Lease{had(1, "ann"), had(2, "bob")}}}
		},
		func(in *instance) Event { return Failed{ID: in.wait("work"), Again: &Again{Set: true}} },
		func(in *instance) Event {
			return Failed{ID: in.wait("work"), Failure: Failure{Message: "y"}, Attempts: 1, By: By{Worker: "cay", Leases: []Lease{had(3, "cay")}}}
		},
		answer("work", IncidentRetry, nil),
		func(in *instance) Event {
			return Completed{ID: in.wait("work"), By: &By{Worker: "dan", Leases: []Lease{had(4, "cay"), had(5, "dan")}}, Attempts: 2}
		},
	) {
		if e.Type.Kind() == events.KindExternalTask {
			told = append(told, toldAs(e))
		}
		if e.Type == events.ExternalTaskEnded {
			require.Equal(t, epoch.Add(time.Second), e.Claimed)
		}
	}
	require.Equal(t, []string{
		"EXTERNAL_TASK_CREATED work ref=6 of=5 active topic=ship",
		"EXTERNAL_TASK_LOCKED work ref=6 of=5 active topic=ship worker=ann lock=30s attempts=1",
		"EXTERNAL_TASK_LOCKED work ref=6 of=5 active topic=ship worker=bob lock=30s attempts=2",
		"EXTERNAL_TASK_LOCKED work ref=6 of=5 active topic=ship worker=cay lock=30s attempts=3",
		"EXTERNAL_TASK_FAILED work ref=6 of=5 failed 180s topic=ship error=y worker=cay attempts=1",
		"EXTERNAL_TASK_CREATED work ref=13 of=5 active topic=ship",
		"EXTERNAL_TASK_LOCKED work ref=13 of=5 active topic=ship worker=cay lock=30s attempts=4",
		"EXTERNAL_TASK_LOCKED work ref=13 of=5 active topic=ship worker=dan lock=30s attempts=5",
		"EXTERNAL_TASK_COMPLETED work ref=13 of=5 completed 60s topic=ship worker=dan attempts=2",
	}, told)
}
