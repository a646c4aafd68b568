package script

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// Argument is the only argument of a process that runs a script.
const Argument = "run-script"

// Host is the path of the program whose main calls Child.
const Host = "github.com/waybill-io/waybill/worker"

// request is what a process is told, as JSON on its standard input, which stays open: its end means that nobody waits any more.
type request struct {
	Script    string         `json:"script"`
	Variables map[string]any `json:"variables"`
	Memory    int            `json:"memory"`    // MiB
	MaxResult int            `json:"maxResult"` // bytes
}

// answer is what it says before it ends, as JSON on its standard output.
type answer struct {
	Result  json.RawMessage `json:"result,omitempty"`
	Log     []string        `json:"log,omitempty"`
	Code    string          `json:"code,omitempty"` // "": it has a result
	Message string          `json:"message,omitempty"`
}

// itself is this program, as it was when it started, if it runs scripts.
func itself() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Path != Host {
		return ""
	}
	const running = "/proc/self/exe" // there after an upgrade, too
	if _, err := os.Stat(running); err == nil {
		return running
	}
	path, _ := os.Executable()
	return path
}

// run runs a script in a process and kills it when its time is over.
func (c *connector) run(ctx context.Context, r request) (answer, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return answer{}, broken(err)
	}
	within, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	process := exec.CommandContext(within, c.runner, Argument)
	process.Env = []string{"GOMAXPROCS=2", "GOTRACEBACK=none"} // none of ours, which may hold secrets
	process.WaitDelay = time.Second
	stdout, stderr := &bounded{left: 2*c.maxResult + maxLog + 64<<10}, &bounded{left: 4 << 10}
	process.Stdout, process.Stderr = stdout, stderr
	stdin, err := process.StdinPipe()
	if err != nil {
		return answer{}, broken(err)
	}
	if err := process.Start(); err != nil {
		return answer{}, broken(fmt.Errorf("start %s: %w", c.runner, err))
	}
	timer := time.AfterFunc(c.timeout, func() { cancel(errTime) })
	defer timer.Stop()
	go func() { _, _ = stdin.Write(text) }() // ends with the process
	ended := process.Wait()
	switch {
	case ctx.Err() != nil:
		return answer{}, late(ctx)
	case errors.Is(context.Cause(within), errTime):
		return answer{Code: codeTime}, nil
	case refusedMemory(stderr.String()):
		return answer{Code: codeMemory}, nil
	}
	var a answer
	if err := json.Unmarshal(stdout.Bytes(), &a); err != nil {
		return answer{}, broken(errors.Join(ended, err, errors.New(stderr.String())))
	}
	return a, nil
}

// refusedMemory reads the last words of the Go runtime.
func refusedMemory(text string) bool {
	return slices.ContainsFunc([]string{"out of memory", "cannot allocate memory", "SIGSEGV"}, func(sign string) bool { return strings.Contains(text, sign) })
}

var errTime = errors.New("the time of the script is over")

// bounded keeps what is written to it up to a size, and takes the rest.
type bounded struct {
	bytes.Buffer
	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	kept := min(len(p), b.left)
	b.left -= kept
	_, _ = b.Buffer.Write(p[:kept])
	return len(p), nil
}

var _ io.Writer = (*bounded)(nil)
