package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	sdk "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/service"
	"github.com/waybill-io/waybill/mail/smtp"
)

// registries answer queries as the workflows of registries do, and keep heartbeats as the server does.
type registries struct {
	temporal.Client

	entries map[string]map[string]any // by registry and id
	beats   []json.RawMessage
	gone    bool // nobody waits for the activity
}

func (r *registries) QueryWorkflow(_ context.Context, id, _, query string, args ...any) (converter.EncodedValue, error) {
	known, ok := r.entries[id]
	if !ok {
		return nil, serviceerror.NewNotFound(id)
	}
	var found []contract.RegistryEntry
	for entry, value := range known {
		if query == contract.EntriesQuery && !slices.Contains(args[0].([]string), entry) {
			continue
		}
		text, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		found = append(found, contract.RegistryEntry{ID: entry, Value: text})
	}
	slices.SortFunc(found, func(a, b contract.RegistryEntry) int { return strings.Compare(a.ID, b.ID) })
	p, err := converter.GetDefaultDataConverter().ToPayloads(found)
	return temporal.NewValue(p), err
}

func (r *registries) RecordActivityHeartbeat(_ context.Context, _ []byte, details ...any) error {
	if r.gone {
		return serviceerror.NewNotFound("no such activity")
	}
	text, err := json.Marshal(details[0])
	r.beats = append(r.beats, text)
	return err
}

// postOffice takes mails, or fails with what is prepared for an address.
type postOffice struct {
	mails []smtp.Mail
	fail  map[string]error               // by address
	later map[string]smtp.RecipientError // refusals of recipients
}

func (p *postOffice) Send(_ context.Context, m smtp.Mail) (smtp.Receipt, error) {
	if err := m.Validate(); err != nil {
		return smtp.Receipt{}, &smtp.Error{Stage: smtp.StageCompose, Err: err}
	}
	receipt := smtp.Receipt{MessageID: m.MessageID}
	for _, to := range slices.Concat(m.To, m.Cc, m.Bcc) {
		if err := p.fail[to.Address]; err != nil {
			return smtp.Receipt{}, err
		}
		if refusal, refused := p.later[to.Address]; refused {
			receipt.Refused = append(receipt.Refused, refusal)
			continue
		}
		receipt.Accepted = append(receipt.Accepted, to.Address)
	}
	p.mails = append(p.mails, m)
	return receipt, nil
}

func (p *postOffice) to() (all []string) {
	for _, m := range p.mails {
		for _, to := range slices.Concat(m.To, m.Cc, m.Bcc) {
			all = append(all, to.Address)
		}
	}
	return all
}

type notifying struct {
	t *testing.T
	*registries
	*postOffice
	options service.Options
}

func newNotifying(t *testing.T) *notifying {
	n := &notifying{t: t, registries: &registries{entries: map[string]map[string]any{}}, postOffice: &postOffice{fail: map[string]error{}, later: map[string]smtp.RecipientError{}}}
	n.options = service.Options{Accounts: map[string]service.Account{"": {
		Sender: n.postOffice, From: mail.Address{Name: "Waybill", Address: "waybill@example.com"}, BaseURL: "https://w.example.com", Feedback: "help@example.com",
	}}}
	return n
}

// notify is one attempt, after what earlier ones have kept.
func (n *notifying) notify(in contract.Notice, before ...json.RawMessage) (result contract.Notified, err error) {
	n.t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	notifier := NewNotifier(client.New(n.registries), service.New(n.options))
	env.RegisterActivityWithOptions(notifier.Notify, activity.RegisterOptions{Name: contract.NotifyActivity})
	if len(before) > 0 {
		env.SetHeartbeatDetails(before[len(before)-1])
	}
	value, err := env.ExecuteActivity(contract.NotifyActivity, in)
	if err == nil {
		require.NoError(n.t, value.Get(&result))
	}
	return result, err
}

func task(data contract.Variables) contract.Notice {
	if data == nil {
		data = contract.Variables{}
	}
	if data["taskName"] == nil {
		data["taskName"] = "Check"
	}
	return contract.Notice{Key: "task/order/1/4/mail/1", Template: contract.TemplateTaskAssigned, Topic: contract.TopicTasks, Task: "task/order/1/4", Data: data}
}

func TestNotifyTriesOnlyWhatIsLeft(t *testing.T) {
	n := newNotifying(t)
	in := task(nil)
	in.Users = []string{"a@example.com", "b@example.com", "c@example.com", "d@example.com"}
	n.fail["b@example.com"] = &smtp.Error{Stage: smtp.StageRcpt, Code: 451, Temporary: true, Err: errors.New("451 later")}
	n.fail["c@example.com"] = &smtp.Error{Stage: smtp.StageRcpt, Code: 550, Err: errors.New("550 no such user")}
	_, err := n.notify(in)
	require.ErrorContains(t, err, "mail to b@example.com: smtp: rcpt: 451 later")
	require.Equal(t, []string{"a@example.com", "d@example.com"}, n.to())
	first := n.mails[0].MessageID

	delete(n.fail, "b@example.com")
	n.mails = nil
	result, err := n.notify(in, n.beats...)
	require.NoError(t, err)
	require.Equal(t, []string{"b@example.com"}, n.to(), "who has it gets it once")
	require.Len(t, result.Sent, 3, "the result is of all tries")
	require.Equal(t, []string{"c@example.com: smtp: rcpt: 550 no such user"}, result.Refused)

	// A worker that died before it could tell sends again, and the mail can be recognised.
	n.mails = nil
	_, err = n.notify(in)
	require.NoError(t, err)
	require.Equal(t, first, n.mails[0].MessageID)
	require.NotEqual(t, first, n.mails[1].MessageID)
	require.Empty(t, mail.CallOf(first), "an answer to it is none to a process")
}

func TestNotifyOneMailToAll(t *testing.T) {
	n := newNotifying(t)
	in := contract.Notice{
		Key: "alert", Template: contract.TemplateTest, Subject: "Look\r\nBcc: x", To: []string{"a@example.com"}, Cc: []string{"b@example.com"}, Bcc: []string{"c@example.com"},
		Data: contract.Variables{"sentAt": "2026-11-28T09:00:00Z", "server": "s"},
	}
	n.later["b@example.com"] = smtp.RecipientError{Address: "b@example.com", Code: 450, Message: "greylisted"}
	n.later["c@example.com"] = smtp.RecipientError{Address: "c@example.com", Code: 550, Message: "unknown"}
	_, err := n.notify(in)
	require.ErrorContains(t, err, "mail to b@example.com: greylisted")
	require.Len(t, n.mails, 1)
	require.Equal(t, "Look Bcc: x", n.mails[0].Subject)
	require.Equal(t, "auto-generated", n.mails[0].AutoSubmitted)
	id := n.mails[0].MessageID
	require.Len(t, n.beats, 1, "what was done is kept, also when there is one mail")

	n.later, n.mails = nil, nil
	result, err := n.notify(in, n.beats...)
	require.NoError(t, err)
	require.Equal(t, []string{"b@example.com"}, n.to())
	require.Equal(t, id, n.mails[0].MessageID)
	require.Equal(t, []string{"c@example.com: 550 unknown"}, result.Refused)
}

func TestNotifyPeople(t *testing.T) {
	n := newNotifying(t)
	n.options.Accounts["acme"] = service.Account{Sender: n.postOffice, From: mail.Address{Address: "acme@example.com"}}
	n.entries[contract.PeopleID] = map[string]any{
		"user/ada":           contract.Person{Name: "Ada", Address: "ada@example.com", Locale: "de-AT", Groups: []string{"desk"}},
		"user/bert":          contract.Person{Address: "bert@example.com"},
		"user/dora":          contract.Person{Address: "dora@example.com", Groups: []string{"desk"}, Mails: map[string]bool{contract.TopicTasks: false}},
		"user/e@example.com": contract.Person{Mails: map[string]bool{contract.TopicTasks: false}},
		"group/desk":         contract.Group{Members: []string{"bert", "carl"}},
		"group/sales":        contract.Group{Address: "sales@example.com"},
	}
	n.entries[contract.TemplatesID] = map[string]any{
		"acme/task-group/de": map[string]any{"subject": "acme {{.groupName}} {{.recipientName}}", "text": "{{.taskDirectUrl}}|{{.homeUrl}}|{{.feedback}}|{{.taskName}}"},
		"/task-group/":       map[string]any{"subject": "all ${groupName}", "text": "x", "engine": "freemarker"},
	}
	in := task(contract.Variables{"homeUrl": "https://evil.example", "taskDirectUrl": "https://evil.example", "feedback": "evil@example.com"})
	in.Template, in.Tenant = contract.TemplateTaskGroup, "acme"
	in.Groups, in.Except = []string{"desk", "sales", "nobody"}, []string{"bert"}
	result, err := n.notify(in)
	require.NoError(t, err)
	require.Equal(t, []string{"ada@example.com", "sales@example.com"}, n.to())
	require.Equal(t, "acme desk Ada", n.mails[0].Subject)
	require.Equal(t, "|||Check", n.mails[0].Text, "the tenant has no address of its own, and variables make none")
	require.Equal(t, "acme@example.com", n.mails[0].From.Address)
	require.Equal(t, "all sales", n.mails[1].Subject)
	require.Equal(t, []string{"carl", "nobody"}, result.Unknown)
	require.Equal(t, []string{"dora"}, result.Declined)

	n.mails = nil
	in.Topic = ""
	in.Users, in.Groups = []string{"dora", "e@example.com", "DORA@example.com", "f@example.com"}, nil
	in.Data["groupName"] = "none"
	_, err = n.notify(in)
	require.NoError(t, err)
	require.Equal(t, []string{"dora@example.com", "e@example.com", "f@example.com"}, n.to(), "what has no topic cannot be declined; each address once")
}

func TestNotifyTemplatesThatFail(t *testing.T) {
	n := newNotifying(t)
	n.entries[contract.TemplatesID] = map[string]any{"/task-assigned/": map[string]any{"subject": "{{.nope}}", "text": "x"}, "/own/": map[string]any{"subject": "{{.nope}}", "text": "x"}}
	in := task(nil)
	in.Users = []string{"a@example.com"}
	in.Custom = &contract.MailTemplate{Variable: "mine"}
	result, err := n.notify(in)
	require.NoError(t, err)
	require.Equal(t, "Task for you: Check", n.mails[0].Subject)
	require.Contains(t, result.Problems[0], "the template in the variable mine: it is not there")
	require.Contains(t, result.Problems[1], `no entry for key "nope"`)

	for name, value := range map[string]any{
		"text": "<p>${taskName}</p>", "file": map[string]any{"name": "x.mail.html", "text": "Subject: From the file\n\n<p>{{.taskName}}</p>"},
	} {
		n.mails = nil
		in.Data["mine"] = value
		_, err = n.notify(in)
		require.NoError(t, err)
		require.Equal(t, "<p>Check</p>", n.mails[0].HTML, name)
		require.Equal(t, map[string]string{"text": "Task for you: Check", "file": "From the file"}[name], n.mails[0].Subject, "the subject is that of what has one")
	}
	n.mails = nil
	in.Custom = &contract.MailTemplate{From: "Desk <desk@example.com>", Subject: "S ${taskName}", File: "a.txt.ftl", Text: "${taskName}"}
	_, err = n.notify(in)
	require.NoError(t, err)
	require.Equal(t, "Desk", n.mails[0].From.Name)
	require.Equal(t, "S Check", n.mails[0].Subject)
	require.Empty(t, n.mails[0].HTML)

	in.Custom, in.Template = nil, "own"
	_, err = n.notify(in)
	requireFinal(t, err, "no entry for key")
	in.Fallback = contract.TemplateTaskDue
	in.Data["due"] = "2026-11-28T09:00:00Z"
	for _, broken := range []string{"own", "nowhere"} {
		n.mails, in.Template = nil, broken
		result, err = n.notify(in)
		require.NoError(t, err)
		require.Contains(t, n.mails[0].Subject, "Check", "a rule's own template is no reason to tell nobody")
		require.Len(t, result.Problems, 1)
	}
	in.Fallback = ""
	in.Template = "nowhere"
	_, err = n.notify(in)
	requireFinal(t, err, `mail template "nowhere" is neither deployed nor bundled`)
}

func requireFinal(t *testing.T, err error, text string) {
	t.Helper()
	require.ErrorContains(t, err, text)
	var application *sdk.ApplicationError
	require.ErrorAs(t, err, &application)
	require.True(t, application.NonRetryable())
}

func TestNotifyStops(t *testing.T) {
	n := newNotifying(t)
	in := task(nil)
	in.Users = []string{"a@example.com", "b@example.com"}
	n.fail["a@example.com"] = &smtp.Error{Stage: smtp.StageDial, Temporary: true, Err: errors.New("refused")}
	_, err := n.notify(in)
	require.ErrorContains(t, err, "dial")
	require.Empty(t, n.mails, "a server that does not answer is asked once")

	for _, stage := range []smtp.Stage{smtp.StageAuth, smtp.StageTLS} {
		n.fail["a@example.com"] = &smtp.Error{Stage: stage, Code: 535, Err: errors.New("535 wrong")}
		_, err = n.notify(in)
		var application *sdk.ApplicationError
		require.ErrorAs(t, err, &application)
		require.Contains(t, application.Message(), "mail to a@example.com: smtp: "+string(stage)+": 535 wrong")
		require.False(t, application.NonRetryable(), "it is mended within a day")
		require.Equal(t, 15*time.Minute, application.NextRetryDelay(), "log-ins in haste would lock the account")
		require.Empty(t, n.mails, "more log-ins would lock the account")
	}

	n.fail, n.gone = nil, true
	_, err = n.notify(in)
	require.ErrorContains(t, err, "nobody waits")
	require.Len(t, n.mails, 1)
}

// A notice goes to the first 1,000, and to the same in each try.
func TestNotifyManyPeople(t *testing.T) {
	n := newNotifying(t)
	in := task(nil)
	in.To = []string{"own@example.com"}
	for i := range 1003 {
		in.Users = append(in.Users, fmt.Sprintf("u%d@example.com", i))
	}
	n.fail["u7@example.com"] = &smtp.Error{Stage: smtp.StageRcpt, Code: 451, Temporary: true, Err: errors.New("451 later")}
	_, err := n.notify(in)
	require.ErrorContains(t, err, "451 later")
	require.Len(t, n.mails, 1000)

	n.fail, n.mails = nil, nil
	result, err := n.notify(in, n.beats...)
	require.NoError(t, err)
	require.Equal(t, []string{"u7@example.com"}, n.to())
	require.Equal(t, 3, result.Omitted)
}

func TestNotifySuppressed(t *testing.T) {
	for want, o := range map[string]service.Options{
		"email.enabled is false": {Disabled: true}, service.ErrNoServer.Error(): {},
		"only in tests": {Accounts: map[string]service.Account{"": {Suppressed: "only in tests"}}},
	} {
		n := newNotifying(t)
		n.options = o
		in := task(nil)
		in.Users = []string{"a@example.com"}
		result, err := n.notify(in)
		require.NoError(t, err)
		require.Equal(t, want, result.Suppressed)
	}
	require.Equal(t, "https://w.example.com/tasks/task/a%20b/1", taskURL("https://w.example.com", "task/a b/1"))
}
