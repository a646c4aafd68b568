package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/workflows"
)

// mailboxRun is a run of the mailbox's workflow without a server. What a test does happens at given times after its start.
type mailboxRun struct {
	*testsuite.TestWorkflowEnvironment
	t         *testing.T
	assigned  []contract.Assignment
	delivered [][]contract.MailRef
	deliver   func(contract.DeliverInput) (contract.DeliverResult, error)
	post      func(contract.PostInput) (contract.PostResult, error)
	raised    []contract.MailboxAlert // in every attempt
	raise     func(contract.MailboxAlert) (contract.RaiseResult, error)
	ruled     []contract.Alert // that the rules were asked about
	updates   int
}

func newMailboxRun(t *testing.T) *mailboxRun {
	var suite testsuite.WorkflowTestSuite
	r := &mailboxRun{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), t: t}
	register := func(name string, fn any) { r.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name}) }
	register(contract.AssignActivity, func(_ context.Context, a contract.Assignment) error {
		r.assigned = append(r.assigned, a)
		return nil
	})
	register(contract.DeliverActivity, func(_ context.Context, in contract.DeliverInput) (contract.DeliverResult, error) {
		r.delivered = append(r.delivered, in.Mails)
		if r.deliver != nil {
			return r.deliver(in)
		}
		return outcomesOf(in), nil
	})
	register(contract.RaiseActivity, func(_ context.Context, in contract.RaiseInput) (contract.RaiseResult, error) {
		r.raised = append(r.raised, in.Alert)
		if r.raise != nil {
			return r.raise(in.Alert)
		}
		return contract.RaiseResult{}, nil
	})
	register(contract.AlertActivity, func(_ context.Context, a contract.Alert) (contract.AlertResult, error) {
		r.ruled = append(r.ruled, a)
		return contract.AlertResult{}, nil
	})
	register(contract.PostActivity, func(_ context.Context, in contract.PostInput) (contract.PostResult, error) { return r.post(in) })
	return r
}

func outcomesOf(in contract.DeliverInput, pending ...string) contract.DeliverResult {
	var result contract.DeliverResult
	for _, m := range in.Mails {
		result.Outcomes = append(result.Outcomes, contract.MailOutcome{ID: m.ID, Started: []string{"p/" + m.ID}, Told: len(pending) > 0, Pending: pending})
	}
	return result
}

// answer is what became of an update.
type answer struct {
	result   any
	err      error
	rejected error
	done     bool
}

func (a *answer) mail() contract.MailBatchResult {
	result, _ := a.result.(contract.MailBatchResult)
	return result
}

// at has an update come at a time.
func (r *mailboxRun) at(after time.Duration, name string, args ...any) *answer {
	a := &answer{}
	r.updates++
	id := fmt.Sprint(r.updates)
	r.RegisterDelayedCallback(func() {
		r.UpdateWorkflow(name, id, &testsuite.TestUpdateCallback{
			OnAccept:   func() {},
			OnReject:   func(err error) { a.rejected, a.done = err, true },
			OnComplete: func(result any, err error) { a.result, a.err, a.done = result, err, true },
		}, args...)
	}, after)
	return a
}

// run lets it run until it is removed, at the end of the test.
func (r *mailboxRun) run(state contract.MailboxState) {
	r.t.Helper()
	state.Config.Name, state.Config.Folder = "support", "INBOX"
	r.at(time.Hour, contract.RemoveMailboxUpdate)
	r.ExecuteWorkflow(new(workflows.Mailboxes).Run, state)
	require.True(r.t, r.IsWorkflowCompleted())
	require.NoError(r.t, r.GetWorkflowError())
}

func batch(from, cursor string, ids ...string) contract.MailBatch {
	b := contract.MailBatch{Folder: "INBOX", From: from, Cursor: cursor}
	for _, id := range ids {
		b.Mails = append(b.Mails, contract.MailRef{ID: id, Blob: "mail/" + id, InternalDate: time.Unix(1, 0)})
	}
	return b
}

// A batch that an earlier watcher handed over, too, is handled once, and the second hears what to acknowledge.
func TestMailboxStaleBatch(t *testing.T) {
	r := newMailboxRun(t)
	first := r.at(time.Second, contract.MailUpdate, batch("", "7:2", "a", "b"))
	again := r.at(2*time.Second, contract.MailUpdate, batch("", "7:2", "a", "b"))
	next := r.at(3*time.Second, contract.MailUpdate, batch("7:2", "7:3", "c"))
	r.run(contract.MailboxState{})
	require.Len(t, r.delivered, 2)
	for _, a := range []*answer{first, again} {
		require.NoError(t, a.err)
		require.Equal(t, []string{"a", "b"}, a.mail().Handled)
		require.Equal(t, "7:2", a.mail().Place.Cursor)
	}
	require.Equal(t, "7:3", next.mail().Place.Cursor)
}

// While a batch waits, another of its folder is refused at once instead of waiting, too; the mailbox can be removed all the same.
func TestMailboxBatchInHand(t *testing.T) {
	r := newMailboxRun(t)
	r.deliver = func(contract.DeliverInput) (contract.DeliverResult, error) {
		return contract.DeliverResult{}, temporal.NewApplicationError("no trigger is deployed", "no-trigger")
	}
	first := r.at(time.Second, contract.MailUpdate, batch("", "7:1", "a"))
	second := r.at(3*time.Second, contract.MailUpdate, batch("", "7:1", "a"))
	r.at(5*time.Second, contract.RemoveMailboxUpdate)
	r.run(contract.MailboxState{})
	require.ErrorContains(t, second.rejected, "in hand")
	require.True(t, first.done)
	require.True(t, first.mail().Stop, "given up with the mailbox")
	require.False(t, r.assigned[len(r.assigned)-1].Watch)
}

// A resync, or another account, in the middle of a batch: what the old watcher brings moves no position any more.
func TestMailboxResyncInTheMiddle(t *testing.T) {
	since := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	other := contract.MailboxConfig{Name: "support", Folder: "INBOX", Host: "other.example.com", Since: since}
	for name, change := range map[string][]any{
		contract.ResyncUpdate:    {since},
		contract.ConfigureUpdate: {other},
	} {
		r := newMailboxRun(t)
		tries := 0
		r.deliver = func(in contract.DeliverInput) (contract.DeliverResult, error) {
			if tries++; tries < 30 && in.Mails[0].ID == "a" {
				return contract.DeliverResult{}, errors.New("the store is away")
			}
			return outcomesOf(in), nil
		}
		held := r.at(time.Second, contract.MailUpdate, batch("7:0", "7:1", "a"))
		r.at(2*time.Second, name, change...)
		late := r.at(3*time.Second, contract.MailUpdate, batch("", "7:9", "z"))
		fresh := batch("", "9:1", "b")
		fresh.Epoch = 1
		new := r.at(4*time.Second, contract.MailUpdate, fresh)
		r.run(contract.MailboxState{Places: []contract.Place{{Folder: "INBOX", Cursor: "7:0"}}})
		require.True(t, held.mail().Moved, name)
		require.True(t, late.mail().Moved, name)
		require.Equal(t, "9:1", new.mail().Place.Cursor, name)
		last := r.assigned[len(r.assigned)-2] // before the removal
		require.Equal(t, since, last.Config.Since, name)
	}
}

// A pause gives a waiting delivery up; one that succeeds all the same is not handled again.
func TestMailboxPausedInTheMiddle(t *testing.T) {
	r := newMailboxRun(t)
	r.deliver = func(in contract.DeliverInput) (contract.DeliverResult, error) {
		require.False(t, in.Again)
		return contract.DeliverResult{}, errors.New("away")
	}
	held := r.at(time.Second, contract.MailUpdate, batch("", "7:1", "a"))
	r.at(2*time.Second, contract.PauseUpdate)
	paused := r.at(3*time.Second, contract.MailUpdate, batch("", "7:1", "a"))
	var told []bool
	r.RegisterDelayedCallback(func() {
		r.deliver = func(in contract.DeliverInput) (contract.DeliverResult, error) {
			told = append(told, in.Again)
			return outcomesOf(in), nil
		}
	}, 4*time.Second)
	r.at(5*time.Second, contract.ResumeUpdate)
	again := r.at(6*time.Second, contract.MailUpdate, batch("", "7:1", "a"))
	r.run(contract.MailboxState{})
	require.Equal(t, []bool{true}, told, "what was done before it was given up is no duplicate")
	require.False(t, again.mail().Place.Again)
	require.True(t, held.mail().Stop)
	require.True(t, paused.mail().Stop)
	require.Equal(t, []string{"a"}, again.mail().Handled)
	require.Equal(t, "7:1", again.mail().Place.Cursor)
}

// A mailbox that is being removed takes no new settings: they would be lost with it.
func TestMailboxConfiguredWhileRemoved(t *testing.T) {
	r := newMailboxRun(t)
	r.at(time.Second, contract.RemoveMailboxUpdate)
	late := r.at(time.Second, contract.ConfigureUpdate, contract.MailboxConfig{Name: "support", Folder: "INBOX"})
	r.run(contract.MailboxState{})
	require.ErrorContains(t, errors.Join(late.err, late.rejected), "being removed")
}

// The position that an earlier version left is taken over.
func TestMailboxOfAnEarlierVersion(t *testing.T) {
	r := newMailboxRun(t)
	next := r.at(time.Second, contract.MailUpdate, batch("7:12", "7:13", "a"))
	r.run(contract.MailboxState{Before: &contract.CursorBefore{UIDValidity: 7, UID: 12}})
	require.Equal(t, "7:13", next.mail().Place.Cursor)
}

func report(changes int) contract.MailboxReport {
	return contract.MailboxReport{Event: contract.MailboxStopped, Changes: changes, Error: contract.MailboxError{Class: "auth", Message: "refused", Count: 9}}
}

// Errors stop a mailbox until somebody resumes it or changes its settings. What a watcher tells late stops nothing.
func TestMailboxStoppedByErrors(t *testing.T) {
	config := contract.MailboxConfig{Name: "support", Folder: "INBOX"}
	other := config
	other.Password = "env:OTHER"
	for name, again := range map[string][]any{contract.ResumeUpdate: nil, contract.ConfigureUpdate: {other}} {
		r := newMailboxRun(t)
		stopped := r.at(time.Second, contract.ReportUpdate, report(1))
		repeated := r.at(2*time.Second, contract.ReportUpdate, report(1))
		same := r.at(3*time.Second, contract.ConfigureUpdate, config)
		var state contract.MailboxState
		look := func() {
			value, err := r.QueryWorkflow(contract.MailboxQuery)
			require.NoError(t, err)
			state = contract.MailboxState{}
			require.NoError(t, value.Get(&state))
		}
		r.RegisterDelayedCallback(func() {
			look()
			require.Equal(t, "refused", state.Stopped.Message)
			require.Equal(t, 9, state.Stopped.Count)
			require.False(t, state.Stopped.At.IsZero())
		}, 4*time.Second)
		r.at(5*time.Second, name, again...)
		late := r.at(6*time.Second, contract.ReportUpdate, report(1))
		r.RegisterDelayedCallback(func() {
			look()
			require.Nil(t, state.Stopped, name)
		}, 7*time.Second)
		r.run(contract.MailboxState{})
		for _, a := range []*answer{stopped, repeated} {
			require.NoError(t, a.err)
			require.Equal(t, true, a.result)
		}
		require.NoError(t, same.err)
		require.Equal(t, false, late.result, name)
		require.Len(t, r.raised, 1, "once for each stop")
		require.Len(t, r.assigned, 4, "added, stopped, watched again, removed")
		require.Nil(t, r.assigned[0].Stopped)
		require.Equal(t, "refused", r.assigned[1].Stopped.Message)
		require.True(t, r.assigned[1].Watch, "it stays with its watcher, so that lists show it")
		require.Nil(t, r.assigned[2].Stopped)
	}
}

// A pause comes before what the watcher tells of the account.
func TestMailboxPausedAndStopped(t *testing.T) {
	r := newMailboxRun(t)
	r.at(time.Second, contract.PauseUpdate)
	told := r.at(2*time.Second, contract.ReportUpdate, report(2))
	r.at(3*time.Second, contract.ResumeUpdate)
	r.run(contract.MailboxState{})
	require.Equal(t, true, told.result, "the watcher is to end all the same")
	for _, a := range r.assigned {
		require.Nil(t, a.Stopped)
	}
}

// A mailbox that stops, and works again, raises one alert for each, however often that fails and is told; and webhooks get them through
// the queue of what is pending.
func TestMailboxRaisesAlerts(t *testing.T) {
	r := newMailboxRun(t)
	tries := 0
	r.raise = func(a contract.MailboxAlert) (contract.RaiseResult, error) {
		if tries++; tries < 5 {
			return contract.RaiseResult{}, errors.New("Temporal is busy")
		}
		return contract.RaiseResult{Webhooks: []string{"crm"}, Failed: []string{a.Event + ": trigger t: the process is not deployed"}}, nil
	}
	var posted []contract.Pending
	r.post = func(in contract.PostInput) (contract.PostResult, error) {
		posted = append(posted, in.Pending...)
		var all []int
		for n := range in.Pending {
			all = append(all, n)
		}
		return contract.PostResult{Settled: all}, nil
	}
	connected := func(changes int) contract.MailboxReport {
		return contract.MailboxReport{Event: contract.MailboxAvailable, Changes: changes}
	}
	r.at(time.Second, contract.ReportUpdate, connected(1)) // it never was unavailable
	r.at(2*time.Second, contract.ReportUpdate, report(1))
	r.at(3*time.Second, contract.ResumeUpdate)
	late := r.at(4*time.Second, contract.ReportUpdate, connected(1))
	back := r.at(5*time.Second, contract.ReportUpdate, connected(3))
	r.at(6*time.Second, contract.ReportUpdate, connected(3))
	state := contract.MailboxState{}
	r.RegisterDelayedCallback(func() {
		value, err := r.QueryWorkflow(contract.MailboxQuery)
		require.NoError(t, err)
		require.NoError(t, value.Get(&state))
	}, 30*time.Minute)
	r.run(contract.MailboxState{Config: contract.MailboxConfig{Username: "support@example.com"}})
	require.Equal(t, false, late.result)
	require.Equal(t, false, back.result)
	require.Len(t, r.raised, 6)
	stopped, available := r.raised[0], r.raised[5]
	for _, a := range r.raised[:5] {
		require.Equal(t, stopped, a, "the same in every attempt")
	}
	require.Equal(t, contract.MailboxStopped, stopped.Event)
	require.Equal(t, "support@example.com", stopped.Address)
	require.Equal(t, "refused", stopped.Error.Message)
	require.Equal(t, contract.MailboxAvailable, available.Event)
	require.NotEqual(t, stopped.ID, available.ID)
	require.Equal(t, []contract.Alert{{
		ID: "mailbox/" + stopped.ID, Source: contract.AlertMailbox, At: stopped.At, ProcessID: contract.MailboxID("support"), ProcessName: "mailbox support", Status: "stopped",
		FaultName: stopped.Error.Class, FaultDetails: contract.FaultDetails{Code: contract.MailboxStopped, Reason: "refused", Details: "support@example.com"},
	}}, r.ruled, "rules hear of what stops it, once, whatever becomes of triggers")
	require.Empty(t, state.Unruled)
	require.Len(t, posted, 2)
	require.Equal(t, []string{stopped.ID, available.ID}, []string{posted[0].Alert.ID, posted[1].Alert.ID})
	require.Nil(t, state.Alarm)
	require.Empty(t, state.Alerts)
	require.Empty(t, state.Pending)
	require.Len(t, state.DeadLetters, 2, "what no repetition mends is seen")
	require.Contains(t, state.DeadLetters[0].Reason, "MAILBOX_STOPPED: trigger t")
}

// A token that is refused is told once for the settings that it came with, until the account works.
func TestMailboxTokenRefused(t *testing.T) {
	r := newMailboxRun(t)
	refused := func(changes int) contract.MailboxReport {
		return contract.MailboxReport{Event: contract.TokenRefused, Changes: changes, Error: contract.MailboxError{Class: "auth"}}
	}
	r.at(time.Second, contract.ReportUpdate, refused(1))
	r.at(2*time.Second, contract.ReportUpdate, refused(1))
	r.at(3*time.Second, contract.ConfigureUpdate, contract.MailboxConfig{Name: "support", Folder: "INBOX", Password: "sealed:new"})
	again := r.at(4*time.Second, contract.ReportUpdate, refused(2))
	r.at(5*time.Second, contract.ReportUpdate, contract.MailboxReport{Event: contract.MailboxAvailable, Changes: 2})
	r.run(contract.MailboxState{})
	require.Equal(t, false, again.result, "it is tried again")
	var events []string
	for _, a := range r.raised {
		events = append(events, a.Event)
	}
	require.Equal(t, []string{contract.TokenRefused, contract.TokenRefused, contract.MailboxAvailable}, events)
}

// Whoever takes alerts for the rules is in nobody's way: triggers and webhooks are told without, and the next run asks again.
func TestMailboxWithoutAnybodyForRules(t *testing.T) {
	r := newMailboxRun(t)
	r.OnActivity(contract.AlertActivity, mock.Anything, mock.Anything).Return(contract.AlertResult{}, errors.New("the rules cannot be read"))
	r.at(time.Second, contract.ReportUpdate, report(1))
	r.RegisterDelayedCallback(func() { r.SetContinueAsNewSuggested(true) }, 20*time.Second)
	r.at(30*time.Second, contract.ResumeUpdate)
	r.ExecuteWorkflow(new(workflows.Mailboxes).Run, contract.MailboxState{})
	require.Len(t, r.raised, 1)
	var again *workflow.ContinueAsNewError
	require.ErrorAs(t, r.GetWorkflowError(), &again)
	var state contract.MailboxState
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &state))
	require.Len(t, state.Unruled, 1)

	next := newMailboxRun(t)
	next.run(state)
	require.Equal(t, state.Unruled, next.ruled)
}

// An alert that waits goes on into the next run.
func TestMailboxAlertOfTheRunBefore(t *testing.T) {
	r := newMailboxRun(t)
	r.run(contract.MailboxState{Alerts: []contract.MailboxAlert{{ID: "r/1", Event: contract.MailboxStopped}}, Alerted: 1})
	require.Len(t, r.raised, 1)
	require.Equal(t, "r/1", r.raised[0].ID)
}
