package temporalserver

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	waitFor = 30 * time.Second
	tick    = 20 * time.Millisecond
)

// parentVariable makes the test program a parent that starts a server and never stops it.
const parentVariable = "WAYBILL_TEST_PARENT_OF"

func TestMain(m *testing.M) {
	if program := os.Getenv(parentVariable); program != "" {
		s, err := Start(context.Background(), Options{Program: program})
		fmt.Println(err, s.Address)
		<-s.Done()
		return
	}
	os.Exit(m.Run())
}

func TestStartAndStop(t *testing.T) {
	ui, err := freeAddress()
	require.NoError(t, err)
	s, err := Start(t.Context(), Options{Program: program(t), UIAddress: ui, Namespace: "orders", Log: t.Output()})
	require.NoError(t, err)
	require.True(t, Listening(t.Context(), s.Address))
	require.NoError(t, serves(t.Context(), s.Address, "orders"))

	answer, err := http.Get(s.UIURL)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusOK, answer.StatusCode)

	_, err = Start(t.Context(), Options{Program: program(t), Address: s.Address})
	var taken *PortTakenError
	require.ErrorAs(t, err, &taken)
	require.Equal(t, s.Address, taken.Address)
	require.False(t, taken.UI)

	require.NoError(t, s.Stop())
	require.NoError(t, s.Stop(), "a second time changes nothing")
	require.False(t, Listening(t.Context(), s.Address))
}

func TestStartNamesATakenPortOfTheUI(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, err = Start(t.Context(), Options{Program: "unused", UIAddress: l.Addr().String()})
	var taken *PortTakenError
	require.ErrorAs(t, err, &taken)
	require.Equal(t, PortTakenError{Address: l.Addr().String(), UI: true}, *taken)
}

func TestStartTellsWhatAFailingProgramSaid(t *testing.T) {
	_, err := Start(t.Context(), Options{Program: script(t, t.TempDir(), "server", "echo the disk is full >&2; exit 3")})
	require.ErrorContains(t, err, "the disk is full")
	require.ErrorContains(t, err, "exit status 3")
}

// Another program may take a port between its choice and its use.
func TestStartTriesOtherPorts(t *testing.T) {
	folder := t.TempDir()
	real := program(t)
	s, err := Start(t.Context(), Options{Program: script(t, folder, "server", `
if ! [ -e `+folder+`/tried ]; then touch `+folder+`/tried; echo "listen tcp 127.0.0.1:1: bind: address already in use" >&2; seq 2000 >&2; exit 1; fi
exec `+real+` "$@"`)})
	require.NoError(t, err)
	require.NoError(t, s.Stop())
	_, err = Start(t.Context(), Options{Program: script(t, folder, "never", "echo tried >> "+folder+"/tries; echo bind: address already in use; exit 1")})
	require.ErrorIs(t, err, errRaced)
	tries, err := os.ReadFile(filepath.Join(folder, "tries"))
	require.NoError(t, err)
	require.Equal(t, startTries, strings.Count(string(tries), "tried"))
}

func TestStartEndsAProgramThatNeverAnswers(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := Start(ctx, Options{Program: script(t, t.TempDir(), "server", "exec sleep 1000")})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "does not answer")
}

func TestDoneWhenTheServerEndsByItself(t *testing.T) {
	s, err := Start(t.Context(), Options{Program: program(t)})
	require.NoError(t, err)
	require.NoError(t, s.process.Kill())
	select {
	case <-s.Done():
	case <-time.After(waitFor):
		t.Fatal("not told that the server is dead")
	}
	require.ErrorContains(t, s.Stop(), "killed")
}

func TestServerDiesWithAParentThatIsKilled(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ends a child with its parent")
	}
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), parentVariable+"="+program(t))
	out, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "<nil> ")
	require.True(t, ok, line)
	require.True(t, Listening(t.Context(), address))

	require.NoError(t, parent.Process.Kill())
	require.ErrorContains(t, parent.Wait(), "killed")
	require.Eventually(t, func() bool { return accepts(t.Context(), address) != nil }, waitFor, tick)
}

func TestListeningTellsATemporalServerFromOthers(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	require.False(t, Listening(t.Context(), web.Listener.Addr().String()))
	free, err := freeAddress()
	require.NoError(t, err)
	require.False(t, Listening(t.Context(), free))
}

// program is the server on this machine; a test is skipped where there is none, unless that is the job (CI=true).
func program(t *testing.T) string {
	t.Helper()
	path, err := Find(t.Context(), FindOptions{NoBuild: true})
	if err != nil && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	require.NoError(t, err)
	return path
}
