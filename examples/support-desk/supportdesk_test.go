// Package supportdesk tests the example, which has no Go code of its own.
package supportdesk

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/catalog"
	"github.com/waybill-io/waybill/connectors/email"
	"github.com/waybill-io/waybill/connectors/trigger"
	"github.com/waybill-io/waybill/definition"
	"github.com/waybill-io/waybill/engine"
	"github.com/waybill-io/waybill/mail/message"
	"github.com/waybill-io/waybill/mail/service"
	"github.com/waybill-io/waybill/mail/smtp"
	"github.com/waybill-io/waybill/project"
	"github.com/waybill-io/waybill/testsuite/scenario"
)

// load returns the process as a worker gets it: stripped, with the templates inside.
func load(t *testing.T) *bpmn.Process {
	p, err := project.Load([]string{"."}, project.Options{BuiltIn: catalog.Definitions()})
	require.NoError(t, err)
	require.Empty(t, p.Warnings)
	require.Len(t, p.Triggers, 1)
	require.Len(t, p.Definitions, 1)
	process, err := definition.Parse(p.Definitions[0], 0)
	require.NoError(t, err)
	return process
}

func TestProject(t *testing.T) {
	p := load(t)
	require.Equal(t, "support-desk", p.ID)
	defaults := map[string]any{}
	for _, property := range p.Properties {
		defaults[property.Name] = property.Value
	}
	require.Equal(t, "PT4H", defaults["reminderAfter"])
	require.Equal(t, "support@example.com", defaults["supportAddress"])
	require.Equal(t, "oncall@example.com", defaults["onCallAddress"])
}

func TestScenarios(t *testing.T) {
	scenario.Test(t, "scenarios/support-desk.yaml", "scenarios/notice-refused.yaml")
}

// fire reads one of the sample mails and asks the trigger about it.
func fire(t *testing.T, file string) (start trigger.Action, fired bool) {
	data, err := os.ReadFile("triggers/support-mail.json")
	require.NoError(t, err)
	tr, err := trigger.Parse("support-mail.json", data, trigger.Options{})
	require.NoError(t, err)
	f, err := os.Open("mails/" + file)
	require.NoError(t, err)
	defer f.Close()
	m, err := message.Parse(f, message.Limits{}, nil)
	require.NoError(t, err)
	require.Empty(t, m.Defects)
	replyTo := m.From[0].Address
	if len(m.ReplyTo) > 0 {
		replyTo = m.ReplyTo[0].Address
	}
	references := []any{}
	for _, r := range m.References {
		references = append(references, r)
	}
	automatic, _ := message.Automatic(m.Headers)
	event := map[string]any{
		"emailSubject": m.Subject, "emailFrom": m.From[0].Address, "emailReplyTo": replyTo, "emailBody": m.Text,
		"messageId": m.MessageID, "references": references, "date": m.Date.UTC().Format(time.RFC3339),
		"automatic": automatic, "attachments": []any{},
	}
	groups, fired, err := tr.Match(event)
	require.NoError(t, err)
	if !fired {
		return start, false
	}
	start, err = tr.Action(event, groups)
	require.NoError(t, err)
	require.Equal(t, "support-desk", start.ProcessDefinitionKey)
	return start, true
}

func TestTrigger(t *testing.T) {
	for file, want := range map[string]bool{
		"routine.eml":                true,
		"urgent.eml":                 true,
		"urgent-by-body.eml":         true,
		"out-of-office.eml":          false,
		"newsletter.eml":             false,
		"on-call-answers-notice.eml": false,
	} {
		t.Run(file, func(t *testing.T) {
			_, fired := fire(t, file)
			require.Equal(t, want, fired)
		})
	}
	start, _ := fire(t, "routine.eml")
	require.Equal(t, "C-2041", start.Variables["customerNumber"])
	require.Equal(t, "ada@example.org", start.BusinessKey)
}

// desk runs one case from its mail on: real model, templates and connector; only the SMTP server is missing.
type desk struct {
	t         *testing.T
	process   *bpmn.Process
	state     *engine.State
	now       time.Time
	connector *email.Connector
	sent      []smtp.Mail
	task      engine.OpenTask
	reminder  engine.StartTimer
	ended     engine.Outcome
}

func (d *desk) Send(_ context.Context, m smtp.Mail) (smtp.Receipt, error) {
	d.sent = append(d.sent, m)
	return smtp.Receipt{MessageID: m.MessageID}, nil
}

func open(t *testing.T, file string) *desk {
	d := &desk{
		t: t, process: load(t), state: engine.New(engine.Options{ID: "support-desk/1"}),
		now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC),
	}
	mails := service.New(service.Options{Accounts: map[string]service.Account{"": {Sender: d}}})
	d.connector = email.New(email.Template().Definition, mails, nil)
	start, fired := fire(t, file)
	require.True(t, fired)
	d.step(engine.Started{Variables: start.Variables})
	return d
}

func (d *desk) step(event engine.Event) {
	commands, err := engine.Step(d.process, d.state, event, d.now)
	require.NoError(d.t, err)
	require.Empty(d.t, d.state.Incidents)
	for _, c := range commands {
		switch c := c.(type) {
		case engine.CallConnector:
			_, action := connectors.SplitImplementation(c.Implementation)
			call := connectors.Call{Action: action, IdempotencyKey: "support-desk/1/" + c.Element, Inputs: c.Inputs}
			outputs, err := connectors.Do(d.t.Context(), d.connector, call)
			require.NoError(d.t, err)
			d.step(engine.Completed{ID: c.ID, Outputs: outputs})
		case engine.OpenTask:
			d.task = c
		case engine.StartTimer:
			d.reminder = c
		case engine.End:
			d.ended = c.Outcome
		}
	}
}

func TestRoutineMail(t *testing.T) {
	d := open(t, "routine.eml")
	require.Equal(t, engine.OutcomeCompleted, d.ended)
	require.Len(t, d.sent, 1)
	reply := d.sent[0]
	require.Equal(t, "ada@example.org", reply.To[0].Address)
	require.Equal(t, "support@example.com", reply.From.Address)
	require.Equal(t, "Re: C-2041: how do I change my invoice address?", reply.Subject)
	require.Equal(t, "<20260302-routine@example.org>", reply.InReplyTo)
	require.Equal(t, "auto-replied", reply.AutoSubmitted)
	require.Contains(t, reply.Text, "Your customer number: C-2041\n")
	require.Empty(t, reply.HTML)
}

func TestUrgentMail(t *testing.T) {
	d := open(t, "urgent.eml")
	require.Len(t, d.sent, 1)
	notice := d.sent[0]
	require.Equal(t, "oncall@example.com", notice.To[0].Address)
	require.Equal(t, "[on-call] URGENT: nobody can log in", notice.Subject)
	require.Contains(t, notice.Text, "Case:     support-desk/1\n")
	require.Contains(t, notice.Text, "ends with “session expired”.")
	require.NotContains(t, notice.Text, "Attached:")

	require.Equal(t, "Answer the customer", d.task.Name)
	require.Equal(t, []string{"support"}, d.task.CandidateGroups)
	require.Contains(t, d.task.Description, "ops@example.org writes: URGENT: nobody can log in.")
	require.Equal(t, d.now.Add(4*time.Hour), d.reminder.At)

	d.now = d.reminder.At
	d.step(engine.TimerFired{ID: d.reminder.ID})
	require.Len(t, d.sent, 2)
	require.Equal(t, "[on-call] Still waiting: URGENT: nobody can log in", d.sent[1].Subject)
	require.Contains(t, d.sent[1].Text, "starter task list --instance support-desk/1\n")
	require.Empty(t, d.ended)

	d.step(engine.Completed{ID: d.task.ID, Outputs: engine.Variables{"answer": "It works again,\nsince 1 < 2.", "customer": "eve@example.com"}})
	require.Equal(t, engine.OutcomeCompleted, d.ended)
	require.Len(t, d.sent, 3)
	answer := d.sent[2]
	require.Equal(t, "ops@example.org", answer.To[0].Address, "the task gives back an answer and nothing else")
	require.Equal(t, "Re: URGENT: nobody can log in", answer.Subject)
	require.Equal(t, []string{"<20260226-first@example.org>", "<20260227-notice@example.com>", "<20260302-urgent@example.org>"}, answer.References)
	require.Equal(t, "It works again,\nsince 1 < 2.\n\nYour support desk\n", answer.Text)
	require.Contains(t, answer.HTML, "since 1 &lt; 2.</div>")
	require.Contains(t, answer.HTML, "“session expired”.")
}

func TestUrgentByBodyAndCalledBack(t *testing.T) {
	d := open(t, "urgent-by-body.eml")
	require.Equal(t, "Answer the customer", d.task.Name)
	d.step(engine.Completed{ID: d.task.ID})
	require.Equal(t, engine.OutcomeCompleted, d.ended)
	require.Len(t, d.sent, 1, "only the notice to on-call")
}
