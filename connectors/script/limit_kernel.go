//go:build linux && !race

package script

import (
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// limitData has the kernel refuse memory beyond what the process has and that much more. RLIMIT_DATA counts what can be written and is
// private, and so not what the Go runtime only reserves.
func limitData(more uint64) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return
	}
	for line := range bytes.Lines(status) {
		fields := bytes.Fields(line)
		if len(fields) == 3 && string(fields[0]) == "VmData:" {
			kilobytes, err := strconv.ParseUint(string(fields[1]), 10, 64)
			if err == nil {
				most := kilobytes<<10 + more
				_ = unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: most, Max: most})
			}
		}
	}
}
