package temporalserver

import "syscall"

// child keeps Ctrl-C of the terminal from the server, which has to outlive the workers that end first, and has the
// kernel kill it with its parent.
func child() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
