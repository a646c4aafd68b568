package temporalserver

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseVersion(t *testing.T) {
	for _, c := range []struct {
		output string
		want   version
		recent bool
	}{
		{"temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)\n", version{1, 29}, true},
		{"temporal version 1.9.1 (Server 1.32.0, UI 2.52.1)\n", version{1, 32}, true},
		{"temporal version 1.4.1 (Server 1.28.0, UI 2.39.0)\n", version{1, 28}, false},
		{"waybill devserver (Server 1.32.1, UI 2.55.0)\n", version{1, 32}, true},
		{"temporal version 3.0.0 (Server 2.0.0, UI 3.0.0)\n", version{2, 0}, true},
	} {
		got, err := parseVersion(c.output)
		require.NoError(t, err, c.output)
		require.Equal(t, c.want, got)
		require.Equal(t, c.recent, got.recent(), c.output)
	}
	_, err := parseVersion("tctl version 1.18.0")
	require.ErrorContains(t, err, "no server version")
}

func TestFindTakesTheProgramThatTheVariableNames(t *testing.T) {
	program := script(t, t.TempDir(), "some-server", "exit 0")
	t.Setenv(PathVariable, program)
	found, err := Find(t.Context(), FindOptions{})
	require.NoError(t, err)
	require.Equal(t, program, found)

	t.Setenv(PathVariable, program+"-missing")
	_, err = Find(t.Context(), FindOptions{})
	require.ErrorContains(t, err, PathVariable)
}

func TestFindTakesARecentTemporal(t *testing.T) {
	t.Setenv(PathVariable, "")
	folder := t.TempDir()
	t.Setenv("PATH", folder)
	program := script(t, folder, "temporal", `echo "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)"`)
	found, err := Find(t.Context(), FindOptions{})
	require.NoError(t, err)
	require.Equal(t, program, found)
}

func TestFindPassesOverAnOldTemporalAndTellsWhatToDo(t *testing.T) {
	t.Setenv(PathVariable, "")
	folder := t.TempDir()
	t.Setenv("PATH", folder)
	script(t, folder, "temporal", `echo "temporal version 1.0.0 (Server 1.24.2, UI 2.28.0)"`)
	t.Chdir(t.TempDir()) // where there is no source of ours
	var progress bytes.Buffer
	_, err := Find(t.Context(), FindOptions{Progress: &progress})
	require.ErrorIs(t, err, errNoSource)
	require.Contains(t, progress.String(), "holds Temporal server 1.24")
}

// script writes an executable shell script.
func script(t *testing.T, folder, name, body string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o755))
	return path
}
