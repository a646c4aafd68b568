package oauthserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/waybill-io/waybill/testsuite/process"
)

// Clients that are registered, each with its secret.
const (
	Client, ClientSecret = "waybill", "the secret of waybill" // authorization code and refresh tokens
	Robot, RobotSecret   = "robot", "the secret of robot"     // client credentials
	Box, BoxSecret       = "box", "the secret of box"         // device codes and refresh tokens
	Judge, JudgeSecret   = "judge", "judge-secret"            // of mail servers, which ask what a token is worth
)

// Options of a server.
type Options struct {
	Redirect string        // redirect URL of Client
	Access   time.Duration // life of access tokens; 0: an hour
	Keep     bool          // refresh tokens can be used again; else each is replaced, and its second use revokes all
}

// Server is a server that runs.
type Server struct {
	URL string

	t    testing.TB
	http *http.Client
}

// Endpoints of the server.
func (s *Server) AuthorizationURL() string { return s.URL + "/auth" }
func (s *Server) TokenURL() string         { return s.URL + "/token" }
func (s *Server) DeviceURL() string        { return s.URL + "/device/auth" }
func (s *Server) RevocationURL() string    { return s.URL + "/token/revocation" }

// IntrospectionURL carries the credentials of Judge, as Dovecot wants them.
func (s *Server) IntrospectionURL() string {
	return "http://" + Judge + ":" + JudgeSecret + "@" + s.URL[len("http://"):] + "/token/introspection"
}

// Start runs a server until the test ends.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	dir, reason := find()
	if reason != "" {
		process.Missing(t, reason)
	}
	port := process.Ports(t, 1)[0]
	s := &Server{URL: fmt.Sprintf("http://127.0.0.1:%d", port), t: t, http: &http.Client{Timeout: 10 * time.Second}}
	client := func(id, secret string, redirects, grants, answers []string) map[string]any {
		return map[string]any{"client_id": id, "client_secret": secret, "redirect_uris": redirects, "grant_types": grants, "response_types": answers}
	}
	none := []string{}
	redirects := []string{"http://127.0.0.1/oauth/callback"}
	if o.Redirect != "" {
		redirects = []string{o.Redirect}
	}
	access := 3600
	if o.Access > 0 {
		access = int(o.Access.Seconds())
	}
	configuration, err := json.Marshal(map[string]any{
		"issuer": s.URL, "port": port, "settings": map[string]any{"access": access, "rotate": !o.Keep},
		"clients": []any{
			client(Client, ClientSecret, redirects, []string{"authorization_code", "refresh_token"}, []string{"code"}),
			client(Robot, RobotSecret, none, []string{"client_credentials"}, none),
			client(Box, BoxSecret, none, []string{"urn:ietf:params:oauth:grant-type:device_code", "refresh_token"}, none),
			client(Judge, JudgeSecret, none, []string{"client_credentials"}, none),
		},
	})
	process.Check(t, err)
	c := exec.Command("node", "server.js", string(configuration))
	c.Dir = dir
	log := filepath.Join(t.TempDir(), "oauthserver.log")
	p := process.Start(t, c, log)
	t.Cleanup(func() {
		p.End(syscall.SIGTERM)
		if t.Failed() {
			said, _ := os.ReadFile(log)
			t.Logf("the OAuth server said:\n%s", said)
		}
	})
	p.Wait(30*time.Second, s.answers)
	return s
}

// find is the folder of the server.
func find() (dir, reason string) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err.Error()
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "testsuite", "oauthserver")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			return "", "the test does not run in the module"
		}
	}
	dir = filepath.Join(dir, "testsuite", "oauthserver", "testdata", "provider")
	if _, err := exec.LookPath("node"); err != nil {
		return "", "Node.js is not installed"
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "oidc-provider")); err != nil {
		return "", "the OAuth server is not installed (npm ci --ignore-scripts in testsuite/oauthserver/testdata/provider)"
	}
	return dir, ""
}

func (s *Server) answers() bool {
	answer, err := s.http.Get(s.URL + "/.well-known/openid-configuration")
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// Token is a token of Robot for an API, a JWT (RFC 9068) that lives as long, with claims beside those of the server.
func (s *Server) Token(audience string, life time.Duration, claims map[string]any) string {
	s.t.Helper()
	s.set("claims", claims)
	s.set("access", int(life.Seconds()))
	r, err := http.NewRequest(http.MethodPost, s.TokenURL(), strings.NewReader(url.Values{"grant_type": {"client_credentials"}, "resource": {audience}}.Encode()))
	process.Check(s.t, err)
	r.SetBasicAuth(url.QueryEscape(Robot), url.QueryEscape(RobotSecret))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := s.http.Do(r)
	process.Check(s.t, err)
	defer func() { _ = answer.Body.Close() }()
	var given struct {
		Token string `json:"access_token"`
		Error string `json:"error_description"`
	}
	process.Check(s.t, json.NewDecoder(answer.Body).Decode(&given))
	if given.Token == "" {
		s.t.Fatalf("the OAuth server gives no token: %s: %s", answer.Status, given.Error)
	}
	return given.Token
}

// SetKeep sets whether refresh tokens can be used again.
func (s *Server) SetKeep(keep bool) { s.set("rotate", !keep) }

func (s *Server) set(name string, value any) {
	s.t.Helper()
	body, err := json.Marshal(map[string]any{name: value})
	process.Check(s.t, err)
	request, err := http.NewRequest(http.MethodPut, s.URL+"/_test/settings", bytes.NewReader(body))
	process.Check(s.t, err)
	answer, err := s.http.Do(request)
	process.Check(s.t, err)
	_ = answer.Body.Close()
}
