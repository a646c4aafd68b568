package temporalserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Options of a server. Addresses are host:port with an IP address or localhost as the host.
type Options struct {
	Program   string    // what Find returned; required
	Address   string    // where it serves gRPC; empty: a free port of 127.0.0.1
	UIAddress string    // where its Web UI listens; empty: no UI
	DBFile    string    // keeps everything over restarts; its folder must exist; empty: memory
	Namespace string    // created if it is missing; empty: "default"
	Log       io.Writer // what the program prints; may be nil
	Settings  []string  // dynamic configuration, key=value with the value as JSON; wins over the settings of this package
}

// How long a server may take to answer, and to end before it is killed. Either usually takes a second at most.
const (
	startTimeout = time.Minute
	stopTimeout  = 10 * time.Second
)

// Server is a Temporal server that runs as a child of this process. It ends with this process: on Linux even if this
// process is killed, elsewhere by Stop.
type Server struct {
	Address string // host:port for Temporal clients
	UIURL   string // empty when there is no UI

	process *os.Process
	output  tail
	done    chan struct{} // closed when the process has ended
	err     error         // how it ended; read it after done
}

// PortTakenError says that something else listens where the server, or its Web UI, should. The caller knows by which
// flag or property another address can be chosen.
type PortTakenError struct {
	Address string
	UI      bool
}

func (e *PortTakenError) Error() string {
	what := "Temporal server"
	if e.UI {
		what = "Temporal Web UI"
	}
	return fmt.Sprintf("%s is taken: the %s cannot listen there", e.Address, what)
}

// Start runs a server and returns when it answers (half a second), with an error if its program ends before that,
// or ctx does, or a minute is over. ctx bounds the start only; Stop ends the server.
func Start(ctx context.Context, o Options) (*Server, error) {
	for try := 1; ; try++ {
		s, err := start(ctx, o)
		if err == nil || try == startTries || !errors.Is(err, errRaced) {
			return s, err
		}
	}
}

// startTries bounds the starts of a server that loses a port: free ones are chosen, by us and by the program, before anybody listens there, and
// another program may be faster.
const startTries = 3

var errRaced = errors.New("another program was faster at one of its ports")

func start(ctx context.Context, o Options) (*Server, error) {
	if o.Namespace == "" {
		o.Namespace = "default"
	}
	if o.Address == "" {
		address, err := freeAddress()
		if err != nil {
			return nil, err
		}
		o.Address = address
	}
	args, err := o.arguments()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(portIsFree(o.Address, false), portIsFree(o.UIAddress, true)); err != nil {
		return nil, err
	}
	s := &Server{Address: o.Address, done: make(chan struct{})}
	if o.UIAddress != "" {
		s.UIURL = "http://" + o.UIAddress
	}
	cmd := exec.Command(o.Program, args...)
	cmd.SysProcAttr = child()
	cmd.WaitDelay = time.Second
	cmd.Stdout = io.Writer(&s.output)
	if o.Log != nil {
		cmd.Stdout = io.MultiWriter(&s.output, o.Log)
	}
	cmd.Stderr = cmd.Stdout
	if err := s.run(cmd); err != nil {
		return nil, fmt.Errorf("start Temporal server %s: %w", o.Program, err)
	}
	if err := s.await(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("start Temporal server %s: %w", o.Program, err), s.Stop())
	}
	return s, nil
}

// arguments are flags that "temporal" and our devserver share. The server settings are those of our devserver, for a
// "temporal" from the PATH, which comes with a production server's: they make a step 3 to 5 times faster and timers
// below a second exact.
func (o *Options) arguments() ([]string, error) {
	host, port, err := net.SplitHostPort(o.Address)
	if err != nil {
		return nil, fmt.Errorf("address of the Temporal server: %w", err)
	}
	args := []string{"server", "start-dev", "--ip", host, "--port", port, "--namespace", o.Namespace}
	if o.UIAddress == "" {
		args = append(args, "--headless")
	} else {
		host, port, err := net.SplitHostPort(o.UIAddress)
		if err != nil {
			return nil, fmt.Errorf("address of the Temporal Web UI: %w", err)
		}
		args = append(args, "--ui-ip", host, "--ui-port", port)
	}
	if o.DBFile != "" {
		args = append(args, "--db-filename", o.DBFile)
	}
	settings := []string{
		"history.transferProcessorMaxPollRPS=1000",
		"history.timerProcessorMaxPollRPS=1000",
		"history.visibilityProcessorMaxPollRPS=1000",
		`history.timerProcessorMaxTimeShift="50ms"`,
		"matching.numTaskqueueReadPartitions=1",
		"matching.numTaskqueueWritePartitions=1",
		"system.forceSearchAttributesCacheRefreshOnRead=true",
		"frontend.persistenceMaxQPS=100000",
		"frontend.enableServerVersionCheck=false",
	}
	for _, setting := range append(settings, o.Settings...) {
		args = append(args, "--dynamic-config-value", setting)
	}
	return append(args, "--log-level", "error"), nil
}

// run starts the process and waits for its end in one goroutine bound to one thread: Linux ends a child with the
// thread that started it, not with the process.
func (s *Server) run(cmd *exec.Cmd) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		s.process = cmd.Process
		started <- err
		if err == nil {
			s.err = cmd.Wait()
			close(s.done)
		}
	}()
	return <-started
}

// await returns when the server answers for its namespace and the UI accepts connections.
func (s *Server) await(ctx context.Context, o Options) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	poll := time.NewTicker(25 * time.Millisecond)
	defer poll.Stop()
	for {
		err := serves(ctx, o.Address, o.Namespace)
		if err == nil && o.UIAddress != "" {
			err = accepts(ctx, o.UIAddress)
		}
		if err == nil {
			return nil
		}
		select {
		case <-s.done:
			said := strings.TrimSpace(s.output.String())
			if strings.Contains(said, "address already in use") {
				return fmt.Errorf("it ended: %w: %v\n%s", errRaced, s.err, said)
			}
			return fmt.Errorf("it ended: %v\n%s", s.err, said)
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w (%w)", err, context.Cause(ctx))
		case <-poll.C:
		}
	}
}

// Done is closed when the server has ended, by Stop or by itself.
func (s *Server) Done() <-chan struct{} { return s.done }

// Stop ends the server and waits for that. It may be called again, and from several goroutines. A server that ended
// by itself earlier, or had to be killed, is an error.
func (s *Server) Stop() error {
	if err := s.process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.process.Kill() //nolint:errcheck // Windows has no such signal; what is left to do is told below
	}
	select {
	case <-s.done:
	case <-time.After(stopTimeout):
		s.process.Kill() //nolint:errcheck // it either dies or is dead
		<-s.done
	}
	if s.err != nil {
		return fmt.Errorf("the Temporal server ended: %w\n%s", s.err, strings.TrimSpace(s.output.String()))
	}
	return nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

func portIsFree(address string, ui bool) error {
	if address == "" {
		return nil
	}
	l, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return &PortTakenError{Address: address, UI: ui}
	}
	if err != nil {
		return fmt.Errorf("listen on %s: %w", address, err)
	}
	return l.Close()
}

var _ error = (*PortTakenError)(nil)
