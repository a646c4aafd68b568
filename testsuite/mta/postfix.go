package mta

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// configurePostfix has all domains be Postfix's own, with virtual mailboxes in one folder.
func (s *Server) configurePostfix(o Options) {
	s.t.Helper()
	s.folder("/var/spool/postfix", "root", 0o755)
	for _, name := range []string{"active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace"} {
		s.folder("/var/spool/postfix/"+name, "postfix", 0o700)
	}
	s.folder("/var/spool/postfix/maildrop", "postfix:postdrop", 0o730)
	s.folder("/var/spool/postfix/public", "postfix:postdrop", 0o710)
	s.folder("/var/spool/postfix/pid", "root", 0o755)
	s.folder("/var/lib/postfix", "postfix", 0o755)

	lines := []string{
		"compatibility_level = 3.6",
		"queue_directory = /var/spool/postfix",
		"data_directory = /var/lib/postfix",
		"command_directory = /usr/sbin",
		"daemon_directory = /usr/lib/postfix/sbin",
		"shlib_directory = /usr/lib/postfix",
		"meta_directory = /etc/postfix",
		"mail_owner = postfix",
		"setgid_group = postdrop",
		"maillog_file = /var/log/mail.log",
		"myhostname = mx.example.org",
		"mydestination =", "alias_maps =", "alias_database =",
		"mynetworks =", // nobody is spared from limits
		"inet_protocols = ipv4",
		"virtual_mailbox_domains = static:all",
		"virtual_mailbox_maps = regexp:/etc/postfix/mailboxes",
		"virtual_mailbox_base = /var/mail",
		"virtual_mailbox_limit = 0",
		fmt.Sprint("virtual_uid_maps = static:", s.id("passwd", "mail")),
		fmt.Sprint("virtual_gid_maps = static:", s.id("group", "mail")),
		fmt.Sprint("message_size_limit = ", o.MaxSize),
		"smtputf8_enable = yes",
		"smtpd_tls_security_level = encrypt",
		"smtpd_tls_cert_file = /etc/cert.pem",
		"smtpd_tls_key_file = /etc/key.pem",
		"smtpd_sasl_auth_enable = yes",
		"smtpd_sasl_type = dovecot",
		"smtpd_sasl_path = /run/dovecot/client",
		"smtpd_relay_restrictions = permit_sasl_authenticated, reject",
		fmt.Sprintf("smtpd_recipient_restrictions = reject_unlisted_recipient, check_policy_service inet:%s, permit_sasl_authenticated, reject", s.policy()),
	}
	if o.Connections > 0 {
		lines = append(lines, fmt.Sprint("smtpd_client_connection_count_limit = ", o.Connections))
	}
	if o.ConnectionRate > 0 {
		lines = append(lines, fmt.Sprint("smtpd_client_connection_rate_limit = ", o.ConnectionRate))
	}
	s.write("/etc/postfix/main.cf", strings.Join(lines, "\n")+"\n")
	s.write("/etc/postfix/mailboxes", "!/^unknown/ all/\n") // the slash: a Maildir
	s.write("/etc/postfix/master.cf", fmt.Sprintf(`
127.0.0.1:%d inet  n - n - - smtpd
127.0.0.1:%d inet  n - n - - smtpd -o smtpd_tls_wrappermode=yes
pickup      unix n - n 60 1 pickup
cleanup     unix n - n - 0 cleanup
qmgr        unix n - n 300 1 qmgr
tlsmgr      unix - - n 1000? 1 tlsmgr
rewrite     unix - - n - - trivial-rewrite
bounce      unix - - n - 0 bounce
defer       unix - - n - 0 bounce
trace       unix - - n - 0 bounce
verify      unix - - n - 1 verify
flush       unix n - n 1000? 0 flush
proxymap    unix - - n - - proxymap
proxywrite  unix - - n - 1 proxymap
error       unix - - n - - error
retry       unix - - n - - error
virtual     unix - n n - - virtual
anvil       unix - - n - 1 anvil
postlog     unix-dgram n - n - 1 postlogd
`, s.Port, s.TLSPort))
}

// policy is where Postfix asks what to do with a recipient (SMTPD_POLICY_README), as it does with programs for greylisting.
func (s *Server) policy() (address string) {
	s.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	s.check(err)
	s.t.Cleanup(func() { _ = listener.Close() })
	serve := func(c net.Conn) {
		defer func() { _ = c.Close() }()
		for lines := bufio.NewScanner(c); lines.Scan(); {
			if lines.Text() != "" {
				continue // an attribute of the request, which an empty line ends
			}
			action := "DUNNO"
			if _, err := os.Stat(filepath.Join(s.root, "etc/put-off")); err == nil {
				action = "DEFER 4.7.1 try again later"
			}
			if _, err := fmt.Fprintf(c, "action=%s\n\n", action); err != nil {
				return
			}
		}
	}
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	return listener.Addr().String()
}
