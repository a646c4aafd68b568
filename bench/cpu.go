package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// cpu is what this process (worker and starter) and its children (the Temporal server) have used so far. Unlike rates, differences of
// it hardly depend on what else runs on the machine.
type cpu struct {
	self, children time.Duration
}

// tick is the unit of /proc/PID/stat (USER_HZ), 10 ms on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// usedCPU returns zeros where there is no /proc.
func usedCPU() cpu {
	u := cpu{self: cpuOf("self")}
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		return u
	}
	for _, list := range lists {
		pids, err := os.ReadFile(list)
		if err != nil {
			continue // a thread that has ended
		}
		for _, pid := range strings.Fields(string(pids)) {
			u.children += cpuOf(pid)
		}
	}
	return u
}

// cpuOf reads user and system time of a process: fields 14 and 15, counted from behind the program's name.
func cpuOf(pid string) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%s/stat", pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(f) < 13 {
		return 0
	}
	var ticks int64
	for _, field := range f[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0
		}
		ticks += n
	}
	return time.Duration(ticks) * tick
}

func (u cpu) since(start cpu) cpu { return cpu{u.self - start.self, u.children - start.children} }
