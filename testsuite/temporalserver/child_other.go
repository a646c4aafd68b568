//go:build !unix

package temporalserver

import "syscall"

func child() *syscall.SysProcAttr { return nil }
