package elasticsearch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Serve runs a server on a port of 127.0.0.1 until ctx is done: with neither TLS nor accounts, and data in a folder that the next one finds
// again. It is for development: what the package's own server lacks, it lacks as well.
func (i Installation) Serve(ctx context.Context, dir string, port int, output io.Writer) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("elasticsearch: find folder %s: %w", dir, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("elasticsearch: make the folder of the server: %w", err)
	}
	settings := i.settings(dir, false)
	settings["http.port"], settings["transport.port"] = strconv.Itoa(port), "0"
	if err := configure(dir, settings); err != nil {
		return fmt.Errorf("elasticsearch: configure the server: %w", err)
	}
	c := i.command(ctx, dir, i.quick()...)
	c.Stdout, c.Stderr = output, output
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 30 * time.Second
	if _, err := c.StdinPipe(); err != nil { // the server ends when it does
		return fmt.Errorf("elasticsearch: %w", err)
	}
	err = c.Run()
	if _, ended := errors.AsType[*exec.ExitError](err); ended && ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("elasticsearch: run the server on port %d: %w", port, err)
	}
	return nil
}
