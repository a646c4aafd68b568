package process

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// Process is a program that runs, with its children.
type Process struct {
	t      testing.TB
	name   string
	group  int
	exited chan struct{}
}

// Start starts a program in a group of its own. What it says is appended to the file log.
func Start(t testing.TB, c *exec.Cmd, log string) *Process {
	t.Helper()
	output, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	Check(t, err)
	defer func() { _ = output.Close() }()
	c.Stdout, c.Stderr = output, output
	if c.SysProcAttr == nil {
		c.SysProcAttr = &syscall.SysProcAttr{}
	}
	c.SysProcAttr.Setpgid = true
	Check(t, c.Start())
	p := &Process{t: t, name: c.Path, group: c.Process.Pid, exited: make(chan struct{})}
	go func() {
		_ = c.Wait()
		close(p.exited)
	}()
	return p
}

// Wait waits until the program is ready. The test ends when the program does, or when it takes longer than patience.
func (p *Process) Wait(patience time.Duration, ready func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); !ready(); {
		select {
		case <-p.exited:
			p.t.Fatalf("%s ended while it started", p.name)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%s did not answer within %s", p.name, patience)
		}
	}
}

// End sends a signal, and kills what does not heed it. It returns when nothing of the program is left. nil has ended already.
func (p *Process) End(signal syscall.Signal) {
	if p == nil {
		return
	}
	_ = syscall.Kill(-p.group, signal)
	select {
	case <-p.exited:
	case <-time.After(30 * time.Second):
	}
	_ = syscall.Kill(-p.group, syscall.SIGKILL)
	<-p.exited
	// A child may die after it. One that nobody reaps is there forever, and does no harm.
	for deadline := time.Now().Add(time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if err := syscall.Kill(-p.group, 0); errors.Is(err, syscall.ESRCH) {
			return
		}
	}
}
