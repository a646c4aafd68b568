package skeleton

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSkeletonWorks writes connectors into this module and runs their tests.
func TestSkeletonWorks(t *testing.T) {
	dir, err := os.MkdirTemp(".", "_made-by-test-") // which ./... passes over
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	for _, name := range []string{"order-desk", "go"} { // go can name no package
		written, err := Write(dir, name)
		require.NoError(t, err)
		require.Equal(t, []string{
			filepath.Join(dir, name, name+".json"), filepath.Join(dir, name, "doc.go"), filepath.Join(dir, name, name+".go"), filepath.Join(dir, name, name+"_test.go"),
		}, written)
	}
	for _, args := range [][]string{{"vet"}, {"test", "-count=1"}} {
		output, err := exec.CommandContext(t.Context(), "go", append(args, "./"+dir+"/order-desk", "./"+dir+"/go")...).CombinedOutput()
		require.NoError(t, err, "%s", output)
	}
	formatted, err := exec.CommandContext(t.Context(), "gofmt", "-l", dir).CombinedOutput()
	require.NoError(t, err)
	require.Empty(t, string(formatted))
}

func TestRefuses(t *testing.T) {
	dir := t.TempDir()
	_, err := Write(dir, "Orders")
	require.ErrorContains(t, err, `"Orders" is not a connector name`)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "orders"), 0o700))
	_, err = Write(dir, "orders")
	require.ErrorContains(t, err, "is there already")
	_, err = Write(dir, "../orders")
	require.ErrorContains(t, err, "is not a connector name")
}
