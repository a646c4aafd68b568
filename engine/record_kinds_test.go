package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/juel"
	"github.com/waybill-io/waybill/testsuite/eventlog"
)

// log plays events, one a minute, over an instance that records, whose state is written and read back before each.
func log(t *testing.T, p *bpmn.Process, o Options, steps ...func(*instance) Event) []events.Event {
	t.Helper()
	o.Record = true
	in := &instance{t: t, p: p, s: New(o), now: epoch, persist: true}
	var all []events.Event
	var checker eventlog.Checker
	for i, do := range steps {
		in.reload()
		in.now = epoch.Add(time.Duration(i) * time.Minute)
		commands, err := Step(p, in.s, do(in), in.now)
		require.NoError(t, err)
		unrecorded(t, &checker, in.s, commands)
		if n := len(commands); n > 0 {
			if r, ok := commands[n-1].(Record); ok {
				for e := range r.Events() {
					all = append(all, e)
				}
			}
		}
	}
	return all
}

// toldAs is an event in a line: its type, its element, whose activity it is, and what it says.
func toldAs(e events.Event) string {
	b := []string{string(e.Type)}
	add := func(name, text string) {
		if text != "" {
			b = append(b, name+text)
		}
	}
	add("", e.ActivityID)
	add("ref=", e.Ref)
	add("of=", e.Activity)
	add("", string(e.Status))
	if e.Duration != nil {
		b = append(b, fmt.Sprintf("%ds", *e.Duration/1000))
	}
	add("user=", e.UserID)
	add("call=", e.Implementation)
	add("topic=", e.Topic)
	add("signal=", e.SignalName)
	add("message=", e.MessageName)
	add("code=", e.ErrorCode)
	add("error=", e.Error)
	add("action=", e.Action)
	add("assignee=", e.Assignee)
	add("worker=", e.WorkerID)
	if !e.LockedUntil.IsZero() {
		b = append(b, fmt.Sprintf("lock=%s", e.LockedUntil.Sub(e.Claimed)))
	}
	if e.Attempts > 0 {
		b = append(b, fmt.Sprintf("attempts=%d", e.Attempts))
	}
	if e.ValueType != "" {
		b = append(b, fmt.Sprintf("%s=%v", e.ValueType, e.Value))
	}
	return strings.Join(b, " ")
}

func TestRecord(t *testing.T) {
	call := model(nodes(start("s"), service("c"), end("e")), "s -> c", "c -> e")
	people := model(nodes(start("s"), user("u"), end("e")), "s -> u", "u -> e")
	people.Node("u").User.Assignee = expr("kim")
	watched := user("u")
	offered := node(bpmn.ServiceTask, "o")
	offered.Topic = expr("ship")
	outside := model(nodes(start("s"), offered, end("e")), "s -> o", "o -> e")
	late := withBoundary(watched, boundary("b", watched, true, "PT1M"))
	failing := service("c")
	catches := attached(node(bpmn.BoundaryEvent, "b"), failing, true)
	catches.Event, catches.Error = bpmn.ErrorEvent, &bpmn.ErrorRef{}
	caught := model(nodes(start("s"), failing, catches, end("e")), "s -> c", "c -> e", "b -> e")
	each := user("u")
	each.Loop = &bpmn.Loop{Cardinality: expr("${2}")}
	loop := model(nodes(start("s"), each, end("e")), "s -> u", "u -> e")
	stuck := model(nodes(start("s"), exclusive("x"), end("e")), "s -> x", "x -> e ? ${n > 1}")
	removes := node(bpmn.ServiceTask, "x")
	removes.Expression = expr("${execution.removeVariable('a')}")
	removed := model(nodes(start("s"), removes, end("e")), "s -> x", "x -> e")

	started := []string{"PROCESSINSTANCE_START active", "ACTIVITY_STARTED s ref=2 active", "ACTIVITY_COMPLETED s ref=2 completed 0s"}
	tests := []struct {
		name    string
		model   *bpmn.Process
		options Options
		steps   []func(*instance) Event
		want    []string // after those of the start event; what begins with ... may have more
	}{
		{"a call", call, Options{}, []func(*instance) Event{begin(nil), func(in *instance) Event { return Completed{ID: in.wait("c"), Attempts: 2} }}, []string{
			"SEQUENCEFLOW_TAKEN s-c ref=4", "ACTIVITY_STARTED c ref=5 active", "INTEGRATION_REQUESTED c ref=6 of=5 active call=x.c",
			"INTEGRATION_RESULT_RECEIVED c ref=6 of=5 completed 60s call=x.c attempts=2", "ACTIVITY_COMPLETED c ref=5 completed 60s",
			"SEQUENCEFLOW_TAKEN c-e ref=9", "ACTIVITY_STARTED e ref=10 active", "ACTIVITY_COMPLETED e ref=10 completed 0s", "PROCESSINSTANCE_END completed 60s",
		}},
		{"a call that fails, is tried again, and is given up", call, Options{}, []func(*instance) Event{
			begin(nil), fails("c", "", "no network"), answer("c", IncidentRetry, nil), given(Cancelled{}),
		}, []string{
			"SEQUENCEFLOW_TAKEN s-c ref=4", "ACTIVITY_STARTED c ref=5 active", "INTEGRATION_REQUESTED c ref=6 of=5 active call=x.c",
			"INTEGRATION_ERROR_RECEIVED c ref=6 of=5 failed 60s call=x.c error=no network", "INCIDENT_CREATED c ref=8 of=5 active error=no network",
			"INCIDENT_RESOLVED c ref=8 of=5 completed 60s error=no network action=retry", "INTEGRATION_REQUESTED c ref=10 of=5 active call=x.c",
			"INTEGRATION_ERROR_RECEIVED c ref=10 of=5 cancelled 60s call=x.c", "ACTIVITY_CANCELLED c ref=5 cancelled 180s", "PROCESSINSTANCE_END cancelled 180s",
		}},
		{"an incident that cancels the instance", call, Options{}, []func(*instance) Event{begin(nil), fails("c", "", "no"), answer("c", IncidentCancel, nil)}, []string{
			"SEQUENCEFLOW_TAKEN s-c ref=4", "ACTIVITY_STARTED c ref=5 active", "INTEGRATION_REQUESTED c ref=6 of=5 active call=x.c",
			"INTEGRATION_ERROR_RECEIVED c ref=6 of=5 failed 60s call=x.c error=no", "INCIDENT_CREATED c ref=8 of=5 active error=no",
			"INCIDENT_RESOLVED c ref=8 of=5 completed 60s error=no action=cancel", "ACTIVITY_CANCELLED c ref=5 cancelled 120s", "PROCESSINSTANCE_END cancelled 120s",
		}},
		{"a task", people, Options{}, []func(*instance) Event{begin(nil), func(in *instance) Event {
			ann := "ann"
			return Completed{ID: in.wait("u"), Outputs: Variables{"ok": true}, Assignee: &ann}
		}}, []string{
			"SEQUENCEFLOW_TAKEN s-u ref=4", "ACTIVITY_STARTED u ref=5 active", "TASK_CREATED u ref=2 of=5 active assignee=kim",
			"TASK_COMPLETED u ref=2 of=5 completed 60s user=ann assignee=ann", "VARIABLE_CREATED u ref=ok boolean=true", "ACTIVITY_COMPLETED u ref=5 completed 60s", "...",
		}},
		{"an external task", outside, Options{}, []func(*instance) Event{begin(nil), fails("o", "", "no truck")}, []string{
			"SEQUENCEFLOW_TAKEN s-o ref=4", "ACTIVITY_STARTED o ref=5 active", "EXTERNAL_TASK_CREATED o ref=6 of=5 active topic=ship",
			"EXTERNAL_TASK_FAILED o ref=6 of=5 failed 60s topic=ship error=no truck", "INCIDENT_CREATED o ref=8 of=5 active error=no truck",
		}},
		{"a timer that interrupts", late, Options{}, []func(*instance) Event{begin(nil), fires("b")}, []string{
			"...", "TASK_CREATED u ref=3 of=5 active", "TASK_CANCELLED u ref=3 of=5 cancelled 60s", "ACTIVITY_CANCELLED u ref=5 cancelled 60s",
			"ACTIVITY_STARTED b ref=9 active", "ACTIVITY_COMPLETED b ref=9 completed 0s", "...",
		}},
		{"an error that is caught", caught, Options{}, []func(*instance) Event{begin(nil), fails("c", "E", "no")}, []string{
			"...", "INTEGRATION_ERROR_RECEIVED c ref=6 of=5 failed 60s call=x.c code=E error=no", "ACTIVITY_CANCELLED c ref=5 cancelled 60s",
			"ACTIVITY_STARTED b ref=9 active", "ACTIVITY_ERROR_RECEIVED b ref=9 active code=E", "ACTIVITY_COMPLETED b ref=9 completed 0s code=E", "...",
		}},
		{"an error that only the caller can catch", call, Options{Called: true}, []func(*instance) Event{begin(nil), fails("c", "E", "no")}, []string{
			"...", "INTEGRATION_ERROR_RECEIVED c ref=6 of=5 failed 60s call=x.c code=E error=no", "ACTIVITY_CANCELLED c ref=5 cancelled 60s",
			"PROCESSINSTANCE_END failed 60s code=E error=no",
		}},
		{"a loop", loop, Options{}, []func(*instance) Event{begin(nil), done("u", nil), done("u", nil)}, []string{
			"SEQUENCEFLOW_TAKEN s-u ref=4", "VARIABLE_CREATED u ref=4.loopCounter integer=0", "VARIABLE_CREATED u ref=6.loopCounter integer=1",
			"ACTIVITY_STARTED u ref=7 active", "TASK_CREATED u ref=7 of=7 active", "ACTIVITY_STARTED u ref=9 active", "TASK_CREATED u ref=8 of=9 active",
			"TASK_COMPLETED u ref=7 of=7 completed 60s", "ACTIVITY_COMPLETED u ref=7 completed 60s",
			"TASK_COMPLETED u ref=8 of=9 completed 120s", "ACTIVITY_COMPLETED u ref=9 completed 120s", "SEQUENCEFLOW_TAKEN u-e ref=15", "...",
		}},
		{"no way out, until a variable is set", stuck, Options{Initiator: "kim"}, []func(*instance) Event{begin(Variables{"n": 1}), answer("x", IncidentRetry, Variables{"n": 2})}, []string{
			"...", "ACTIVITY_STARTED x ref=6 active", "INCIDENT_CREATED x ref=7 of=6 active error=" + noFlow, "VARIABLE_UPDATED ref=n integer=2",
			"INCIDENT_RESOLVED x ref=7 of=6 completed 60s error=" + noFlow + " action=retry", "ACTIVITY_COMPLETED x ref=6 completed 60s", "...",
			"PROCESSINSTANCE_END completed 60s user=kim",
		}},
		{"a variable that is removed", removed, Options{}, []func(*instance) Event{begin(Variables{"a": 1})}, []string{
			"...", "ACTIVITY_STARTED x ref=6 active", "VARIABLE_DELETED x ref=a", "ACTIVITY_COMPLETED x ref=6 completed 0s", "...",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, e := range log(t, test.model, test.options, test.steps...) {
				got = append(got, toldAs(e))
			}
			want := test.want
			if want[0] != "..." {
				want = append(started[:3:3], want...)
			}
			rest := got
			for i, line := range want {
				if line == "..." {
					continue
				}
				for i > 0 && want[i-1] == "..." && len(rest) > 0 && rest[0] != line {
					rest = rest[1:]
				}
				require.NotEmpty(t, rest, "%s is not in\n%s", line, strings.Join(got, "\n"))
				require.Equal(t, line, rest[0], strings.Join(got, "\n"))
				rest = rest[1:]
			}
			if want[len(want)-1] != "..." {
				require.Empty(t, rest)
			}
		})
	}
}

func TestRecordDetails(t *testing.T) {
	u := user("u")
	u.User = &bpmn.UserTaskInfo{
		Owner: expr("ann"), CandidateUsers: []*juel.Expr{expr("bob")}, CandidateGroups: []*juel.Expr{expr("sales,ops")}, DueDate: expr("PT1H"), Priority: expr("${7}"),
		FormKey: expr("form"), Description: expr("${text}"),
	}
	p := model(nodes(start("s"), u, end("e")), "s -> u", "u -> e")
	claimed, owner := epoch.Add(30*time.Second), "cid"
	all := log(t, p, Options{Initiator: "kim"}, begin(Variables{"text": strings.Repeat("ä", 600)}), func(in *instance) Event {
		return Completed{ID: in.wait("u"), Outputs: Variables{"ok": true}, Owner: &owner, Claimed: claimed}
	})
	require.Equal(t, "kim", all[0].UserID)
	require.Equal(t, map[string]any{"text": strings.Repeat("ä", 512)}, all[0].Variables)
	require.Equal(t, events.Event{
		Sequence: 2, Type: events.VariableCreated, Time: epoch, Ref: "text", Name: "text", Value: strings.Repeat("ä", 512), ValueType: "string", Cut: true,
	}, all[1])
	flow := all[4]
	require.Equal(t, []string{"s", "startEvent", "u", "Task u", "userTask", "1"}, []string{flow.SourceID, flow.SourceType, flow.TargetID, flow.TargetName, flow.TargetType, flow.ExecutionID})
	created, completed := all[6], all[7]
	require.Equal(t, events.Event{
		Sequence: 7, Type: events.TaskCreated, Time: epoch, Ref: "2", Revision: 1, Status: events.Active, Start: epoch, ActivityID: "u", ActivityName: "Task u",
		ActivityType: "userTask", ExecutionID: "1", Activity: "6", Name: "Task u", TaskKey: "u", Description: strings.Repeat("ä", 512), Owner: "ann",
		Due: epoch.Add(time.Hour), FormKey: "form", Priority: 7, CandidateUsers: []string{"bob"}, CandidateGroups: []string{"sales", "ops"},
	}, created)
	minute := int64(60_000)
	want := created
	want.Sequence, want.Type, want.Time, want.Revision, want.Status = 8, events.TaskCompleted, epoch.Add(time.Minute), events.MaxRevision, events.Completed
	want.End, want.Duration, want.Owner, want.Claimed, want.Variables = epoch.Add(time.Minute), &minute, "cid", claimed, map[string]any{"ok": true}
	require.Equal(t, want, completed)
}

func TestReceptions(t *testing.T) {
	wait := model(nodes(start("s"), receive("r", "go", "k"), end("e")), "s -> r", "r -> e")
	all := log(t, wait, Options{}, begin(nil), message("r", Variables{"a": 1}))
	require.Equal(t, "ACTIVITY_MESSAGE_RECEIVED r ref=5 active message=go", toldAs(all[5]))
	require.Equal(t, map[string]any{"a": int64(1)}, all[5].Variables)
	require.Equal(t, "VARIABLE_CREATED r ref=a integer=1", toldAs(all[6]))
	require.Equal(t, "ACTIVITY_COMPLETED r ref=5 completed 60s message=go", toldAs(all[7]), "what is known stays known")

	reply := model(nodes(start("s"), service("c"), end("e")), "s -> c", "c -> e")
	all = log(t, reply, Options{}, begin(nil), asks("c", Variables{}), replied("c", nil))
	require.Equal(t, "INTEGRATION_RESULT_RECEIVED c ref=6 of=5 completed 60s call=x.c", toldAs(all[6]), "a call is over when it has been made")
	require.Equal(t, events.ActivityMessage, all[7].Type)
	require.Equal(t, "ACTIVITY_COMPLETED", string(all[8].Type))
	require.Equal(t, int64(120_000), *all[8].Duration)

	listens := signalled(start("s"))
	all = log(t, model(nodes(listens, end("e")), "s -> e"), Options{}, beginAt("s", nil))
	require.Equal(t, "ACTIVITY_SIGNALED s ref=2 active signal=s", toldAs(all[2]))
	require.Equal(t, "ACTIVITY_COMPLETED s ref=2 completed 0s signal=s", toldAs(all[3]))
}

// A step that loops adds what its elements are to the log, not what they are called.
func TestRecordOfALoopIsSmall(t *testing.T) {
	p := model(nodes(start("s"), task("a"), task("b")), "s -> a", "a -> b", "b -> a")
	s := New(Options{Record: true})
	commands, err := Step(p, s, Started{}, epoch)
	require.NoError(t, err)
	r := commands[len(commands)-1].(Record)
	require.Greater(t, r.Len(), 290_000)
	require.EqualValues(t, r.Len(), s.Logged)
	n := 0
	for e := range r.Events() {
		if n++; n == 10 {
			require.EqualValues(t, 10, e.Sequence)
			break
		}
	}
	for e := range r.Events() {
		require.EqualValues(t, 1, e.Sequence, "they are made anew")
		break
	}
}
