package process

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A program ends with its children, even one that ignores the signal: nobody is left who holds the pipe.
func TestEndLeavesNothing(t *testing.T) {
	for name, signal := range map[string]syscall.Signal{"asked": syscall.SIGTERM, "killed": syscall.SIGKILL} {
		log := filepath.Join(Folder(t, "process"), "log")
		held, holder, err := os.Pipe()
		require.NoError(t, err)
		defer func() { _ = held.Close() }()
		c := exec.CommandContext(t.Context(), "sh", "-c", `(trap "" TERM; sleep 1000 & echo ready; wait) & wait`)
		c.ExtraFiles = []*os.File{holder}
		p := Start(t, c, log)
		require.NoError(t, holder.Close())
		p.Wait(10*time.Second, func() bool {
			text, err := os.ReadFile(log)
			return err == nil && string(text) == "ready\n"
		})
		p.End(signal)
		require.NoError(t, held.SetReadDeadline(time.Now().Add(10*time.Second)))
		_, err = held.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF, name)
	}
	(*Process)(nil).End(syscall.SIGKILL)
}

func TestPortsDiffer(t *testing.T) {
	ports := Ports(t, 2)
	require.NotEqual(t, ports[0], ports[1])
}
