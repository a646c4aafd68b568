package workflows

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/engine"
)

const (
	// mailTimeout is how long a mail of a task may take: a mail server that is down may come back over the day.
	mailTimeout = 24 * time.Hour
	// maxMailData bounds the variables that a mail is given, as JSON: each mail keeps them in the history of its task, which has but one run.
	maxMailData = 64 << 10
)

// taskMails are the mails that a task of the instance sends; nil: none. In a test, nobody is told.
func (h *host) taskMails(c engine.OpenTask) *contract.TaskMails {
	n := h.process.Node(c.Element)
	if h.mails == "" || n.User == nil || h.input.Clock != nil {
		return nil
	}
	asked := bpmn.TaskMails{}
	if n.User.Mails != nil {
		asked = *n.User.Mails
	}
	m := &contract.TaskMails{Assignee: mailTemplate(asked.Assignee), Candidate: mailTemplate(asked.Candidate), Creator: h.input.Initiator, Process: h.process.Name, Tenant: h.tenant}
	if h.mails == contract.TaskMailsAll && !asked.None {
		for _, kind := range []**contract.MailTemplate{&m.Assignee, &m.Candidate} {
			if *kind == nil {
				*kind = &contract.MailTemplate{}
			}
		}
	}
	if m.Assignee == nil && m.Candidate == nil {
		return nil
	}
	if m.Process == "" {
		m.Process = h.process.ID
	}
	return m
}

func mailTemplate(m *bpmn.TaskMail) *contract.MailTemplate {
	if m == nil {
		return nil
	}
	return &contract.MailTemplate{From: m.From, Subject: m.Subject, File: m.File, Text: m.Text, Variable: m.Variable}
}

// taskMail sends the mails of one task. The task goes on meanwhile; when it closes, it waits a moment for what is being sent, and Temporal drops
// what is not sent by then.
type taskMail struct {
	contract.TaskMails
	ctx    workflow.Context // of the task: that of an update ends with it
	sent   int              // mails so far, which tells them apart
	open   int              // mails whose sending has no answer yet
	now    workflow.Context // of those to whom it belongs now
	cancel workflow.CancelFunc
}

// begin is that the task belongs to others.
func (m *taskMail) begin() { m.now, m.cancel = workflow.WithCancel(m.ctx) }

// opened tells of a new task, and of its due date when that comes.
func (t *task) opened() {
	if t.mail == nil {
		return
	}
	ctx := t.mail.ctx
	t.tell()
	if t.Due == nil {
		return
	}
	if wait := t.Due.Sub(workflow.Now(ctx)); wait > 0 { // one that is late already is not told twice
		workflow.GoNamed(ctx, "due", func(ctx workflow.Context) {
			timer := workflow.NewTimerWithOptions(ctx, wait, workflow.TimerOptions{Summary: "due"})
			if timer.Get(ctx, nil) == nil && !t.closed() {
				t.mailTo(contract.TemplateTaskDue, contract.TemplateTaskDue, contract.TemplateTaskDue, false)
			}
		})
	}
}

// reassigned tells of a task that is another's now, not somebody who took it himself. What was told before and is not sent yet is not
// sent any more.
func (t *task) reassigned(before string, himself bool) {
	if t.mail == nil || t.closed() || t.Assignee == before {
		return
	}
	t.mail.cancel()
	t.mail.begin()
	if t.Assignee == "" || !himself {
		t.tell()
	}
}

// tell tells whose the task is now: its assignee, else those who may take it.
func (t *task) tell() {
	t.mailTo(contract.TemplateTaskAssigned, contract.TemplateTaskCandidate, contract.TemplateTaskGroup, true)
}

// mailTo mails the assignee, else the candidate users and groups. Templates of the model are for the mails of assignments.
func (t *task) mailTo(assignee, candidate, group string, custom bool) {
	send := func(template string, own *contract.MailTemplate, to contract.Notice) {
		to.Template = template
		if custom && *own != (contract.MailTemplate{}) {
			to.Custom = own
		}
		t.sendMail(t.mail.now, to)
	}
	switch m := t.mail; {
	case t.Assignee != "":
		if m.Assignee != nil {
			send(assignee, m.Assignee, contract.Notice{Users: []string{t.Assignee}})
		}
	case m.Candidate != nil:
		if len(t.CandidateUsers) > 0 {
			send(candidate, m.Candidate, contract.Notice{Users: t.CandidateUsers})
		}
		if len(t.CandidateGroups) > 0 {
			send(group, m.Candidate, contract.Notice{Groups: t.CandidateGroups, Except: t.CandidateUsers})
		}
	}
}

func (t *task) sendMail(ctx workflow.Context, n contract.Notice) {
	t.mail.sent++
	n.Key = fmt.Sprintf("%s/mail/%d", t.ID, t.mail.sent)
	n.Tenant, n.Topic, n.Task, n.Data = t.mail.Tenant, contract.TopicTasks, t.ID, t.mailData()
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              contract.NoticeQueue,
		ScheduleToCloseTimeout: mailTimeout,
		StartToCloseTimeout:    10 * time.Minute,
		HeartbeatTimeout:       time.Minute,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 5 * time.Minute},
		Summary:                n.Template,
	})
	f := workflow.ExecuteActivity(ctx, contract.NotifyActivity, n)
	t.mail.open++
	workflow.GoNamed(ctx, n.Key, func(ctx workflow.Context) {
		defer func() { t.mail.open-- }()
		var sent contract.Notified
		if err := f.Get(ctx, &sent); err == nil {
			t.mailed(ctx, sent)
		} else if !temporal.IsCanceledError(err) {
			workflow.GetLogger(ctx).Warn("the mail of a task was not sent", "task", t.ID, "template", n.Template, "error", err)
		}
	})
}

// lastMails is how long a task that is over waits for the mails that are on their way, to record that they were sent.
const lastMails = 10 * time.Second

// awaitMails waits for them, where the task records. Tasks that began before they waited do not.
func (t *task) awaitMails(ctx workflow.Context) {
	if t.mail == nil || t.log.log == nil || t.mail.open == 0 || workflow.GetVersion(ctx, "last mails", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return
	}
	_, _ = workflow.AwaitWithTimeout(ctx, lastMails, func() bool { return t.mail.open == 0 }) // never cancelled
}

// mailData is what templates see of the task. Its variables win here; where links lead is settled when the mail is written.
func (t *task) mailData() contract.Variables {
	data := contract.Variables{
		"taskId": t.ID, "taskName": t.Name, "taskDescription": t.Description, "taskCreator": t.mail.Creator, "processName": t.mail.Process,
		"assignee": t.Assignee, "businessKey": t.BusinessKey,
	}
	if t.Name == "" {
		data["taskName"] = t.Element
	}
	if t.Due != nil {
		data["due"] = t.Due.UTC().Format(time.RFC3339)
	}
	for _, name := range t.mailVariables() {
		data[name] = t.Variables[name]
	}
	return data
}

// mailVariables are the names of the variables that a mail is given: those of templates of the model, then the smallest, as far as there is room.
func (t *task) mailVariables() []string {
	needed := func(name string) int {
		for _, m := range []*contract.MailTemplate{t.mail.Assignee, t.mail.Candidate} {
			if m != nil && m.Variable == name {
				return 0
			}
		}
		return 1
	}
	names, sizes := sortedNames(t.Variables), map[string]int{}
	for _, name := range names {
		text, _ := json.Marshal(t.Variables[name]) // they came as JSON
		sizes[name] = len(name) + len(text)
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Or(needed(a)-needed(b), sizes[a]-sizes[b]) })
	room := maxMailData
	return slices.DeleteFunc(names, func(name string) bool {
		if sizes[name] > room {
			return true
		}
		room -= sizes[name]
		return false
	})
}

// sortedNames are those of variables.
func sortedNames(v contract.Variables) []string { return slices.Sorted(maps.Keys(v)) }
