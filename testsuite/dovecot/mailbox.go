package dovecot

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// SetPassword changes the password of a user, who need not exist, from the next log-in on.
func (s *Server) SetPassword(user, password string) {
	s.t.Helper()
	s.users[user] = password
	s.writeUsers()
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
	s.own(path + ".new")
	s.check(os.Rename(path+".new", path))
}

// Deliver puts a mail into the user's INBOX, whether the server runs or not. Line ends are kept as they are. It is
// safe to call from several goroutines.
func (s *Server) Deliver(user string, raw []byte) {
	s.t.Helper()
	maildir := s.maildir(user)
	for _, dir := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(maildir, dir), 0o700); err != nil {
			s.t.Fatal("dovecot: ", err)
		}
	}
	s.own(filepath.Dir(maildir))
	name := fmt.Sprintf("%d.M%dP%d.test", os.Getpid(), s.serial.Add(1), os.Getpid())
	s.check(os.WriteFile(filepath.Join(maildir, "tmp", name), raw, 0o600))
	s.own(filepath.Join(maildir, "tmp", name))
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
