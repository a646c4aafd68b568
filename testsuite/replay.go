package testsuite

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"

	"github.com/waybill-io/waybill/definition"
	"github.com/waybill-io/waybill/workflows"
)

// Replay runs recorded histories, as `starter history ID > FILE` writes them, through the workflows of this version. An error
// means that instances which run now would break on an upgrade: it names every file that does not replay. A pattern
// that matches no file is an error too.
func Replay(patterns ...string) error {
	replayer := worker.NewWorkflowReplayer()
	workflows.Register(replayer, &definition.Cache{})
	quiet := log.NewStructuredLogger(slog.New(slog.DiscardHandler))
	var errs []error
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err == nil && len(files) == 0 {
			err = errors.New("no such file")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("replay %s: %w", pattern, err))
		}
		for _, file := range files {
			if err := replayer.ReplayWorkflowHistoryFromJSONFile(quiet, file); err != nil {
				errs = append(errs, fmt.Errorf("replay %s: %w", file, err))
			}
		}
	}
	return errors.Join(errs...)
}
