package dovecot

import (
	"bufio"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SetPassword changes the password of a user, who need not exist. It returns when the server knows, which takes up to
// a second, because Dovecot looks at the file no more often.
func (s *Server) SetPassword(user, password string) {
	s.t.Helper()
	s.users[user] = password
	s.writeUsers()
	for deadline := time.Now().Add(10 * time.Second); s.process != nil && !s.accepts(user, password); {
		if time.Now().After(deadline) {
			s.t.Fatal("dovecot: the new password is not accepted")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *Server) accepts(user, password string) bool {
	c, err := net.DialTimeout("tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), time.Second)
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = fmt.Fprintf(c, "a LOGIN %q %q\r\n", user, password)
	for lines := bufio.NewScanner(c); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "a ") {
			return strings.HasPrefix(lines.Text(), "a OK")
		}
	}
	return false
}

func (s *Server) writeUsers() {
	s.t.Helper()
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(s.users)) {
		fmt.Fprintf(&text, "%s:%s\n", name, s.users[name])
	}
	// Dovecot reads the file again when its second or its size changed, so the size must change.
	text.WriteString("#" + strings.Repeat("#", int(s.serial.Add(1))) + "\n")
	path := filepath.Join(s.dir, "passwd")
	s.check(os.WriteFile(path+".new", []byte(text.String()), 0o644))
	s.account.Give(s.t, path+".new")
	s.check(os.Rename(path+".new", path))
}

// Deliver puts a mail into the user's INBOX, whether the server runs or not. Line ends are kept as they are. It is
// safe to call from several goroutines.
func (s *Server) Deliver(user string, raw []byte) {
	s.t.Helper()
	maildir := s.maildir(user)
	for _, dir := range []string{"cur", "new", "tmp"} {
		s.check(os.MkdirAll(filepath.Join(maildir, dir), 0o700))
	}
	// Not all that is in them: Dovecot's own files come and go.
	for _, dir := range []string{"..", ".", "cur", "new", "tmp"} {
		s.account.Give(s.t, filepath.Join(maildir, dir))
	}
	name := fmt.Sprintf("%d.M%dP%d.test", os.Getpid(), s.serial.Add(1), os.Getpid())
	s.check(os.WriteFile(filepath.Join(maildir, "tmp", name), raw, 0o600))
	s.account.Give(s.t, filepath.Join(maildir, "tmp", name))
	s.check(os.Rename(filepath.Join(maildir, "tmp", name), filepath.Join(maildir, "new", name)))
}

// ResetMailbox deletes the user's folders with all mail; the INBOX that the next log-in creates has another
// UIDVALIDITY. Connections that have it open are in an undefined state, as they are on a real server.
func (s *Server) ResetMailbox(user string) {
	s.t.Helper()
	maildir := s.maildir(user)
	entries, err := os.ReadDir(maildir)
	s.check(err)
	for _, entry := range entries {
		// These files hold the last UIDVALIDITY that was given out. Without them the new one is the time in seconds,
		// which may be the same.
		if !strings.HasPrefix(entry.Name(), "dovecot-uidvalidity") {
			s.check(os.RemoveAll(filepath.Join(maildir, entry.Name())))
		}
	}
}

func (s *Server) maildir(user string) string { return filepath.Join(s.dir, "mail", user, "Maildir") }
