package dovecot

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"text/template"

	"github.com/waybill-io/waybill/testsuite/process"
)

// One process serves many connections, so that tests with hundreds of mailboxes fit; chroot is empty and all users
// are the one that runs the server, because it has no privileges. Without the penalty socket a wrong password would slow
// down every later log-in from 127.0.0.1.
var configuration = template.Must(template.New("dovecot.conf").Parse(`
protocols = imap{{if .Relay}} submission{{end}}
listen = 127.0.0.1
base_dir = {{.Dir}}/run
state_dir = {{.Dir}}/state
log_path = {{.Dir}}/log
auth_verbose = yes
default_internal_user = {{.User}}
default_internal_group = {{.Group}}
default_login_user = {{.User}}
first_valid_uid = 1
default_process_limit = 4000
default_client_limit = 16000
ssl = yes
ssl_cert = <{{.Dir}}/cert.pem
ssl_key = <{{.Dir}}/key.pem
disable_plaintext_auth = no
auth_failure_delay = 0
mail_max_userip_connections = 0
{{if .Capability}}imap_capability = {{.Capability}}
{{end}}mail_location = maildir:~/Maildir
namespace inbox {
  inbox = yes
  separator = /
}
{{if .OAuth}}auth_mechanisms = plain login xoauth2 oauthbearer
passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {{.Dir}}/oauth2.conf
}
{{end}}passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {{.Dir}}/passwd
}
userdb {
  driver = static
  args = uid={{.User}} gid={{.Group}} home={{.Dir}}/mail/%u
}
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  chroot =
}
{{if .Relay}}hostname = localhost
submission_relay_host = 127.0.0.1
submission_relay_port = {{.Relay}}
submission_relay_ssl = no
service submission-login {
  chroot =
  inet_listener submission {
    port = {{.SubmissionPort}}
  }
}
{{end}}service imap-login {
  chroot =
  service_count = 0
  inet_listener imap {
    port = {{.Port}}
  }
  inet_listener imaps {
    port = {{.TLSPort}}
    ssl = yes
  }
}
`))

// CAFile is where the certificate is that clients must trust (PEM).
func (s *Server) CAFile() string { return filepath.Join(s.dir, "cert.pem") }

// oauth2 has an OAuth server asked what a token is worth (RFC 7662); the user is the subject of the token.
const oauth2 = `introspection_mode = post
introspection_url = %s
force_introspection = yes
username_attribute = sub
active_attribute = active
active_value = true
`

func (s *Server) writeConfiguration(o Options) {
	s.t.Helper()
	for _, dir := range []string{"run", "state", "mail"} {
		s.check(os.MkdirAll(filepath.Join(s.dir, dir), 0o755))
	}
	var text bytes.Buffer
	s.check(configuration.Execute(&text, map[string]any{
		"Dir": s.dir, "User": s.account.Username, "Group": s.group,
		"Port": s.Port, "TLSPort": s.TLSPort, "Capability": o.Capability, "OAuth": o.Introspection, "Relay": o.Relay, "SubmissionPort": s.SubmissionPort,
	}))
	if o.Introspection != "" {
		s.check(os.WriteFile(filepath.Join(s.dir, "oauth2.conf"), fmt.Appendf(nil, oauth2, o.Introspection), 0o644))
	}
	s.check(os.WriteFile(filepath.Join(s.dir, "dovecot.conf"), text.Bytes(), 0o644))

	s.check(os.WriteFile(filepath.Join(s.dir, "log"), nil, 0o644)) // so that it is owned with the rest

	certificate, _ := process.Certificate(s.t, s.dir)
	authority, err := os.ReadFile(certificate)
	s.check(err)
	s.RootCAs = x509.NewCertPool()
	s.RootCAs.AppendCertsFromPEM(authority)
}
