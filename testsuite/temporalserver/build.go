package temporalserver

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
)

// progressInterval is how often a build says that it is alive.
const progressInterval = 10 * time.Second

// devserver returns our own server program, and builds it if these sources never were built.
func devserver(ctx context.Context, o FindOptions) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the sources of the devserver: %w", err)
	}
	src, err := sourceFolder(ctx, dir)
	if err != nil {
		return "", err
	}
	folder, err := cacheFolder(src)
	if err != nil {
		return "", err
	}
	binary := filepath.Join(folder, "devserver")
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	if exists(binary) {
		return binary, nil
	}
	if o.NoBuild {
		return "", fmt.Errorf("no Temporal server program: install Temporal's command line, or build ours once with "+
			"`go build -C %s -o %s .`", src, binary)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", fmt.Errorf("create the folder for the devserver: %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(folder, "lock"), o.Progress)
	if err != nil {
		return "", fmt.Errorf("wait for the build of the devserver: %w", err)
	}
	defer unlock()
	if exists(binary) { // built by whom we waited for
		return binary, nil
	}
	return binary, build(ctx, src, binary, o.Progress)
}

// build compiles into a file beside the target and renames it, so that a target is always whole.
func build(ctx context.Context, src, target string, progress io.Writer) error {
	fmt.Fprintln(progress, "Building a Temporal server for development, once. With an empty Go build cache this takes about 9 minutes on 2 cores;")
	fmt.Fprintln(progress, "a recent `temporal` on the PATH (https://docs.temporal.io/cli) would be used instead.")
	began := time.Now()
	all, err := goCommand(ctx, src, "list", "-deps", ".").Output()
	if err != nil {
		return fmt.Errorf("list the packages of %s: %w", src, explain(err))
	}
	total := strings.Count(string(all), "\n")

	part := fmt.Sprintf("%s.%d.part", target, os.Getpid())
	defer os.Remove(part) // after success it is not there any more
	compile := goCommand(ctx, src, "build", "-v", "-ldflags=-s -w", "-o", part, ".")
	output, err := compile.StderrPipe()
	if err != nil {
		return err
	}
	if err := compile.Start(); err != nil {
		return fmt.Errorf("start the build of the devserver: %w", err)
	}
	var compiled atomic.Int64
	stop := every(progressInterval, func() {
		fmt.Fprintf(progress, "  %s: compiled %d of at most %d packages\n", time.Since(began).Round(time.Second), compiled.Load(), total)
	})
	complaints := readBuild(output, &compiled)
	err = compile.Wait()
	stop()
	if err != nil {
		return fmt.Errorf("build the devserver in %s: %w\n%s", src, err, complaints)
	}
	if err := os.Rename(part, target); err != nil {
		return fmt.Errorf("put the devserver in its place: %w", err)
	}
	fmt.Fprintf(progress, "Built %s in %s.\n", target, time.Since(began).Round(time.Second))
	return nil
}

// goCommand runs in the nested module and in no workspace. An interrupted go command ends its compilers with it.
func goCommand(ctx context.Context, dir string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, "go", args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GOWORK=off")
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = 10 * time.Second
	return c
}

// readBuild counts the import paths that "go build -v" prints as it compiles, and keeps the last of everything else.
func readBuild(r io.Reader, compiled *atomic.Int64) string {
	var rest tail
	defer io.Copy(io.Discard, r) //nolint:errcheck // a line beyond all bounds must not block the build
	for lines := bufio.NewScanner(r); lines.Scan(); {
		switch line := lines.Text(); {
		case !strings.ContainsAny(line, " \t"):
			compiled.Add(1)
		case strings.HasPrefix(line, "go: downloading "):
		default:
			fmt.Fprintln(&rest, line)
		}
	}
	return rest.String()
}

// every calls f at intervals until stop is called; stop waits for a call that is under way.
func every(interval time.Duration, f func()) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		t := time.NewTicker(interval)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				f()
			case <-quit:
				return
			}
		}
	}()
	return func() { close(quit); <-done }
}

// explain adds what a command said on its standard error.
func explain(err error) error {
	if e, ok := err.(*exec.ExitError); ok && len(e.Stderr) > 0 {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(e.Stderr)))
	}
	return err
}

func exists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
