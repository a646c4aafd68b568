package rebuild_test

import (
	"bytes"
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/events"
)

// What docs/rebuilding-events.md tells to do.
func TestCommands(t *testing.T) {
	i := install(t)
	i.deploy()
	require.NoError(t, i.order(t.Context(), "order/1", false))
	require.NoError(t, i.order(t.Context(), "order/2", true))
	i.indexed()
	program := filepath.Join(t.TempDir(), "starter")
	built, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../starter").CombinedOutput()
	require.NoError(t, err, string(built))
	starter := func(code int, args ...string) (out string) {
		t.Helper()
		c := exec.CommandContext(t.Context(), program, append([]string{"--temporal-address", i.Temporal, "events"}, args...)...)
		var stdout, stderr bytes.Buffer
		c.Stdout, c.Stderr = &stdout, &stderr
		_ = c.Run()
		t.Logf("$ starter events %s\n%s%s", strings.Join(args, " "), stdout.String(), stderr.String())
		require.Equal(t, code, c.ProcessState.ExitCode(), stderr.String())
		return stdout.String() + stderr.String()
	}
	starter(0, "verify", "--settle", "0s")
	r, err := esapi.DeleteRequest{Index: i.store.Alias("", events.ProcessInstances), DocumentID: "order%2F1", Refresh: "true"}.Do(t.Context(), index.Client(t))
	require.NoError(t, err)
	_ = r.Body.Close()
	require.Contains(t, starter(1, "verify", "--settle", "0s"), "missing in process-instances: order/1")
	require.Contains(t, starter(1, "verify", "--settle", "0s", "--instance", "order/1"), "missing in process-instances: order/1")
	require.Contains(t, starter(0, "rebuild"), "searches see generation 2 now")
	require.Contains(t, starter(0, "rebuild", "--follow"), "searches see generation 2 now")
	starter(0, "verify", "--settle", "0s")
	require.Contains(t, starter(0, "drop-old"), "dropped generation 1")

	require.Equal(t, 2, strings.Count(starter(0, "export", "--kind", "task"), "\n"))
	file := filepath.Join(t.TempDir(), "tasks.csv")
	starter(0, "export", "--kind", "task", "--format", "csv", "--from", time.Now().Add(-time.Hour).UTC().Format(time.RFC3339), "--file", file)
	text, err := os.Open(file)
	require.NoError(t, err)
	defer func() { _ = text.Close() }()
	rows, err := csv.NewReader(text).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 3)
	i.archive(t.Context())
	require.GreaterOrEqual(t, strings.Count(starter(0, "export", "--archive", "--kind", "task"), "\n"), 2)
	require.Contains(t, starter(0, "rebuild", "--since", "2026-01-01"), "were missing or older")

	// What was indexed before there was an archive.
	_, err = i.store.Write(t.Context(), ancient(1))
	require.NoError(t, err)
	require.NoError(t, i.store.Refresh(t.Context(), "", 0))
	require.Contains(t, starter(1, "rebuild"), "1 documents of the index are older")
	_, err = i.client.AlsoIndex(t.Context(), contract.AlsoIndex{IndexTarget: contract.IndexTarget{Generation: 2}}) // as a rebuild that was terminated leaves it
	require.NoError(t, err)
	require.Contains(t, starter(0, "rebuild", "--allow-loss"), "1 documents of the indexes before are not in the new ones")
	state, err := i.client.IndexerState(t.Context())
	require.NoError(t, err)
	require.Empty(t, state.Also)
}
