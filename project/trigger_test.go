package project

import (
	"encoding/json"
	"os"
	"path/filepath"
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
