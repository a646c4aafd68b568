package temporalserver

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"time"
)

// PathVariable is the environment variable that names the server program and overrides the search for one.
const PathVariable = "WAYBILL_TEMPORAL_SERVER"

// The oldest server whose API Waybill can work with.
const oldestMajor, oldestMinor = 1, 29

// FindOptions is nil-safe: its zero value builds when there is no other way, and says nothing.
type FindOptions struct {
	Progress io.Writer // told what is found and how a build proceeds, in lines for a person
	NoBuild  bool      // take a devserver that was built before, but do not build one
}

// Find returns the path of a program that takes "server start-dev" (see the package comment for the order). It blocks
// while the program is built, which takes minutes the first time; ctx ends that.
func Find(ctx context.Context, o FindOptions) (string, error) {
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	if path := os.Getenv(PathVariable); path != "" {
		found, err := exec.LookPath(path)
		if err != nil {
			return "", fmt.Errorf("%s=%s: %w", PathVariable, path, err)
		}
		return found, nil
	}
	if path, err := exec.LookPath("temporal"); err == nil {
		version, err := serverVersion(ctx, path)
		switch {
		case err != nil:
			fmt.Fprintf(o.Progress, "%s is not used: %v\n", path, err)
		case !version.recent():
			fmt.Fprintf(o.Progress, "%s is not used: it holds Temporal server %s, and %d.%d is the oldest that will do\n",
				path, version, oldestMajor, oldestMinor)
		default:
			return path, nil
		}
	}
	return devserver(ctx, o)
}

type version struct{ major, minor int }

// serverVersion asks a "temporal" (or devserver) program for the version of the server in it.
func serverVersion(ctx context.Context, path string) (version, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "--version").CombinedOutput()
	if err != nil {
		return version{}, fmt.Errorf("ask for its version: %w", err)
	}
	return parseVersion(string(out))
}

var serverVersionPattern = regexp.MustCompile(`\(Server (\d+)\.(\d+)\.`)

// parseVersion reads "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)".
func parseVersion(s string) (version, error) {
	m := serverVersionPattern.FindStringSubmatch(s)
	if m == nil {
		return version{}, fmt.Errorf("no server version in %.80q", s)
	}
	major, err := strconv.Atoi(m[1])
	if err != nil {
		return version{}, err
	}
	minor, err := strconv.Atoi(m[2])
	return version{major, minor}, err
}

func (v version) recent() bool {
	return v.major > oldestMajor || v.major == oldestMajor && v.minor >= oldestMinor
}

func (v version) String() string { return fmt.Sprintf("%d.%d", v.major, v.minor) }
