package e2e_test

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// worker is a worker process with all roles.
type worker struct {
	t      *testing.T
	cmd    *exec.Cmd
	output output
	ended  chan struct{}
	err    error // how it ended; read it after ended
}

// output keeps what a process says; the beginning of much.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

const mostOutput = 256 << 10

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.text.Len() < mostOutput {
		o.text.Write(p)
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// startWorker starts a worker, which takes up its work within a second or two. It is killed at the end of the test.
func (i *installation) startWorker(flags ...string) *worker {
	i.t.Helper()
	dir, err := programs()
	require.NoError(i.t, err)
	w := &worker{t: i.t, ended: make(chan struct{})}
	w.cmd = exec.Command(filepath.Join(dir, "worker"), append([]string{
		"--temporal-address", i.temporal.Address, "--files", i.filesURL(), "--gateway", "127.0.0.1:0", "--log-level", "warn",
	}, flags...)...)
	w.cmd.Env = append(append(w.cmd.Environ(), i.environment...), "EMAIL_HOST="+i.smtpHost, "EMAIL_PORT="+i.smtpPort,
		"TMPDIR="+filepath.Join(i.dir, "none")) // a folder for temporary files is seldom on the file system of the blob store
	w.cmd.Stdout, w.cmd.Stderr = &w.output, &w.output
	require.NoError(i.t, w.cmd.Start())
	go func() {
		w.err = w.cmd.Wait()
		close(w.ended)
	}()
	i.t.Cleanup(func() {
		w.signal(syscall.SIGKILL)
		if i.t.Failed() {
			i.t.Logf("worker %s:\n%s", w.name(), &w.output)
		}
	})
	return w
}

// kill ends a worker as a crash does.
func (w *worker) kill() {
	w.t.Helper()
	select {
	case <-w.ended:
		w.t.Fatalf("worker %s had ended by itself: %v", w.name(), w.err)
	default:
	}
	w.signal(syscall.SIGKILL)
}

// stop ends a worker as an administrator does.
func (w *worker) stop() {
	w.t.Helper()
	w.signal(syscall.SIGTERM)
	require.NoError(w.t, w.err, "worker %s", w.name())
}

func (w *worker) signal(s syscall.Signal) {
	w.t.Helper()
	_ = w.cmd.Process.Signal(s) // it may have ended
	select {
	case <-w.ended:
	case <-time.After(patience):
		_ = w.cmd.Process.Kill()
		<-w.ended
		w.t.Errorf("worker %s did not end", w.name())
	}
}

// name begins the identity that Temporal knows the worker by: "PID@HOST".
func (w *worker) name() string { return strconv.Itoa(w.cmd.Process.Pid) + "@" }
