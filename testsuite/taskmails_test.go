package testsuite_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/events/marker"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/message"
	"github.com/waybill-io/waybill/mail/service"
	"github.com/waybill-io/waybill/mail/template"
	"github.com/waybill-io/waybill/project"
	"github.com/waybill-io/waybill/testsuite"
	"github.com/waybill-io/waybill/testsuite/mailserver"
	"github.com/waybill-io/waybill/worker/dev"
)

// reviewModel has one user task for whom the variables say.
const reviewModel = `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:activiti="http://activiti.org/bpmn" xmlns:modeler="http://activiti.com/modeler" targetNamespace="t">
<process id="review" name="Review" isExecutable="true"><startEvent id="s"/><sequenceFlow id="a" sourceRef="s" targetRef="check"/>
<userTask id="check" name="Check ${what}" activiti:assignee="${assignee}" activiti:candidateUsers="${users}" activiti:candidateGroups="${groups}" activiti:dueDate="${due}">
<extensionElements><modeler:allow-send-email>true</modeler:allow-send-email>CUSTOM</extensionElements></userTask>
<sequenceFlow id="b" sourceRef="check" targetRef="e"/><endEvent id="e"/></process></definitions>`

type desk struct {
	*testsuite.Environment
	t *testing.T
}

func startDesk(t *testing.T, custom string, email service.Config) *desk {
	e := &desk{testsuite.StartWith(t, dev.Options{Email: email}), t}
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "review.bpmn"), []byte(strings.Replace(reviewModel, "CUSTOM", custom, 1)), 0o600))
	e.Deploy(dir)
	return e
}

func (d *desk) start(variables map[string]any) (instance string) {
	d.t.Helper()
	all := map[string]any{"what": "it", "assignee": "", "users": "", "groups": "", "due": ""}
	for k, v := range variables {
		all[k] = v
	}
	id, _, err := d.Client.Start(d.t.Context(), client.StartOptions{Key: "review", Initiator: "boss", Variables: all})
	require.NoError(d.t, err)
	return id
}

func (d *desk) complete(instance string) {
	d.t.Helper()
	_, err := d.Client.CompleteTask(d.t.Context(), d.Task(instance).ID, contract.CompleteTask{})
	require.NoError(d.t, err)
}

func (d *desk) people(people map[string]contract.Person, groups map[string]contract.Group) {
	d.t.Helper()
	for id, p := range people {
		require.NoError(d.t, d.Client.PutPerson(d.t.Context(), id, p))
	}
	for id, g := range groups {
		require.NoError(d.t, d.Client.PutGroup(d.t.Context(), id, g))
	}
}

// notified waits for the results of all mails of the one task of an instance, n of them.
func (d *desk) notified(task string, n int) (results []contract.Notified) {
	d.t.Helper()
	recorded := 0
	require.Eventually(d.t, func() bool {
		results, recorded = nil, 0
		history, err := d.Client.History(d.t.Context(), task, "")
		if err != nil {
			return false
		}
		for _, event := range history.GetEvents() {
			batch, _, err := marker.Read(event, converter.GetDefaultDataConverter())
			require.NoError(d.t, err)
			for _, e := range batch.Events {
				if e.Type == events.MailSent && e.TaskID == task && e.Recipients == 1 && e.MessageID != "" {
					recorded++
				}
			}
			done := event.GetActivityTaskCompletedEventAttributes()
			if done == nil {
				continue
			}
			var r contract.Notified
			require.NoError(d.t, converter.GetDefaultDataConverter().FromPayloads(done.GetResult(), &r))
			results = append(results, r)
		}
		sent := 0
		for _, r := range results {
			sent += len(r.Sent)
		}
		return len(results) == n && recorded == sent
	}, 60*time.Second, 100*time.Millisecond, "%d mails of %s, there are %+v, and %d recorded", n, task, results, recorded)
	return results
}

var sender = service.Config{Servers: map[string]service.Server{"": {Identity: service.Identity{
	From: mail.Address{Name: "Waybill", Address: "waybill@example.com"}, BaseURL: "https://waybill.example.com", Feedback: "help@example.com",
}}}}

func TestTaskMails(t *testing.T) {
	d := startDesk(t, "", sender)
	d.people(map[string]contract.Person{
		"ada":  {Name: "Ada Lovelace", Address: "ada@example.com", Locale: "de"},
		"bert": {Address: "bert@example.com", Groups: []string{"desk"}},
		"carl": {Address: "carl@example.com"},
		"dora": {Address: "dora@example.com", Mails: map[string]bool{contract.TopicTasks: false}},
	}, map[string]contract.Group{"desk": {Members: []string{"carl", "dora"}}, "sales": {Address: "sales-list@example.com"}})

	// The assignee gets mail in her language, with what strangers wrote as text.
	id := d.start(map[string]any{"assignee": "ada", "what": "<b>now</b>", "due": "2030-01-02T09:00:00Z"})
	m := inbox(t, d.Environment, "ada@example.com", 1)
	task := d.Task(id)
	require.Equal(t, "Aufgabe für Sie: Check <b>now</b>", m.Subject)
	require.Equal(t, "Ada Lovelace", m.To[0].Name)
	require.Equal(t, "waybill@example.com", m.From[0].Address)
	require.Equal(t, "auto-generated", header(m, "Auto-Submitted"))
	require.Contains(t, m.HTML, "Check &lt;b&gt;now&lt;/b&gt;")
	require.Contains(t, m.Text, "https://waybill.example.com/tasks/"+task.ID)
	require.Contains(t, m.Text, "Von: boss")
	require.Contains(t, m.Text, "02.01.2030")

	// Who gets it from her is told, too; who declines is not.
	_, err := d.Client.DelegateTask(t.Context(), task.ID, "dora")
	require.NoError(t, err)
	require.Equal(t, []string{"dora"}, d.notified(task.ID, 2)[1].Declined)
	_, err = d.Client.DelegateTask(t.Context(), task.ID, "bert")
	require.NoError(t, err)
	require.Equal(t, "Task for you: Check <b>now</b>", inbox(t, d.Environment, "bert@example.com", 1).Subject)
	d.notified(task.ID, 3)
	_, err = d.Client.ResolveTask(t.Context(), task.ID, nil)
	require.NoError(t, err)
	inbox(t, d.Environment, "ada@example.com", 2)
	d.complete(id)

	// Candidates; one who is a member of a group as well has one mail. Somebody whom nobody knows is told.
	id = d.start(map[string]any{"users": "bert,erna,fred@example.com", "groups": "desk,sales,nobody"})
	require.Equal(t, "Task to take: Check it", inbox(t, d.Environment, "bert@example.com", 2).Subject)
	inbox(t, d.Environment, "fred@example.com", 1)
	require.Equal(t, "Task for desk: Check it", inbox(t, d.Environment, "carl@example.com", 1).Subject)
	require.Equal(t, "Task for sales: Check it", inbox(t, d.Environment, "sales-list@example.com", 1).Subject)
	results := d.notified(d.Task(id).ID, 2)
	require.ElementsMatch(t, []string{"erna", "nobody"}, append(results[0].Unknown, results[1].Unknown...))
	require.Len(t, append(results[0].Sent, results[1].Sent...), 4)

	// He who takes it knows; he who is given it does not.
	_, err = d.Client.ClaimTask(t.Context(), d.Task(id).ID, "bert")
	require.NoError(t, err)
	_, err = d.Client.ClaimTask(t.Context(), d.Task(id).ID, "")
	require.NoError(t, err)
	d.notified(d.Task(id).ID, 4)
	_, err = d.Client.GiveTask(t.Context(), d.Task(id).ID, "carl", "boss")
	require.NoError(t, err)
	require.Equal(t, "Task for you: Check it", inbox(t, d.Environment, "carl@example.com", 3).Subject)
	d.notified(d.Task(id).ID, 5)
	d.complete(id)

	// A task is due.
	id = d.start(map[string]any{"assignee": "carl", "due": "PT2S"})
	require.ElementsMatch(t, []string{"Task is due: Check it", "Task for you: Check it"}, []string{ // whichever is sent first
		inbox(t, d.Environment, "carl@example.com", 4).Subject, inbox(t, d.Environment, "carl@example.com", 5).Subject,
	})
	d.complete(id)

	require.Empty(t, mailsTo(t, d.Environment, "dora@example.com"))
	require.Len(t, mailsTo(t, d.Environment, "bert@example.com"), 3)
	require.NoError(t, testsuite.ReplayServer(t.Context(), d.Client, *record))
}

func TestTaskMailsOfTheModelAndOfTheInstallation(t *testing.T) {
	custom := `<modeler:email-template email-template-type="custom" email-template-subject="Own: ${what}"><![CDATA[<p>${what} for ${extra}, ${taskDirectUrl}</p>]]></modeler:email-template>`
	d := startDesk(t, custom, sender)
	require.NoError(t, d.Client.PutTemplate(t.Context(), template.Key{Name: contract.TemplateTaskAssigned}, template.Template{Subject: "House: {{.taskName}}", Text: "{{.taskName}}"}))

	d.complete(sent(t, d, map[string]any{"assignee": "a@example.com", "what": "<i>", "extra": "you"}))
	m := inbox(t, d.Environment, "a@example.com", 1)
	require.Equal(t, "Own: <i>", m.Subject)
	require.Contains(t, m.HTML, "<p>&lt;i&gt; for you, https://waybill.example.com/tasks/task/review")

	// A template that cannot be used is told, and that of the installation takes its place; then the bundled one.
	id := sent(t, d, map[string]any{"assignee": "b@example.com"})
	results := d.notified(d.Task(id).ID, 1)
	require.Contains(t, results[0].Problems[0], "extra is missing")
	require.Equal(t, []string{"House: Check it", "Task for you: Check it"}, []string{
		inbox(t, d.Environment, "b@example.com", 1).Subject, func() string {
			require.NoError(t, d.Client.PutTemplate(t.Context(), template.Key{Name: contract.TemplateTaskAssigned}, template.Template{Subject: "{{.nothing}}", Text: "x"}))
			sent(t, d, map[string]any{"assignee": "c@example.com"})
			return inbox(t, d.Environment, "c@example.com", 1).Subject
		}(),
	})
}

// sent starts an instance and returns its id when the mail of its task has been sent.
func sent(t *testing.T, d *desk, variables map[string]any) string {
	t.Helper()
	id := d.start(variables)
	d.notified(d.Task(id).ID, 1)
	return id
}

func TestTaskMailsSuppressed(t *testing.T) {
	d := startDesk(t, "", service.Config{Disabled: true})
	id := d.start(map[string]any{"assignee": "a@example.com"})
	results := d.notified(d.Task(id).ID, 1)
	require.Equal(t, "email.enabled is false", results[0].Suppressed)
	require.Empty(t, mailsTo(t, d.Environment, "a@example.com"))
	d.complete(id)
}

// A deployment may have all tasks send mails, but for those that decline.
func TestTaskMailsOfModelsThatSayNothing(t *testing.T) {
	d := startDesk(t, "", service.Config{Disabled: true})
	const allowed = "<modeler:allow-send-email>true</modeler:allow-send-email>"
	for _, tc := range []struct {
		says, mode string
		clock      *time.Time
		want       int
	}{
		{"", contract.TaskMailsAll, nil, 1}, {"", contract.TaskMailsModel, nil, 0}, {allowed, contract.TaskMailsModel, nil, 1}, {allowed, project.NoTaskMails, nil, 0},
		{strings.Replace(allowed, "true", "false", 1), contract.TaskMailsAll, nil, 0}, {allowed, contract.TaskMailsAll, new(time.Now()), 0},
	} {
		file := filepath.Join(t.TempDir(), "review.bpmn")
		model := strings.NewReplacer("CUSTOM", "", allowed, tc.says).Replace(reviewModel)
		require.NoError(t, os.WriteFile(file, []byte(model), 0o600))
		p, err := project.Load([]string{file}, project.Options{TaskMails: tc.mode})
		require.NoError(t, err)
		_, err = d.Client.Deploy(t.Context(), p.Definitions[0])
		require.NoError(t, err)
		id, _, err := d.Client.Start(t.Context(), client.StartOptions{Key: "review", Clock: tc.clock, Variables: map[string]any{
			"what": "it", "assignee": "a@example.com", "users": "", "groups": "", "due": "",
		}})
		require.NoError(t, err)
		task := d.Task(id)
		if tc.want > 0 {
			d.notified(task.ID, tc.want)
		}
		d.complete(id)
		scheduled := 0
		history, err := d.Client.History(t.Context(), task.ID, "")
		require.NoError(t, err)
		for _, event := range history.GetEvents() {
			if event.GetActivityTaskScheduledEventAttributes() != nil {
				scheduled++
			}
		}
		require.Equal(t, tc.want, scheduled, "%+v", tc)
	}
}

// The mail server goes away; each mail is sent once when it is back.
func TestTaskMailsAfterTheMailServerWasDown(t *testing.T) {
	d := startDesk(t, "", sender)
	address, imap := d.Mail.SMTPAddr(), d.Mail.IMAPAddr()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	require.NoError(t, d.Mail.Close(ctx))
	id := d.start(map[string]any{"users": "a@example.com,b@example.com"})
	task := d.Task(id)
	require.Eventually(t, func() bool { // it has been tried
		described, err := d.Client.Temporal.DescribeWorkflowExecution(t.Context(), task.ID, "")
		pending := described.GetPendingActivities()
		return err == nil && len(pending) == 1 && pending[0].GetAttempt() > 1
	}, 30*time.Second, 50*time.Millisecond)
	again, err := mailserver.Start(mailserver.Options{SMTPAddr: address, IMAPAddr: imap, OpenPassword: dev.Password})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, again.Close(context.WithoutCancel(t.Context()))) })
	d.Mail = again
	results := d.notified(task.ID, 1)
	require.Len(t, results[0].Sent, 2)
	ids := map[string]bool{}
	for _, to := range []string{"a@example.com", "b@example.com"} {
		require.Len(t, mailsTo(t, d.Environment, to), 1)
		m, err := message.Parse(strings.NewReader(string(mailsTo(t, d.Environment, to)[0].Raw)), message.Limits{}, nil)
		require.NoError(t, err)
		ids[m.MessageID] = true
	}
	require.Len(t, ids, 2, "each mail has an id of its own")
	d.complete(id)
}
