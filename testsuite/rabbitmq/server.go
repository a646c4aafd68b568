package rabbitmq

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/waybill-io/waybill/testsuite/process"
)

// The account of the broker, which may do everything in the virtual host "/". It is not guest, whom brokers know by default.
const (
	Username = "waybill"
	Password = "hare-and-hedgehog"
)

// MaxMessage is the largest message that the broker takes, in bytes.
const MaxMessage = 4 << 20

// binary is the broker itself: the one on the PATH is Debian's wrapper, which runs it as another user from another folder.
const binary = "/usr/lib/rabbitmq/bin/rabbitmq-server"

// patience bounds a start on a busy machine; an idle one takes some 5 s.
const patience = 2 * time.Minute

// Server is a broker.
type Server struct {
	Host    string // 127.0.0.1
	Port    int    // plain
	TLSPort int
	CAFile  string // certificate of the broker, good for 127.0.0.1 (PEM)

	t       testing.TB
	dir     string
	dist    int // ports inside the node
	epmd    int
	names   *process.Process // epmd
	process *process.Process
}

// Start runs a broker until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	if _, err := os.Stat(binary); err != nil {
		process.Missing(t, "rabbitmq is not installed (Debian: apt-get install rabbitmq-server)")
	}
	ports := process.Ports(t, 4)
	s := &Server{Host: "127.0.0.1", Port: ports[0], TLSPort: ports[1], dist: ports[2], epmd: ports[3], t: t, dir: process.Folder(t, "rabbitmq")}
	t.Cleanup(func() {
		s.Kill()
		s.names.End(syscall.SIGKILL)
	})
	s.writeConfiguration()
	// Erlang would start it in the background, where it outlives the broker.
	s.names = s.start("epmd", "-address", "127.0.0.1", "-port", strconv.Itoa(s.epmd))
	s.Run()
	return s
}

// URL is where clients find the broker, with the account.
func (s *Server) URL() string {
	return fmt.Sprintf("amqp://%s:%s@%s:%d/", Username, Password, s.Host, s.Port)
}

// Connect opens a connection that is closed when the test ends.
func (s *Server) Connect() *amqp.Connection {
	s.t.Helper()
	c, err := amqp.Dial(s.URL())
	s.check(err)
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

// Channel opens a connection and a channel in it.
func (s *Server) Channel() *amqp.Channel {
	s.t.Helper()
	c, err := s.Connect().Channel()
	s.check(err)
	return c
}

// Stop ends the broker in an orderly way.
func (s *Server) Stop() { s.end(syscall.SIGTERM) }

// Sync has the broker write to disk what was declared, into the files of its tables. Without, a crash may lose a queue that is new.
func (s *Server) Sync() {
	s.t.Helper()
	s.control("eval", "mnesia:sync_log(), mnesia:dump_log().")
}

// Kill ends the broker at once, as a crash does.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

func (s *Server) end(signal syscall.Signal) {
	s.process.End(signal)
	s.process = nil
}

// Run starts the broker after Stop or Kill, with the same ports and data, and waits until it answers.
func (s *Server) Run() {
	s.t.Helper()
	s.process = s.start(binary)
	s.process.Wait(patience, func() bool {
		c, err := amqp.Dial(s.URL())
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

// Block makes the broker believe that it is short of memory: it stops reading from connections that publish. Unblock is the opposite.
func (s *Server) Block() { s.control("set_vm_memory_high_watermark", "0") }

// Unblock gives the broker its memory back.
func (s *Server) Unblock() { s.control("set_vm_memory_high_watermark", "0.9") }

func (s *Server) control(args ...string) {
	s.t.Helper()
	cmd := exec.Command(filepath.Join(filepath.Dir(binary), "rabbitmqctl"), args...)
	cmd.Env = append(withoutRabbit(os.Environ()), s.environment()...)
	if output, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("rabbitmqctl %v: %v\n%s", args, err, output)
	}
}

func (s *Server) start(name string, args ...string) *process.Process {
	s.t.Helper()
	c := exec.Command(name, args...)
	c.Dir, c.Env = s.dir, append(withoutRabbit(os.Environ()), s.environment()...)
	return process.Start(s.t, c, filepath.Join(s.dir, "log"))
}

func (s *Server) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal("rabbitmq: ", err)
	}
}

// withoutRabbit is an environment without settings of another broker.
func withoutRabbit(environment []string) []string {
	var kept []string
	for _, e := range environment {
		if !strings.HasPrefix(e, "RABBITMQ_") && !strings.HasPrefix(e, "ERL_") && !strings.HasPrefix(e, "NOTIFY_SOCKET=") {
			kept = append(kept, e)
		}
	}
	return kept
}
