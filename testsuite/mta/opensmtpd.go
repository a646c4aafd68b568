package mta

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// filter puts recipients off (smtpd-filters(7)); a listener has it.
const filter = `#!/bin/sh
while read -r line; do
	[ "$line" = 'config|ready' ] && break
done
echo 'register|filter|smtp-in|rcpt-to'
echo 'register|ready'
while IFS='|' read -r _ _ _ _ _ session token _; do
	if [ -e /etc/put-off ]; then
		echo "filter-result|$session|$token|reject|451 4.7.1 try again later"
	else
		echo "filter-result|$session|$token|proceed"
	fi
done
`

// configureOpenSMTPD has OpenSMTPD put all mail into one folder.
func (s *Server) configureOpenSMTPD(o Options) {
	s.t.Helper()
	authority, err := os.ReadFile(s.CAFile)
	s.check(err)
	s.folder("/var/lib/opensmtpd/empty", "root", 0o755)
	s.folder("/var/spool", "root", 0o755)
	s.write("/etc/ssl/certs/ca-certificates.crt", string(authority)) // without, it does not start
	s.write("/etc/filter", filter)
	s.check(os.Chmod(filepath.Join(s.root, "etc/filter"), 0o755))
	encrypted, err := s.command("/usr/libexec/opensmtpd/encrypt", Password).Output()
	s.check(err)
	s.write("/etc/credentials", fmt.Sprintf("%s %s\n", Username, strings.TrimSpace(string(encrypted))))
	s.write("/etc/smtpd.conf", fmt.Sprintf(`
pki server cert "/etc/cert.pem"
pki server key "/etc/key.pem"
table credentials file:/etc/credentials
table mailboxes { "@" = mail }
filter put-off proc-exec "/etc/filter"
smtp max-message-size %d
listen on 127.0.0.1 port %d tls-require pki server auth <credentials> hostname mx.example.org filter put-off
listen on 127.0.0.1 port %d smtps pki server auth <credentials> hostname mx.example.org filter put-off
action "box" maildir "/var/mail/all" virtual <mailboxes>
match auth from any for any rcpt-to regex "^unknown" reject
match auth from any for any action "box"
`, o.MaxSize, s.Port, s.TLSPort))
}
