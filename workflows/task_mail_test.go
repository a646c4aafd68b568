package workflows_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/workflows"
)

// mailRun is one user task that sends mails, with what it asked to be sent.
type mailRun struct {
	*testsuite.TestWorkflowEnvironment
	t    *testing.T
	sent []contract.Notice
	fail error
}

func newMailRun(t *testing.T) *mailRun {
	var suite testsuite.WorkflowTestSuite
	r := &mailRun{TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), t: t}
	r.SetStartTime(time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC))
	r.RegisterActivityWithOptions(func(_ context.Context, n contract.Notice) (contract.Notified, error) {
		if r.fail == nil {
			r.sent = append(r.sent, n)
		}
		return contract.Notified{}, r.fail
	}, activity.RegisterOptions{Name: contract.NotifyActivity})
	r.OnSignalExternalWorkflow(mock.Anything, "order/1", "", contract.TaskSignal, mock.Anything).Return(nil).Maybe()
	return r
}

func (r *mailRun) at(after time.Duration, update string, arg any) {
	r.RegisterDelayedCallback(func() {
		r.UpdateWorkflow(update, "", &testsuite.TestUpdateCallback{
			OnAccept: func() {}, OnReject: func(err error) { r.t.Errorf("%s: %v", update, err) },
			OnComplete: func(_ any, err error) { require.NoError(r.t, err) },
		}, arg)
	}, after)
}

// run opens the task and cancels it after an hour.
func (r *mailRun) run(in contract.TaskInput) []contract.Notice {
	in.Task.ID, in.Task.Instance, in.Task.State = "task/order/1/4", "order/1", contract.TaskOpen
	r.RegisterDelayedCallback(r.CancelWorkflow, time.Hour)
	r.ExecuteWorkflow(new(workflows.Tasks).Run, in)
	require.True(r.t, r.IsWorkflowCompleted())
	require.NoError(r.t, r.GetWorkflowError())
	return r.sent
}

// told are the templates and to whom, in order.
func told(notices []contract.Notice) (lines []string) {
	for _, n := range notices {
		line := n.Template
		for _, u := range n.Users {
			line += " " + u
		}
		for _, g := range n.Groups {
			line += " @" + g
		}
		lines = append(lines, line)
	}
	return lines
}

func TestMailsOfATask(t *testing.T) {
	due := time.Date(2026, 11, 28, 9, 30, 0, 0, time.UTC)
	late := due.Add(-time.Hour)
	both := &contract.TaskMails{Assignee: &contract.MailTemplate{}, Candidate: &contract.MailTemplate{}}
	type event struct {
		update string
		arg    any
	}
	claim := func(user, by string) event {
		return event{contract.ClaimTaskUpdate, contract.ClaimTask{Assignee: user, By: by}}
	}
	delegate := func(user, by string) event {
		return event{contract.DelegateTaskUpdate, contract.ClaimTask{Assignee: user, By: by}}
	}
	for name, tc := range map[string]struct {
		task   contract.Task
		mails  *contract.TaskMails
		events []event
		want   []string
	}{
		"none":             {contract.Task{Assignee: "ada", Due: &due}, nil, nil, nil},
		"assignee":         {contract.Task{Assignee: "ada", CandidateUsers: []string{"bert"}}, both, nil, []string{"task-assigned ada"}},
		"candidates":       {contract.Task{CandidateUsers: []string{"bert", "carl"}, CandidateGroups: []string{"desk"}}, both, nil, []string{"task-candidate bert carl", "task-group @desk"}},
		"nobody":           {contract.Task{}, both, nil, nil},
		"one kind":         {contract.Task{Assignee: "ada"}, &contract.TaskMails{Candidate: &contract.MailTemplate{}}, nil, nil},
		"due":              {contract.Task{Assignee: "ada", Due: &due}, both, nil, []string{"task-assigned ada", "task-due ada"}},
		"late already":     {contract.Task{Assignee: "ada", Due: &late}, both, nil, []string{"task-assigned ada"}},
		"due, of nobody":   {contract.Task{CandidateGroups: []string{"desk"}, Due: &due}, both, nil, []string{"task-group @desk", "task-due @desk"}},
		"claimed himself":  {contract.Task{CandidateUsers: []string{"bert"}}, both, []event{claim("bert", "")}, []string{"task-candidate bert"}},
		"claimed, by name": {contract.Task{CandidateUsers: []string{"bert"}}, both, []event{claim("bert", "bert")}, []string{"task-candidate bert"}},
		"given":            {contract.Task{CandidateUsers: []string{"bert"}}, both, []event{claim("carl", "ada")}, []string{"task-candidate bert", "task-assigned carl"}},
		"claimed twice":    {contract.Task{Assignee: "ada"}, both, []event{claim("ada", "bert")}, []string{"task-assigned ada"}},
		"given back":       {contract.Task{Assignee: "ada", CandidateUsers: []string{"bert"}}, both, []event{claim("", "")}, []string{"task-assigned ada", "task-candidate bert"}},
		"delegated":        {contract.Task{Assignee: "ada"}, both, []event{delegate("bert", ""), {contract.ResolveTaskUpdate, contract.Variables{}}}, []string{"task-assigned ada", "task-assigned bert", "task-assigned ada"}},
		"due, claimed":     {contract.Task{CandidateGroups: []string{"desk"}, Due: &due}, both, []event{claim("bert", "")}, []string{"task-group @desk", "task-due bert"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newMailRun(t)
			for i, e := range tc.events {
				r.at(time.Duration(i+1)*time.Minute, e.update, e.arg)
			}
			tc.task.Name = "Check"
			require.Equal(t, tc.want, told(r.run(contract.TaskInput{Task: tc.task, Mails: tc.mails})))
		})
	}
}

func TestWhatAMailIsGiven(t *testing.T) {
	due := time.Date(2026, 11, 28, 9, 30, 0, 0, time.UTC)
	own := &contract.MailTemplate{Subject: "S", Text: "<p>${x}</p>"}
	sent := newMailRun(t).run(contract.TaskInput{
		Task: contract.Task{
			Element: "check", Assignee: "ada", Due: &due, BusinessKey: "4711", Description: "d",
			Variables: contract.Variables{"x": "y", "taskCreator": "of the process"},
		},
		Mails: &contract.TaskMails{Assignee: own, Candidate: own, Creator: "bert", Process: "Order"},
	})
	require.Len(t, sent, 2)
	require.Equal(t, contract.Notice{
		Key: "task/order/1/4/mail/1", Template: contract.TemplateTaskAssigned, Users: []string{"ada"}, Topic: contract.TopicTasks, Task: "task/order/1/4", Custom: own,
		Data: contract.Variables{
			"taskId": "task/order/1/4", "taskName": "check", "taskDescription": "d", "processName": "Order", "assignee": "ada", "businessKey": "4711",
			"due": "2026-11-28T09:30:00Z", "x": "y", "taskCreator": "of the process",
		},
	}, sent[0])
	require.Equal(t, "task/order/1/4/mail/2", sent[1].Key)
	require.Nil(t, sent[1].Custom, "the model's template is for assignments")
}

// Mails that cannot be sent are in nobody's way.
func TestTheTaskGoesOnWithoutItsMails(t *testing.T) {
	r := newMailRun(t)
	r.fail = temporal.NewNonRetryableApplicationError("535 no", "refused", errors.New("x"))
	r.at(time.Minute, contract.CompleteTaskUpdate, contract.CompleteTask{User: "ada"})
	r.run(contract.TaskInput{Task: contract.Task{Assignee: "ada"}, Mails: &contract.TaskMails{Assignee: &contract.MailTemplate{}}})
	var task contract.Task
	require.NoError(t, r.GetWorkflowResult(&task))
	require.Equal(t, contract.TaskCompleted, task.State)
}

// A mail that was not sent before the task became another's is not sent any more.
func TestAMailThatIsLateIsNotSent(t *testing.T) {
	r := newMailRun(t)
	r.fail = errors.New("the mail server is down")
	r.at(time.Minute, contract.ClaimTaskUpdate, contract.ClaimTask{Assignee: "bert"})
	r.RegisterDelayedCallback(func() { r.fail = nil }, 2*time.Minute)
	require.Empty(t, r.run(contract.TaskInput{
		Task: contract.Task{CandidateUsers: []string{"bert", "carl"}}, Mails: &contract.TaskMails{Candidate: &contract.MailTemplate{}},
	}))
}

// Nor is that of its due date.
func TestADueMailThatIsLateIsNotSent(t *testing.T) {
	due := time.Date(2026, 11, 28, 9, 10, 0, 0, time.UTC)
	r := newMailRun(t)
	r.at(time.Minute, contract.ClaimTaskUpdate, contract.ClaimTask{Assignee: "ada"})
	r.RegisterDelayedCallback(func() { r.fail = errors.New("the mail server is down") }, 2*time.Minute)
	r.at(11*time.Minute, contract.ClaimTaskUpdate, contract.ClaimTask{})
	r.RegisterDelayedCallback(func() { r.fail = nil }, 12*time.Minute)
	sent := r.run(contract.TaskInput{
		Task: contract.Task{CandidateUsers: []string{"ada"}, Due: &due}, Mails: &contract.TaskMails{Assignee: &contract.MailTemplate{}, Candidate: &contract.MailTemplate{}},
	})
	require.Equal(t, []string{"task-candidate ada", "task-candidate ada"}, told(sent))
}

// Each mail keeps what it shows in the history of the task: the largest variables are left out.
func TestMailsAreGivenSmallVariables(t *testing.T) {
	text := func(kilobytes int) string { return strings.Repeat("x", kilobytes<<10) }
	sent := newMailRun(t).run(contract.TaskInput{
		Task: contract.Task{Assignee: "ada", Variables: contract.Variables{
			"a": text(100), "b": text(30), "c": text(10), "d": 7, "e": text(29), "page": text(20), "taskName": text(65),
		}},
		Mails: &contract.TaskMails{Assignee: &contract.MailTemplate{Variable: "page"}},
	})
	require.Len(t, sent, 1)
	var given []string
	for _, name := range []string{"a", "b", "c", "d", "e", "page"} {
		if sent[0].Data[name] != nil {
			given = append(given, name)
		}
	}
	require.Equal(t, []string{"c", "d", "e", "page"}, given, "what the template is in is needed most")
	require.Less(t, len(sent[0].Data["taskName"].(string)), 10)
}

// A mail that is on its way when the task ends is recorded all the same.
func TestMailsOnTheirWayAreRecorded(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	written := &recordedEvents{DataConverter: converter.GetDefaultDataConverter()}
	env.SetDataConverter(written)
	ended := make(chan struct{})
	env.RegisterActivityWithOptions(func(context.Context, contract.Notice) (contract.Notified, error) {
		<-ended
		return contract.Notified{Sent: []contract.SentMail{{MessageID: "<1@x>", Accepted: []string{"ada@example.com"}}}}, nil
	}, activity.RegisterOptions{Name: contract.NotifyActivity})
	env.OnSignalExternalWorkflow(mock.Anything, "order/1", "", contract.TaskSignal, mock.Anything).Return(nil)
	env.SetOnActivityStartedListener(func(*activity.Info, context.Context, converter.EncodedValues) {
		env.UpdateWorkflow(contract.CompleteTaskUpdate, "", &testsuite.TestUpdateCallback{
			OnAccept: func() {}, OnReject: func(err error) { t.Error(err) }, OnComplete: func(_ any, err error) {
				if err != nil {
					t.Error(err)
				}
				close(ended)
			},
		}, contract.CompleteTask{User: "ada"})
	})
	env.ExecuteWorkflow(new(workflows.Tasks).Run, contract.TaskInput{
		Task:   contract.Task{ID: "task/order/1/4", Instance: "order/1", State: contract.TaskOpen, Assignee: "ada"},
		Mails:  &contract.TaskMails{Assignee: &contract.MailTemplate{}},
		Record: &events.Batch{Process: events.Process{Instance: "order/1"}, Events: []events.Event{{Sequence: 3, Type: events.TaskCreated, Ref: "4", Revision: 1}}},
	})
	require.NoError(t, env.GetWorkflowError())
	require.Len(t, only(written.all, events.MailSent), 1)
}

// recordedEvents sees what a test environment, which has no history, is given to record.
type recordedEvents struct {
	converter.DataConverter
	all []events.Event
}

func (r *recordedEvents) ToPayloads(values ...any) (*commonpb.Payloads, error) {
	for _, v := range values {
		if packed, ok := v.([]byte); ok {
			if b, err := events.Decode(packed); err == nil {
				r.all = append(r.all, b.Events...)
			}
		}
	}
	return r.DataConverter.ToPayloads(values...)
}
