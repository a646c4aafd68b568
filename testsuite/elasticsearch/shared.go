package elasticsearch

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/elastic/go-elasticsearch/v8"

	"github.com/waybill-io/waybill/testsuite/process"
)

// URLVariable is the environment variable that names a server to use instead of one of our own: http://127.0.0.1:9200, without accounts
// or with one in the URL.
const URLVariable = "ELASTICSEARCH_URL"

// compose is where docker-compose.yml publishes its service elasticsearch, and composeCluster what it calls its cluster.
const (
	compose        = "http://127.0.0.1:9200"
	composeCluster = "waybill-compose"
)

// Shared is one server for the tests of a package, started by the first that wants it. It belongs in a package-level variable of a test;
// its zero value is ready. Safe for parallel tests.
type Shared struct {
	look   sync.Once
	start  sync.Once
	dir    string
	url    string
	server *Server
}

// Run runs the tests and then ends the server, if one was started. It returns the exit code.
func (s *Shared) Run(m *testing.M) int {
	code := m.Run()
	if s.server != nil {
		s.server.Kill()
	}
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
	return code
}

// URL returns where the server is: what ELASTICSEARCH_URL says, else the service of docker-compose.yml when it answers, else one of our own.
func (s *Shared) URL(t testing.TB) string {
	t.Helper()
	if url := os.Getenv(URLVariable); url != "" {
		return url
	}
	s.look.Do(func() {
		if cluster(compose) == composeCluster {
			s.url = compose
		}
	})
	if s.url == compose {
		return s.url
	}
	installed(t) // a test without is skipped, each for itself
	s.start.Do(func() {
		dir, err := os.MkdirTemp("", "elasticsearch-")
		process.Check(t, err)
		s.dir = dir
		s.server = newServer(t, dir, Options{})
		s.server.Run()
		s.url = s.server.URL
	})
	if s.url == "" {
		t.Fatal("elasticsearch did not start for an earlier test")
	}
	return s.url
}

// cluster is the name of the cluster at a URL; "" when no Elasticsearch answers at once.
func cluster(url string) string {
	answer, err := (&http.Client{Timeout: 2 * time.Second}).Get(url)
	if err != nil {
		return ""
	}
	defer func() { _ = answer.Body.Close() }()
	var info struct {
		Name    string `json:"cluster_name"`
		Tagline string `json:"tagline"`
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<16)).Decode(&info); err != nil || info.Tagline != "You Know, for Search" {
		return ""
	}
	return info.Name
}

// Client returns a client of the server, which retries nothing.
func (s *Shared) Client(t testing.TB) *elasticsearch.Client {
	t.Helper()
	c, err := elasticsearch.NewClient(elasticsearch.Config{Addresses: []string{s.URL(t)}, DisableRetry: true})
	process.Check(t, err)
	return c
}
