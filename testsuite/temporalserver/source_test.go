package temporalserver

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSourceFolderFromAFolderBelow(t *testing.T) {
	root := checkout(t, "package main\nfunc main() {}\n")
	below := filepath.Join(root, "examples", "orders")
	require.NoError(t, os.MkdirAll(below, 0o755))
	src, err := sourceFolder(t.Context(), below)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(root, "testsuite", "devserver"), src)
}

func TestSourceFolderByAReplaceOfTheModule(t *testing.T) {
	root := checkout(t, "package main\nfunc main() {}\n")
	app := t.TempDir()
	write(t, filepath.Join(app, "go.mod"), "module example.com/app\n\ngo 1.26\n\nrequire "+modulePath+" v0.0.0\n\nreplace "+modulePath+" => "+root+"\n")
	src, err := sourceFolder(t.Context(), app)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(root, "testsuite", "devserver"), src)
}

func TestCacheFolderFollowsTheSources(t *testing.T) {
	src := filepath.Join(checkout(t, "package main\nfunc main() {}\n"), "testsuite", "devserver")
	before, err := cacheFolder(src)
	require.NoError(t, err)

	write(t, filepath.Join(src, "main_test.go"), "package main\n")
	write(t, filepath.Join(src, "notes.txt"), "nothing\n")
	same, err := cacheFolder(src)
	require.NoError(t, err)
	require.Equal(t, before, same, "tests and notes do not change the program")

	write(t, filepath.Join(src, "go.sum"), "another\n")
	after, err := cacheFolder(src)
	require.NoError(t, err)
	require.NotEqual(t, before, after)
}

// checkout makes a module of Waybill's name with a devserver of one file, and returns its root.
func checkout(t *testing.T, main string) string {
	t.Helper()
	root := t.TempDir()
	write(t, filepath.Join(root, "go.mod"), "module "+modulePath+"\n\ngo 1.26\n")
	src := filepath.Join(root, "testsuite", "devserver")
	require.NoError(t, os.MkdirAll(src, 0o755))
	write(t, filepath.Join(src, "go.mod"), "module "+modulePath+"/testsuite/devserver\n\ngo 1.26\n")
	write(t, filepath.Join(src, "main.go"), main)
	return root
}

func write(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
}
