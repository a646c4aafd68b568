package temporalserver

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

func TestDevserverIsBuiltOnceByManyAtATime(t *testing.T) {
	emptyUserCache(t)
	t.Chdir(checkout(t, "package main\n\nimport \"os\"\n\nfunc main() { os.Stdout.WriteString(\"built\") }\n"))
	paths, progress := make([]string, 3), make([]tail, 3)
	var g errgroup.Group
	for i := range paths {
		g.Go(func() (err error) {
			paths[i], err = devserver(t.Context(), FindOptions{Progress: &progress[i]})
			return err
		})
	}
	require.NoError(t, g.Wait())

	var said strings.Builder
	for i := range paths {
		require.Equal(t, paths[0], paths[i])
		said.WriteString(progress[i].String())
	}
	require.Equal(t, 1, strings.Count(said.String(), "Building a Temporal server"), said.String())
	out, err := exec.Command(paths[0]).Output()
	require.NoError(t, err)
	require.Equal(t, "built", string(out))
}

func TestDevserverThatDoesNotCompile(t *testing.T) {
	emptyUserCache(t)
	root := checkout(t, "package main\n\nfunc main() { no such thing }\n")
	t.Chdir(root)
	_, err := devserver(t.Context(), FindOptions{Progress: t.Output()})
	require.ErrorContains(t, err, "syntax error")
	folder, err := cacheFolder(filepath.Join(root, "testsuite", "devserver"))
	require.NoError(t, err)
	left, err := filepath.Glob(filepath.Join(folder, "devserver*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestDevserverWithoutABuild(t *testing.T) {
	emptyUserCache(t)
	t.Chdir(checkout(t, "package main\n\nfunc main() {}\n"))
	_, err := devserver(t.Context(), FindOptions{NoBuild: true})
	require.ErrorContains(t, err, "go build -C ")
}

func TestLockWaitsSaysSoAndEndsWithTheContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(t.Context(), path, t.Output())
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	var said tail
	done := make(chan error, 1)
	go func() {
		_, err := lock(ctx, path, &said)
		done <- err
	}()
	require.Eventually(t, func() bool { return strings.Contains(said.String(), "waiting") }, waitFor, tick)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)

	unlock()
	again, err := lock(t.Context(), path, t.Output())
	require.NoError(t, err)
	again()
}

func TestTailKeepsTheEnd(t *testing.T) {
	var end tail
	for range 1 + tailSize/100 {
		_, err := end.Write([]byte(strings.Repeat("x", 99) + "\n"))
		require.NoError(t, err)
	}
	_, err := end.Write([]byte("the end"))
	require.NoError(t, err)
	require.Equal(t, tailSize, len(end.String()))
	require.True(t, strings.HasSuffix(end.String(), "x\nthe end"))
}

// emptyUserCache moves the user's cache folder for a test, but not Go's build cache inside it.
func emptyUserCache(t *testing.T) {
	t.Helper()
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	require.NoError(t, err)
	t.Setenv("GOCACHE", strings.TrimSpace(string(out)))
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
}
