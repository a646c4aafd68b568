// Package e2e_test breaks things under a running Waybill: workers are killed, servers restarted, passwords changed,
// connections silenced. It runs the real programs as processes against a Temporal server that keeps its state in a file,
// a Dovecot for the mail that comes in and an SMTP server for the answers, and asks what a customer would: was every
// mail handled, and none twice?
//
// Every test has an installation of its own. The tests are skipped where Dovecot or a program with a Temporal server
// is missing, and fail there when the environment has CI=true.
package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// programs builds the worker and the command line once in a run, for the first test that wants them, and returns the
// folder that they are in.
var programs = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "waybill-e2e-")
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "./worker", "./starter")
	build.Dir = filepath.Join("..", "..")
	if output, err := build.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("%v: %w\n%s", build.Args, err, output)
	}
	built = dir
	return dir, nil
})

var built string // by programs; "" when no test wanted it

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		_ = os.RemoveAll(built)
	}
	os.Exit(code)
}
