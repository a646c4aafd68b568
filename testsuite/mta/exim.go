package mta

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// configureExim has Exim put all mail into one folder.
func (s *Server) configureExim(o Options) {
	s.t.Helper()
	s.folder("/var/spool/exim4", "Debian-exim", 0o750)
	s.check(os.Chown(filepath.Join(s.root, "etc/key.pem"), s.id("passwd", "Debian-exim"), 0))
	s.folder("/var/log/exim", "Debian-exim", 0o750)
	var authenticators strings.Builder
	for _, mechanism := range o.Mechanisms {
		fmt.Fprintf(&authenticators, `
dovecot_%s:
  driver = dovecot
  public_name = %s
  server_socket = /run/dovecot/client
  server_set_id = $auth1
`, strings.ToLower(strings.ReplaceAll(mechanism, "-", "_")), mechanism)
	}
	s.write("/etc/exim4/exim4.conf", fmt.Sprintf(`
primary_hostname = mx.example.org
spool_directory = /var/spool/exim4
log_file_path = /var/log/exim/%%s
keep_environment =
local_interfaces = <; [127.0.0.1]:%d ; [127.0.0.1]:%d
daemon_smtp_ports = %d
tls_on_connect_ports = %d
tls_advertise_hosts = *
tls_certificate = /etc/cert.pem
tls_privatekey = /etc/key.pem
auth_advertise_hosts = ${if eq {$tls_in_cipher}{} {}{*}}
smtputf8_advertise_hosts = *
message_size_limit = %d
smtp_accept_queue_per_connection = 0
host_lookup =
rfc1413_query_timeout = 0s
never_users =
acl_smtp_mail = check_mail
acl_smtp_rcpt = check_rcpt
acl_smtp_data = accept

begin acl
check_mail:
  deny
    message = 5.7.0 use STARTTLS first
    !encrypted = *
  deny
    message = 5.7.0 log in first
    !authenticated = *
  accept
check_rcpt:
  deny
    message = 5.1.1 no such user
    local_parts = ^unknown
  defer
    message = 4.7.1 try again later
    condition = ${if exists{/etc/put-off}}
  accept

begin routers
all:
  driver = accept
  transport = box

begin transports
box:
  driver = appendfile
  maildir_format
  directory = /var/mail/all
  create_directory
  user = mail
  group = mail
  envelope_to_add
  return_path_add

begin authenticators
%s`, s.Port, s.TLSPort, s.Port, s.TLSPort, o.MaxSize, authenticators.String()))
}
