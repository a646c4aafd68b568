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
		"triggers/other.json": `{"name":"other","event":{"source":"connector.shop.SOLD","inputs":{}},
			"action":{"source":"shop.PRINT","payload":{"text":"${total}"}}}`,
	})
	p, err := Load([]string{dir}, Options{})
	require.NoError(t, err)
	require.Len(t, p.Warnings, 2)
	require.Len(t, p.Triggers, 2)
	for i, queue := range []string{"connector-shop", "connector-till"} {
		read, err := trigger.Read("t", p.Triggers[i].Raw)
		require.NoError(t, err)
		require.Equal(t, queue == "connector-till", read.Deployment().Answers)
		var binding contract.Binding
		require.NoError(t, json.Unmarshal(read.Deployment().Binding, &binding))
		require.Equal(t, queue, binding.TaskQueue)
		require.Equal(t, connectors.DefaultPolicy().Retry.Attempts, binding.Retry.Attempts)
	}
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
