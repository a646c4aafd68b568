package elasticsearch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/elastic/go-elasticsearch/v8"
	"golang.org/x/crypto/bcrypt"

	"github.com/waybill-io/waybill/testsuite/process"
)

// The account of a server with Options.Security, which may do everything.
const (
	Username = "waybill"
	Password = "stork-and-swallow"
)

// patience bounds a start on a busy machine; an idle one takes some 3 s.
const patience = 5 * time.Minute

// Options of a server. The zero value has neither TLS nor accounts.
type Options struct {
	// Security has the server speak TLS and ask for an account, or an API key.
	Security bool
	// Settings are lines of elasticsearch.yml, beside those that every server has: "thread_pool.write.queue_size" to "1".
	Settings map[string]string
	// Thorough has the JVM compile what runs often as in production, for measurements: the start costs more than twice as much.
	Thorough bool
}

// Server is an Elasticsearch with data of its own.
type Server struct {
	URL string // http://127.0.0.1:port; https with Options.Security
	// CAFile is the certificate that clients must trust, good for 127.0.0.1 (PEM), with Options.Security.
	CAFile string

	t            testing.TB
	dir          string
	installation Installation
	thorough     bool
	settings     map[string]string
	process      *process.Process
}

// Start runs a server until the test ends.
func Start(t testing.TB, options Options) *Server {
	t.Helper()
	s := newServer(t, process.Folder(t, "elasticsearch"), options)
	t.Cleanup(s.Kill)
	s.Run()
	return s
}

func newServer(t testing.TB, dir string, options Options) *Server {
	t.Helper()
	i := installed(t)
	ports := process.Ports(t, 2)
	s := &Server{
		URL: fmt.Sprintf("http://127.0.0.1:%d", ports[0]), t: t, dir: dir, installation: i, thorough: options.Thorough,
		settings: i.settings(dir, options.Security),
	}
	s.settings["http.port"], s.settings["transport.port"] = strconv.Itoa(ports[0]), strconv.Itoa(ports[1])
	maps.Copy(s.settings, options.Settings)
	process.Check(t, os.MkdirAll(s.config(), 0o700))
	if options.Security {
		s.secure()
	}
	return s
}

// installed prepares the server, or ends the test.
func installed(t testing.TB) Installation {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	defer cancel()
	i, err := Prepare(ctx, os.Stderr)
	if errors.Is(err, ErrMissing) {
		process.Missing(t, err.Error())
	}
	process.Check(t, err)
	return i
}

// secure gives the server a certificate and an account.
func (s *Server) secure() {
	s.t.Helper()
	_, key := process.Certificate(s.t, s.config())
	s.CAFile = filepath.Join(s.config(), "cert.pem")
	s.URL = strings.Replace(s.URL, "http:", "https:", 1)
	maps.Copy(s.settings, map[string]string{
		"xpack.security.enabled": "true", "xpack.security.http.ssl.enabled": "true", "xpack.security.http.ssl.certificate": s.CAFile, "xpack.security.http.ssl.key": key,
		"xpack.security.autoconfiguration.enabled": "false",
	})
	hash, err := bcrypt.GenerateFromPassword([]byte(Password), bcrypt.MinCost)
	process.Check(s.t, err)
	s.write("users", Username+":"+string(hash)+"\n")
	s.write("users_roles", "superuser:"+Username+"\n")
}

// Client returns a client with the account of the server.
func (s *Server) Client() *elasticsearch.Client {
	s.t.Helper()
	c, err := elasticsearch.NewClient(s.Config())
	process.Check(s.t, err)
	return c
}

// Config is what a client needs, for those that change it: it retries nothing.
func (s *Server) Config() elasticsearch.Config {
	s.t.Helper()
	c := elasticsearch.Config{Addresses: []string{s.URL}, DisableRetry: true}
	if s.CAFile != "" {
		authorities, err := os.ReadFile(s.CAFile)
		process.Check(s.t, err)
		c.CACert, c.Username, c.Password = authorities, Username, Password
	}
	return c
}

// Set changes a line of elasticsearch.yml. It counts from the next Run.
func (s *Server) Set(name, value string) { s.settings[name] = value }

// Stop ends the server in an orderly way.
func (s *Server) Stop() { s.end(syscall.SIGTERM) }

// Kill ends the server at once, as a crash does. What it has confirmed is on its disk.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

func (s *Server) end(signal syscall.Signal) {
	s.process.End(signal)
	s.process = nil
}

// Run starts the server after Stop or Kill, with the same ports and data, and waits until every index can be searched.
func (s *Server) Run() {
	s.t.Helper()
	process.Check(s.t, configure(s.dir, s.settings))
	var flags []string
	if !s.thorough {
		flags = s.installation.quick()
	}
	c := s.installation.command(context.Background(), s.dir, flags...)
	_, err := c.StdinPipe() // ends with this process, and the server with it
	process.Check(s.t, err)
	s.process = process.Start(s.t, c, filepath.Join(s.dir, "log"))
	s.process.Wait(patience, s.ready)
}

func (s *Server) ready() bool {
	client := s.Client()
	answer, err := client.Cluster.Health(client.Cluster.Health.WithWaitForStatus("yellow"), client.Cluster.Health.WithTimeout(time.Second))
	if err != nil {
		return false
	}
	defer func() { _ = answer.Body.Close() }()
	return answer.StatusCode == http.StatusOK
}

func (s *Server) config() string { return filepath.Join(s.dir, "config") }

func (s *Server) write(name, text string) {
	s.t.Helper()
	process.Check(s.t, os.WriteFile(filepath.Join(s.config(), name), []byte(text), 0o600))
}
