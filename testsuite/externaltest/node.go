package externaltest

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/testsuite/process"
)

// Node is a program of Node.js, which ends with the test.
type Node struct {
	t      testing.TB
	cmd    *exec.Cmd
	in     io.WriteCloser
	ended  chan struct{}
	err    error          // how it ended
	output process.Output // both of its outputs
	read   int            // bytes that Await has been through
}

// Installed skips a test without Node.js, or without a package in the node_modules of a folder; with CI=true it fails it.
func Installed(t testing.TB, dir, needs string) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		process.Missing(t, "Node.js is not installed")
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", needs)); err != nil {
		full, _ := filepath.Abs(dir)
		process.Missing(t, needs+" is not installed: npm ci --ignore-scripts --prefix "+full)
	}
}

// StartNode runs a script in a folder that has the package that it needs. What it says is shown when the test fails.
func StartNode(t testing.TB, dir, needs, script string, args ...string) *Node {
	t.Helper()
	Installed(t, dir, needs)
	n := &Node{t: t, cmd: exec.Command("node", append([]string{script}, args...)...), ended: make(chan struct{})}
	n.cmd.Dir, n.cmd.Stdout, n.cmd.Stderr = dir, &n.output, &n.output
	var err error
	n.in, err = n.cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, n.cmd.Start())
	go func() {
		n.err = n.cmd.Wait()
		close(n.ended)
	}()
	t.Cleanup(func() {
		n.Kill()
		if t.Failed() {
			t.Logf("%v said:\n%s", n.cmd.Args, &n.output)
		}
	})
	return n
}

// Kill ends it as the kernel does when memory is short.
func (n *Node) Kill() {
	_ = n.cmd.Process.Kill() // it may have ended
	<-n.ended
}

// Ended waits until it ends by itself, and returns how: *exec.ExitError, or nil for the exit code 0.
func (n *Node) Ended() error {
	n.t.Helper()
	select {
	case <-n.ended:
	case <-time.After(patience):
		require.FailNow(n.t, "the program does not end")
	}
	return n.err
}

// Say writes a line to it.
func (n *Node) Say(line string) {
	n.t.Helper()
	_, err := fmt.Fprintln(n.in, line)
	require.NoError(n.t, err)
}

// Said is how often it has said a text so far.
func (n *Node) Said(text string) int { return strings.Count(n.output.String(), text) }

// Says waits until it has said a text so often.
func (n *Node) Says(text string, times int) {
	n.t.Helper()
	n.until(text, func() bool { return n.Said(text) >= times })
}

// Await waits for a line that starts with a prefix, after the one that was awaited before, and returns the rest of it.
func (n *Node) Await(prefix string) (rest string) {
	n.t.Helper()
	n.until(prefix, func() bool {
		for line := range strings.Lines(n.output.String()[n.read:]) {
			if !strings.HasSuffix(line, "\n") {
				break // more of it will come
			}
			n.read += len(line)
			var found bool
			if rest, found = strings.CutPrefix(strings.TrimSuffix(line, "\n"), prefix); found {
				return true
			}
		}
		return false
	})
	return rest
}

// until polls for what it says, which a program that has ended will not say any more.
func (n *Node) until(text string, said func() bool) {
	n.t.Helper()
	for late := time.Now().Add(patience); ; {
		over := false
		select {
		case <-n.ended:
			over = true
		case <-time.After(tick):
		}
		if said() {
			return
		}
		require.False(n.t, over, "the program has ended before it said %q", text)
		require.True(n.t, time.Now().Before(late), "the program did not say %q", text)
	}
}
