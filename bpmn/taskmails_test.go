package bpmn

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTaskMailsOfTheModel(t *testing.T) {
	task := func(extensions string) []byte {
		return between(`<userTask id="e"><extensionElements xmlns:modeler="http://activiti.com/modeler">` + extensions + `</extensionElements></userTask>`)
	}
	custom := `<modeler:email-template email-template-type="custom" email-template-subject="Look: ${taskName}"><![CDATA[<b>${taskName}</b>]]></modeler:email-template>`
	for name, tc := range map[string]struct {
		extensions string
		want       *TaskMails
	}{
		"nothing":              {``, nil},
		"allowed":              {`<modeler:allow-send-email><![CDATA[true]]></modeler:allow-send-email>`, &TaskMails{Assignee: &TaskMail{}, Candidate: &TaskMail{}}},
		"declined":             {`<modeler:allow-send-email><![CDATA[false]]></modeler:allow-send-email>` + custom, &TaskMails{None: true}},
		"empty":                {`<modeler:email-template email-template-type="custom"/>`, nil},
		"of another namespace": {`<allow-send-email>true</allow-send-email>`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Parse("m.bpmn", task(tc.extensions), Options{})
			require.NoError(t, err)
			require.Equal(t, tc.want, m.Processes[0].Node("e").User.Mails)
		})
	}
	m, err := Parse("m.bpmn", task(custom), Options{})
	require.NoError(t, err)
	mails := m.Processes[0].Node("e").User.Mails
	require.Equal(t, "Look: ${taskName}", mails.Assignee.Subject)
	require.Equal(t, "<b>${taskName}</b>", mails.Candidate.Text)
	m, err = Parse("m.bpmn", task(`<modeler:email-template email-template-type="tenant">x</modeler:email-template>`), Options{})
	require.NoError(t, err)
	require.Equal(t, &TaskMails{Assignee: &TaskMail{}, Candidate: &TaskMail{}}, m.Processes[0].Node("e").User.Mails)
	require.Contains(t, Lint(m)[0].String(), "only a custom template travels with the model")
	m, err = Parse("m.bpmn", task(`<modeler:allow-send-email>yes</modeler:allow-send-email>`), Options{})
	require.NoError(t, err)
	require.Nil(t, m.Processes[0].Node("e").User.Mails)
	require.Contains(t, Lint(m)[0].String(), "allow-send-email yes: it says nothing: want true or false")
}

func TestTaskMailsOfTheExtensions(t *testing.T) {
	src := between(`<userTask id="e"/><userTask id="f"><extensionElements xmlns:modeler="http://activiti.com/modeler"><modeler:allow-send-email>false</modeler:allow-send-email></extensionElements></userTask>`)
	mails := func(extensions, task string) *TaskMails {
		m, err := Parse("m.bpmn", src, Options{Extensions: []byte(extensions)})
		require.NoError(t, err)
		return m.Processes[0].Node(task).User.Mails
	}
	whole := `{"templates": {
		"tasks": {"e": {"assignee": {"from": "a@b.example", "subject": "S", "type": "file", "value": "x.ftl"}, "candidate": {}}},
		"default": {"assignee": {"type": "variable", "value": "v"}, "candidate": {"type": "file", "value": {"name": "y.ftl", "mediaType": "text/html", "text": "<p>"}}}}}`
	require.Equal(t, &TaskMails{
		Assignee: &TaskMail{From: "a@b.example", Subject: "S", File: "x.ftl"}, Candidate: &TaskMail{File: "y.ftl", Text: "<p>"},
	}, mails(whole, "e"))
	require.Equal(t, &TaskMails{None: true}, mails(whole, "f"), "a task that declines has none by default")
	require.Nil(t, mails(`{"templates": {"tasks": {}, "default": {}}}`, "e"), "as tools write it")
	require.Equal(t, &TaskMails{None: true}, mails(`{"templates": {"tasks": {"f": {"assignee": {"type": "variable", "value": "v"}}}}}`, "f"), "whatever else is said")
}
