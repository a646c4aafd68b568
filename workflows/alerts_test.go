package workflows_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	sdk "go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/alerts"
	"github.com/waybill-io/waybill/workflows"
)

// message is what somebody was told.
type message struct {
	at     time.Duration // since the beginning
	key    string
	step   int
	count  int64
	groups int
}

// telling is the world of a rule's workflow: its clock is that of the test.
type telling struct {
	*sdk.TestWorkflowEnvironment
	t     *testing.T
	begun time.Time
	rule  *alerts.Rule

	mu        sync.Mutex
	told      []message
	plans     []contract.AlertPlanInput
	recovered bool
	mailDown  func(time.Duration) bool
	planned   *contract.AlertPlan // of every message; nil: by the rule
	notified  *contract.Notified  // the result of every mail; nil: it is sent
}

func newTelling(t *testing.T, rule string, begun time.Time) *telling {
	t.Helper()
	r, err := alerts.Parse("r.json", []byte(rule), alerts.Options{Templates: []string{"alert"}})
	require.NoError(t, err)
	var suite sdk.WorkflowTestSuite
	w := &telling{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), t: t, begun: begun, rule: r, mailDown: func(time.Duration) bool { return false }}
	w.SetStartTime(begun)
	w.SetTestTimeout(time.Minute)
	w.SetWorkflowRunTimeout(100 * 24 * time.Hour)
	w.RegisterWorkflowWithOptions(new(workflows.AlertRules).Run, workflow.RegisterOptions{Name: contract.AlertsWorkflow})
	w.RegisterActivityWithOptions(w.plan, activity.RegisterOptions{Name: contract.PlanAlertActivity})
	w.RegisterActivityWithOptions(w.notify, activity.RegisterOptions{Name: contract.NotifyActivity})
	return w
}

func (w *telling) plan(in contract.AlertPlanInput) (contract.AlertPlan, error) {
	if w.planned != nil {
		return *w.planned, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.plans = append(w.plans, in)
	if !in.Again {
		if until := w.rule.QuietUntil(w.Now(), alerts.Severity(in.Group.Alert)); !until.IsZero() {
			return contract.AlertPlan{Until: until}, nil
		}
		if w.recovered {
			return contract.AlertPlan{Recovered: true}, nil
		}
	}
	count := in.Group.New
	if in.Step > 0 {
		count = in.Group.Count
	}
	return contract.AlertPlan{Notices: []contract.Notice{{
		Key: in.Key, Template: contract.TemplateAlert, Data: contract.Variables{"count": count, "step": in.Step, "groups": len(in.Group.Parts)},
	}}}, nil
}

func (w *telling) notify(n contract.Notice) (contract.Notified, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := w.Now().Sub(w.begun)
	if w.mailDown(at) {
		return contract.Notified{}, errors.New("the mail server does not answer")
	}
	if w.notified != nil {
		return *w.notified, nil
	}
	number := func(name string) int64 { n, _ := n.Data[name].(int64); return n }
	w.told = append(w.told, message{at.Round(time.Second), n.Key, int(number("step")), number("count"), int(number("groups"))})
	return contract.Notified{Sent: []contract.SentMail{{MessageID: n.Key}}}, nil
}

// alert sends alerts of processes at a time.
func (w *telling) alert(at time.Duration, process string, ids ...int) {
	w.RegisterDelayedCallback(func() {
		var all []contract.Alert
		for _, id := range ids {
			all = append(all, contract.Alert{
				ID: fmt.Sprintf("%s/%d", process, id), Source: contract.AlertProcess, ProcessID: fmt.Sprintf("%s/%d", process, id%100), ProcessName: process,
				FaultName: "F", At: w.Now(), Incident: id,
			})
		}
		w.SignalWorkflow(contract.AlertsSignal, alerts.Batch(w.rule, all))
	}, at)
}

func (w *telling) run() []message {
	w.t.Helper()
	w.ExecuteWorkflow(contract.AlertsWorkflow, contract.AlertsState{Rule: w.rule.Name, Policy: w.rule.Policy()})
	require.True(w.t, w.IsWorkflowCompleted())
	require.NoError(w.t, w.GetWorkflowError())
	return w.brief()
}

// brief are the messages without their keys.
func (w *telling) brief() []message {
	brief := slices.Clone(w.told)
	for i := range brief {
		brief[i].key = ""
	}
	return brief
}

func span(from, to int) (ids []int) {
	for id := from; id < to; id++ {
		ids = append(ids, id)
	}
	return ids
}

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

const plainRule = `{"name":"r","window":"1h","maxGroups":3,"actions":[{"mail":{"to":["ops@example.com"]}}]}`

func TestFirstAlertIsToldAtOnceThenSummaries(t *testing.T) {
	w := newTelling(t, plainRule, noon)
	w.alert(0, "billing", 1)
	w.alert(time.Minute, "billing", span(2, 1500)...)
	w.alert(2*time.Minute, "billing", span(1, 1500)...) // again: nothing new
	w.alert(90*time.Minute, "billing", 2000)
	require.Equal(t, []message{
		{at: 0, count: 1},
		{at: time.Hour, count: 1498},
		{at: 2 * time.Hour, count: 1}, // no more than one in an hour
	}, w.run())
	require.Equal(t, 3*time.Hour, w.Now().Sub(noon).Round(time.Second), "the group is over when nothing has come in a window, and so is the workflow")
	require.EqualValues(t, 100, w.plans[1].Group.Instances)
	require.Len(t, w.plans[1].Group.Samples, contract.AlertSamples)
	require.Equal(t, noon.Add(time.Minute), w.plans[1].Group.Since.UTC())
	keys := map[string]bool{}
	for _, m := range w.told {
		keys[m.key] = true
	}
	require.Len(t, keys, 3, "each message has a key of its own")
}

func TestGroupsThatAreTooManyAreToldTogether(t *testing.T) {
	w := newTelling(t, plainRule, noon)
	for i := range 60 {
		w.alert(0, fmt.Sprintf("p%d", i), 1, 2)
	}
	w.alert(10*time.Minute, "p7", 3, 4)
	told := w.run()
	require.Len(t, told, 5)
	first := told[:3]
	require.Equal(t, []message{{count: 2}, {count: 2}, {count: 2}}, first)
	require.Equal(t, []message{{at: time.Minute, count: 114, groups: contract.AlertSamples}, {at: 61 * time.Minute, count: 2, groups: 1}}, told[3:])
	require.EqualValues(t, 114-2*contract.AlertSamples, w.plans[3].Group.More)
}

// The window goes on while the mail server is away: what comes meanwhile is one message.
func TestMailServerIsAwayForTheWholeWindow(t *testing.T) {
	w := newTelling(t, plainRule, noon)
	w.mailDown = func(at time.Duration) bool { return at < 150*time.Minute }
	w.alert(0, "billing", 1)
	w.alert(30*time.Minute, "billing", 2, 3)
	w.alert(70*time.Minute, "billing", 4)
	told := w.run()
	require.Len(t, told, 2)
	require.EqualValues(t, 1, told[0].count)
	require.GreaterOrEqual(t, told[0].at, 150*time.Minute)
	require.EqualValues(t, 3, told[1].count)
	require.Less(t, told[1].at, 160*time.Minute)
}

// A mail server that is away for more than a day loses messages, not the alerts that come later.
func TestMessageIsGivenUpAfterADay(t *testing.T) {
	w := newTelling(t, plainRule, noon)
	w.mailDown = func(at time.Duration) bool { return at < 25*time.Hour }
	w.alert(0, "billing", 1)
	w.alert(23*time.Hour, "billing", 2)
	var state contract.AlertsState
	w.RegisterDelayedCallback(func() {
		answer, err := w.QueryWorkflow(contract.AlertsQuery)
		require.NoError(t, err)
		require.NoError(t, answer.Get(&state))
	}, 24*time.Hour+time.Minute)
	told := w.run()
	require.Len(t, told, 1)
	require.EqualValues(t, 1, told[0].count)
	require.EqualValues(t, 1, state.Failed)
	require.Contains(t, state.Groups[0].Result, "the mail server does not answer")
}

const quietRule = `{"name":"r","actions":[{"mail":{"to":["ops@example.com"]}}],
	"quietHours":[{"timeZone":"Europe/Berlin","from":"22:00","to":"06:00"}]}`

// What comes in quiet hours is told at their end. The night in which the clocks go back has nine hours, that in which they go forward seven.
func TestQuietHours(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	for _, tc := range []struct {
		day   string
		night time.Duration
	}{{"2026-11-25", 8 * time.Hour}, {"2026-10-24", 9 * time.Hour}, {"2026-03-28", 7 * time.Hour}} {
		t.Run(tc.day, func(t *testing.T) {
			evening, err := time.ParseInLocation(time.DateOnly+" 15:04", tc.day+" 22:00", berlin)
			require.NoError(t, err)
			w := newTelling(t, quietRule, evening)
			w.alert(0, "billing", 1)
			w.alert(3*time.Hour, "billing", 2, 3)
			require.Equal(t, []message{{at: tc.night, count: 3}}, w.run())
		})
	}
}

func TestWhatIsMendedInQuietHoursIsNotTold(t *testing.T) {
	w := newTelling(t, quietRule, time.Date(2026, 11, 25, 23, 0, 0, 0, time.UTC))
	w.alert(0, "billing", 1)
	w.RegisterDelayedCallback(func() { w.recovered = true }, time.Hour)
	require.Empty(t, w.run())
	require.Len(t, w.plans, 2)
}

const escalating = `{"name":"r","window":"10m","actions":[{"mail":{"to":["ops@example.com"]}}],
	"escalation":[{"after":"2h","mail":{"to":["lead@example.com"]}},{"after":"6h","mail":{"to":["boss@example.com"]}}]}`

func TestEscalation(t *testing.T) {
	w := newTelling(t, escalating, noon)
	w.alert(0, "billing", 1)
	w.alert(3*time.Hour, "billing", 2) // the window is over: it is told at once
	require.Equal(t, []message{{count: 1}, {at: 2 * time.Hour, step: 1, count: 1}, {at: 3 * time.Hour, count: 1}, {at: 6 * time.Hour, step: 2, count: 2}}, w.run())
	require.Len(t, w.plans[3].Group.Samples, 2, "it is asked of both whether they still stand")
}

func TestEscalationEndsWithTheIncident(t *testing.T) {
	w := newTelling(t, escalating, noon)
	w.alert(0, "billing", 1)
	w.RegisterDelayedCallback(func() { w.recovered = true }, 3*time.Hour)
	require.Equal(t, []message{{count: 1}, {at: 2 * time.Hour, step: 1, count: 1}}, w.run())
}

// A new run goes on with everything: with what is counted, what is known, and what is on its way under its key.
func TestAlertsGoOnInANewRun(t *testing.T) {
	w := newTelling(t, plainRule, noon)
	w.mailDown = func(time.Duration) bool { return true }
	w.alert(0, "billing", 1)
	w.alert(time.Minute, "billing", 2, 3)
	w.RegisterDelayedCallback(func() { w.SetContinueAsNewSuggested(true); w.SetCurrentHistoryLength(4000) }, 2*time.Minute)
	w.RegisterDelayedCallback(func() { w.SetCurrentHistoryLength(9000) }, 3*time.Minute)
	w.alert(2*time.Minute, "billing", 4)
	w.alert(4*time.Minute, "billing", 5)
	w.ExecuteWorkflow(contract.AlertsWorkflow, contract.AlertsState{Rule: "r", Policy: w.rule.Policy()})
	var again *workflow.ContinueAsNewError
	require.ErrorAs(t, w.GetWorkflowError(), &again)
	var state contract.AlertsState
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &state))
	require.EqualValues(t, 4, state.Groups[0].New)
	require.True(t, state.Groups[0].Sending.Planned)
	key := w.plans[0].Key

	next := newTelling(t, plainRule, noon.Add(4*time.Minute))
	next.alert(time.Minute, "billing", 2, 6)
	next.ExecuteWorkflow(contract.AlertsWorkflow, state)
	require.NoError(t, next.GetWorkflowError())
	require.Equal(t, []message{{at: 0, count: 1}, {at: 56 * time.Minute, count: 5}}, next.brief())
	require.Equal(t, key, next.told[0].key, "whoever has it already knows it again")
	require.True(t, next.plans[0].Again)
}

func TestRuleThatIsGoneTellsNobody(t *testing.T) {
	w := newTelling(t, plainRule, noon)
	w.OnActivity(contract.PlanAlertActivity, mock.Anything).Return(contract.AlertPlan{Gone: true}, nil)
	w.alert(0, "billing", 1)
	require.Empty(t, w.run())
}

// Groups of what no rule takes are counted, and seen for a window.
func TestUnroutedAlertsAreCounted(t *testing.T) {
	w := newTelling(t, plainRule, noon)
	w.rule = alerts.Nobody()
	w.alert(0, "billing", 1)
	w.alert(time.Minute, "billing", 2)
	w.RegisterDelayedCallback(func() {
		answer, err := w.QueryWorkflow(contract.AlertsQuery)
		require.NoError(t, err)
		var state contract.AlertsState
		require.NoError(t, answer.Get(&state))
		require.EqualValues(t, 2, state.Groups[0].Count)
	}, 2*time.Minute)
	require.Empty(t, w.run())
	require.Empty(t, w.plans)
}

// Nobody is told when mail is switched off, the server takes nothing, or there is no such person.
func TestWhoIsNotToldIsAFailure(t *testing.T) {
	for name, tc := range map[string]struct {
		contract.Notified
		want string
	}{
		"suppressed": {contract.Notified{Suppressed: "email.enabled is false"}, "mails sent: 0; failed: not sent: email.enabled is false"},
		"refused":    {contract.Notified{Refused: []string{"ops@example.com: 550 no"}}, "mails sent: 0; failed: ops@example.com: 550 no"},
		"unknown":    {contract.Notified{Unknown: []string{"ada"}}, "mails sent: 0; failed: without an address: ada"},
		"sent":       {contract.Notified{Sent: []contract.SentMail{{MessageID: "1"}}}, "mails sent: 1"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTelling(t, plainRule, noon)
			w.notified = &tc.Notified
			w.alert(0, "billing", 1)
			var state contract.AlertsState
			w.RegisterDelayedCallback(func() {
				answer, err := w.QueryWorkflow(contract.AlertsQuery)
				require.NoError(t, err)
				require.NoError(t, answer.Get(&state))
			}, time.Minute)
			w.run()
			require.Equal(t, tc.want, state.Groups[0].Result)
			require.Equal(t, name != "sent", state.Groups[0].Failed)
			require.Equal(t, []int64{1, 0}, map[bool][]int64{true: {state.Failed, state.Told}, false: {state.Told, state.Failed}}[state.Groups[0].Failed])
		})
	}
}

// Groups that only wait for their escalation keep no others from being told of, and are not told of beside too many others themselves.
func TestGroupsThatWaitForAStepCountForNothing(t *testing.T) {
	w := newTelling(t, `{"name":"r","window":"10m","maxGroups":2,"actions":[{"mail":{"to":["ops@example.com"]}}],
		"escalation":[{"after":"6h","mail":{"to":["lead@example.com"]}}]}`, noon)
	for i := range 2 {
		w.alert(0, fmt.Sprintf("old%d", i), 1)
		w.alert(time.Hour, fmt.Sprintf("new%d", i), 1)
	}
	w.alert(time.Hour+time.Minute, "old0", 2)
	w.RegisterDelayedCallback(func() { w.recovered = true }, 2*time.Hour)
	require.Equal(t, []message{
		{count: 1}, {count: 1}, {at: time.Hour, count: 1}, {at: time.Hour, count: 1}, {at: time.Hour + 2*time.Minute, count: 1, groups: 1},
	}, w.run())
}

// What a message is about when some of it has been mended, that processes are started for.
func TestActionsAreAboutWhatStands(t *testing.T) {
	w := newTelling(t, plainRule, noon)
	w.planned = &contract.AlertPlan{Acts: 1, Group: &contract.AlertGroup{Key: "left", Alert: contract.Alert{ID: "order/2"}}}
	var acts []contract.AlertAct
	w.RegisterActivityWithOptions(func(in contract.AlertAct) (contract.AlertActed, error) {
		acts = append(acts, in)
		return contract.AlertActed{Done: []string{"on-call/1"}}, nil
	}, activity.RegisterOptions{Name: contract.ActOnAlertActivity})
	w.alert(0, "order", 1, 2)
	var state contract.AlertsState
	w.RegisterDelayedCallback(func() {
		answer, err := w.QueryWorkflow(contract.AlertsQuery)
		require.NoError(t, err)
		require.NoError(t, answer.Get(&state))
	}, time.Minute)
	w.run()
	require.Len(t, acts, 1)
	require.Equal(t, "done: on-call/1", state.Groups[0].Result, "of a rule without mails")
	require.Equal(t, "order/2", acts[0].Group.Alert.ID)
}
