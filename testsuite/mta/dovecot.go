package mta

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
)

// configureDovecot writes the configuration of a Dovecot that does nothing but check log-ins.
func (s *Server) configureDovecot(o Options) {
	s.t.Helper()
	s.folder("/run/dovecot", "root", 0o755)
	s.write("/etc/dovecot.passwd", fmt.Sprintf("%s:{PLAIN}%s\n", Username, Password))
	s.write("/etc/dovecot.conf", fmt.Sprintf(`
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
protocols =
base_dir = /run/dovecot
state_dir = /run/dovecot
log_path = /var/log/mail.log
ssl = no
auth_mechanisms = %s
oauth2 {
  introspection_mode = post
  introspection_url = %s
  username_attribute = username
  force_introspection = yes
  active_attribute = active
  active_value = true
}
auth_failure_delay = 0s
passdb passwd-file {
  passwd_file_path = /etc/dovecot.passwd
}
service auth {
  unix_listener client {
    mode = 0666
  }
}
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
`, strings.ToLower(strings.Join(o.Mechanisms, " ")), s.introspection()))
}

// introspection is where Dovecot asks whether an access token is good, and whose it is (RFC 7662).
func (s *Server) introspection() (url string) {
	s.t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := map[string]any{"active": r.PostFormValue("token") == Token, "username": Username}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer)
	}))
	s.t.Cleanup(server.Close)
	return server.URL
}
