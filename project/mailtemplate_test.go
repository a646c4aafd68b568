package project

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/definition"
	"github.com/waybill-io/waybill/mail/template"
)

func review(extensions string) string {
	return fmt.Sprintf(`<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:modeler="http://activiti.com/modeler" targetNamespace="t">
<process id="review" isExecutable="true"><startEvent id="s"/><sequenceFlow id="a" sourceRef="s" targetRef="t"/>
<userTask id="t"><extensionElements>%s</extensionElements></userTask>
<sequenceFlow id="b" sourceRef="t" targetRef="e"/><endEvent id="e"/></process></definitions>`, extensions)
}

func TestMailTemplates(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"templates/task-assigned_de.mail.html": "Subject: Aufgabe {{.taskName}}\n\n<p>{{.taskName}}</p>",
		"templates/task-assigned.mail.ftl":     "Subject: Task ${taskName}\nTenant: acme\n\n<p>${taskName}</p>",
	})
	p, err := Load([]string{dir}, Options{})
	require.NoError(t, err)
	require.Empty(t, p.Warnings)
	require.Len(t, p.Templates, 2)
	require.Equal(t, template.Key{Name: "task-assigned", Locale: "de"}, p.Templates[0].Key)
	require.Equal(t, template.Key{Tenant: "acme", Name: "task-assigned"}, p.Templates[1].Key)
	require.Equal(t, template.FreeMarker, p.Templates[1].Template.Engine)
}

func TestMailTemplatesRefused(t *testing.T) {
	custom := func(html string) string {
		return review(`<modeler:email-template email-template-type="custom" email-template-subject="s"><![CDATA[` + html + `]]></modeler:email-template>`)
	}
	entry := func(value string) string { return `{"templates":{"tasks":{"t":{"assignee":` + value + `}}}}` }
	for name, tc := range map[string]struct {
		files map[string]string
		want  string
	}{
		"syntax":             {map[string]string{"a.mail.html": "Subject: x\n\n{{x}}"}, `a.mail.html: line 3: function "x" not defined`},
		"FreeMarker":         {map[string]string{"a.mail.ftl": "Subject: x\n\n<#macro m>"}, "a.mail.ftl: line 3: <#macro> is not in the subset"},
		"twice":              {map[string]string{"a/x.mail.html": "Subject: x\n\nx", "b/x.mail.ftl": "Subject: x\n\nx"}, "mail template x is in"},
		"of the model":       {map[string]string{"p.bpmn": custom("\n<#assign x=1>")}, "p.bpmn: line 3: user task t: email-template: line 1: <#assign> is not in the subset"},
		"no file":            {map[string]string{"p.bpmn": review(""), "p-extensions.json": entry(`{"type":"file","value":"x.ftl"}`)}, `p-extensions.json: templates.tasks.t.assignee: "x.ftl": there is no such file`},
		"out of the project": {map[string]string{"p.bpmn": review(""), "p-extensions.json": entry(`{"type":"file","value":"../x.ftl"}`)}, `the name of a file in`},
		"a bad file":         {map[string]string{"p.bpmn": review(""), "x.html": "\n${a?cap_first}", "p-extensions.json": entry(`{"type":"file","value":"x.html"}`)}, `templates.tasks.t.assignee: x.html: line 2: "?cap_first" in`},
		"a bad subject":      {map[string]string{"p.bpmn": review(""), "p-extensions.json": entry(`{"type":"variable","value":"v","subject":"${a"}`)}, `templates.tasks.t.assignee: subject: line 1: '}' is missing`},
		"a bad sender":       {map[string]string{"p.bpmn": review(""), "p-extensions.json": entry(`{"type":"variable","value":"v","from":"x"}`)}, `templates.tasks.t.assignee: from: "x" is no address`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, tc.files)
			_, err := Load([]string{dir}, Options{})
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestTaskMailsTravel(t *testing.T) {
	load := func(o Options, files map[string]string) (contract.Definition, *Project) {
		dir := t.TempDir()
		write(t, dir, files)
		p, err := Load([]string{dir}, o)
		require.NoError(t, err)
		return p.Definitions[0], p
	}
	silent := map[string]string{"p.bpmn": review("")}
	asks := map[string]string{"p.bpmn": review("<modeler:allow-send-email>true</modeler:allow-send-email>")}
	of := func(o Options, files map[string]string) string { d, _ := load(o, files); return d.TaskMails }
	require.Empty(t, of(Options{}, silent))
	require.Equal(t, "all", of(Options{TaskMails: "all"}, silent))
	require.Equal(t, "model", of(Options{}, asks))
	require.Empty(t, of(Options{TaskMails: "none"}, asks))
	require.Empty(t, of(Options{}, map[string]string{"p.bpmn": review("<modeler:allow-send-email>false</modeler:allow-send-email>")}))

	require.Equal(t, "model", of(Options{}, map[string]string{"p.bpmn": review(`<modeler:email-template email-template-type="tenant">of the tenant</modeler:email-template>`)}))

	d, p := load(Options{}, map[string]string{
		"processes/p.bpmn": review(""), "templates/mine.mail.html": "Subject: {{.taskName}}\n\n<p>x</p>", "templates/old.ftl": "<p>${taskName}</p>",
		"processes/p-extensions.json": `{"templates":{"tasks":{"t":{"assignee":{"type":"file","value":"templates/mine.mail.html"}}},"default":{"candidate":{"type":"file","value":"templates/old.ftl","subject":"S"}}}}`,
	})
	require.Equal(t, "model", d.TaskMails)
	require.Empty(t, p.Templates, "the model has it for its own")
	require.Empty(t, p.Warnings)
	process, err := definition.Parse(d, 0)
	require.NoError(t, err)
	mails := process.Node("t").User.Mails
	require.Equal(t, "mine.mail.html", mails.Assignee.File)
	require.Contains(t, mails.Assignee.Text, "Subject: {{.taskName}}")
	require.Equal(t, "<p>${taskName}</p>", mails.Candidate.Text)
	require.Equal(t, "S", mails.Candidate.Subject)
}
