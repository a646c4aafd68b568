package project

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/trigger"
)

// files writes the files of a project.
func files(t *testing.T, contents map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range contents {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	return dir
}

const till = `{"name":"till","actions":{"p":{"id":"p","name":"PRINT","inputs":[{"id":"t","name":"text","type":"string","required":true}]}},
	"events":{"s":{"id":"s","name":"SOLD","inputs":[{"id":"1","name":"status","type":"integer"}],"outputs":[{"id":"1","name":"total","type":"integer"}]}}}`

// Whoever fires a trigger has no definitions: what it must know of them is stored with the trigger.
func TestTriggerKnowsItsConnectors(t *testing.T) {
	dir := files(t, map[string]string{
		"connectors/till.json": till,
		"triggers/print.json": `{"name":"print","event":{"source":"connector.till.SOLD","inputs":{"status":202}},
			"action":{"source":"till.PRINT","payload":{"text":"${total}"}}}`,
		"triggers/echo.json": `{"name":"zecho","event":{"source":"connector.shop.SOLD","inputs":{"echo":"Thanks"}},
			"action":{"source":"till.PRINT","payload":{"text":"${total}"}}}`,
		"triggers/mail.json": `{"name":"zmail","event":{"source":"connector.support.EMAIL_RECEIVED","inputs":{"pattern":"x","echoError":"Sorry"}},
			"action":{"source":"command-consumer","payload":{"payloadType":"StartMessagePayload","name":"m"}}}`,
		"connectors/shop.json": `{"name":"shop","actions":{"p":{"id":"p","name":"PRINT","inputs":[{"id":"t","name":"text","type":"string"}]}},
			"events":{"s":{"id":"s","name":"SOLD","inputs":[{"id":"1","name":"echo","type":"string"}],"outputs":[{"id":"1","name":"total","type":"integer"}]}},
			"config":[{"name":"CALL_ATTEMPTS","value":"3"},{"name":"CALL_UNCLAIMED","value":"1m"}]}`,
		"triggers/other.json": `{"name":"other","event":{"source":"connector.shop.SOLD","inputs":{}},
			"action":{"source":"shop.PRINT","payload":{"text":"${total}"}}}`,
	})
	email := connectors.MustParseDefinition("email.json", []byte(`{"name":"email","actions":{"s":{"id":"s","name":"SEND"}},"config":[{"name":"CALL_ATTEMPTS","value":"20"}]}`))
	p, err := Load([]string{dir}, Options{BuiltIn: []*connectors.Definition{email}})
	require.NoError(t, err)
	deployed := map[string]trigger.Deployment{}
	for _, each := range p.Triggers {
		read, err := trigger.Read("t", each.Raw)
		require.NoError(t, err)
		deployed[each.Name] = read.Deployment()
	}
	require.True(t, deployed["print"].Answers)
	require.False(t, deployed["other"].Answers)
	bound := func(noted json.RawMessage) (queue string, attempts int, unclaimed int64) {
		t.Helper()
		var b contract.Binding
		require.NoError(t, json.Unmarshal(noted, &b))
		return b.TaskQueue, b.Retry.Attempts, b.UnclaimedMS
	}
	for _, test := range []struct {
		noted     json.RawMessage
		queue     string
		attempts  int
		unclaimed int64
	}{
		{deployed["print"].Binding, "connector-till", 10, 3_600_000},
		{deployed["other"].Binding, "connector-shop", 3, 60_000},
		{deployed["zecho"].Binding, "connector-till", 10, 3_600_000},
		{deployed["zecho"].Echo, "connector-shop", 3, 60_000},
		{deployed["zmail"].Echo, contract.ConnectorQueue, 20, 0},
	} {
		queue, attempts, unclaimed := bound(test.noted)
		require.Equal(t, test.queue, queue)
		require.Equal(t, test.attempts, attempts, queue)
		require.Equal(t, test.unclaimed, unclaimed, queue)
	}
	require.Nil(t, deployed["print"].Echo)
	require.Nil(t, deployed["zmail"].Binding)
}

func TestTriggerRefused(t *testing.T) {
	for file, want := range map[string]string{
		`{"name":"a","event":{"source":"connector.till.SOLD","inputs":{}},"action":{"source":"till.PRINT","payload":{}}}`:                                                                  "text: is required by till.PRINT",
		`{"name":"a","event":{"source":"timer.a.TIMER_FIRED","inputs":{"cron":"0 8 * * *","timeZone":"Europe/Berlln"}},"action":{"source":"till.PRINT","payload":{"text":""}}}`:            `"Europe/Berlln" is not in the time zone database`,
		`{"name":"a","event":{"source":"timer.a.TIMER_FIRED","inputs":{"cron":"0 8 * * *","timeZone":"Local"}},"action":{"source":"till.PRINT","payload":{"text":"x"}}}`:                   `"Local" is not in the time zone database`,
		`{"name":"a","event":{"source":"connector.till.SOLD","inputs":{}},"action":{"source":"till.PRINT","payload":{"text":""}},"deployed":{"binding":{"taskQueue":"connector-others"}}}`: "deployed: unknown field",
	} {
		_, err := Load([]string{files(t, map[string]string{"connectors/till.json": till, "triggers/a.json": file})}, Options{})
		require.ErrorContains(t, err, want)
	}
}

func TestScriptsOfTriggers(t *testing.T) {
	file := func(name string) string {
		return `{"name":"t","event":{"source":"connector.till.SOLD","inputs":{}},"action":{"source":"command-consumer",
			"payload":{"payloadType":"ScriptPayload","scriptName":"` + name + `","scriptId":"1","variables":{"total":"${total}"}}}}`
	}
	builtIn := []*connectors.Definition{{Name: "script", Policy: connectors.DefaultPolicy(), Actions: []connectors.Feature{{Name: "RUN"}}}}
	for name, test := range map[string]struct {
		files map[string]string
		name  string
		want  string // error
	}{
		"js":             {map[string]string{"scripts/double.js": "total * 2"}, "double", ""},
		"of a tool":      {map[string]string{"scripts/double.bin": "total * 2"}, "double", ""},
		"missing":        {nil, "double", "scripts/double.js is not there"},
		"syntax":         {map[string]string{"scripts/double.js": "total *"}, "double", "double.js: JavaScript, line 1:8 Unexpected end of input"},
		"outside":        {map[string]string{"double.js": "1"}, "../double", "is not the name of a script"},
		"large":          {map[string]string{"scripts/double.js": strings.Repeat(" ", maxScript+1)}, "double", "at most 65536 are allowed"},
		"another script": {map[string]string{"scripts/double.js": "1", "scripts/other.js": "2"}, "double", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			all := map[string]string{"triggers/t.json": file(test.name)}
			maps.Copy(all, test.files)
			write(t, dir, all)
			p, err := Load([]string{dir}, Options{BuiltIn: builtIn})
			if test.want != "" {
				require.ErrorContains(t, err, test.want)
				return
			}
			require.NoError(t, err)
			require.Len(t, p.Triggers, 1)
			require.Contains(t, string(p.Triggers[0].Raw), `"script":"`)
			require.Contains(t, string(p.Triggers[0].Raw), `"taskQueue":"waybill"`)
			unused := strings.Contains(strings.Join(p.Warnings, "\n"), "other.js: ignored: a script")
			require.Equal(t, name == "another script", unused)
			require.NotContains(t, strings.Join(p.Warnings, "\n"), "double.js: ignored")
		})
	}
}

// Rules of alerts may lie beside the rest, and are deployed by a command of their own.
func TestRulesOfAlertsAreTold(t *testing.T) {
	p, err := Load([]string{files(t, map[string]string{
		"rule.json": `{"name": "r", "actions": [{"ignore": true}]}`,
		"p.bpmn": `<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t"><process id="p" isExecutable="true">
			<startEvent id="s"/><sequenceFlow id="f" sourceRef="s" targetRef="e"/><endEvent id="e"/></process></definitions>`,
	})}, Options{})
	require.NoError(t, err)
	require.Len(t, p.Warnings, 1)
	require.Contains(t, p.Warnings[0], "rule.json: ignored: a rule of alerts, which is not deployed with a project: put it with `starter alert rule put`")
}
