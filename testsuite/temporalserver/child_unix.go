//go:build unix && !linux

package temporalserver

import "syscall"

// child keeps Ctrl-C of the terminal from the server, which has to outlive the workers that end first.
func child() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
