package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// machine is where a run took place.
type machine struct {
	Cores int       `json:"cores"`
	CPU   string    `json:"cpu,omitempty"`
	Load  string    `json:"load,omitempty"` // averages over 1, 5 and 15 minutes at the start
	Go    string    `json:"go"`
	OS    string    `json:"os"`
	At    time.Time `json:"at"`
}

// thisMachine leaves empty what the system does not tell in Linux's way.
func thisMachine() machine {
	m := machine{
		Cores: runtime.NumCPU(), Go: runtime.Version(), OS: runtime.GOOS + "/" + runtime.GOARCH, At: time.Now().UTC().Truncate(time.Second),
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		if f := strings.Fields(string(text)); len(f) >= 3 {
			m.Load = strings.Join(f[:3], " ")
		}
	}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				m.CPU = strings.TrimSpace(value)
				break
			}
		}
	}
	return m
}

func (m machine) print(w io.Writer) {
	fmt.Fprintf(w, "%d cores", m.Cores)
	if m.CPU != "" {
		fmt.Fprintf(w, " (%s)", m.CPU)
	}
	if m.Load != "" {
		fmt.Fprintf(w, ", load at start %s", m.Load)
	}
	fmt.Fprintf(w, ", %s, %s, %s\n", m.Go, m.OS, m.At.Format(time.RFC3339))
}
