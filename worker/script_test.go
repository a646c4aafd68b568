package main

import (
	"debug/buildinfo"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/connectortest"
	"github.com/waybill-io/waybill/connectors/script"
)

// TestWorkerRunsScripts: the connector script starts the worker itself, which it knows by its path.
func TestWorkerRunsScripts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "worker")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	info, err := buildinfo.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, script.Host, info.Path)

	template := script.Template()
	settings := connectortest.Settings(template.Definition, map[string]string{"SCRIPT_RUNNER": path, "SCRIPT_TIMEOUT": "60s"})
	c, err := template.Make(connectors.Instance{Definition: template.Definition, Settings: settings})
	require.NoError(t, err)
	outputs, err := connectors.Do(t.Context(), c, connectors.Call{Action: "RUN", IdempotencyKey: "k", Inputs: map[string]any{"script": "1 + 1"}})
	require.NoError(t, err)
	require.Equal(t, int64(2), outputs["result"])
}
