package mta

import (
	"os"
	"path/filepath"
	"strings"
)

// Delivered is a mail in the mailbox.
type Delivered struct {
	Recipient string // for whom it was
	Raw       []byte // with what the server put before it; lines end as the server writes them
}

// Delivered returns all mail that has been delivered, in no order: a mail as often as it had recipients.
func (s *Server) Delivered() []Delivered {
	s.t.Helper()
	paths, err := filepath.Glob(filepath.Join(s.root, "var/mail/all/new/*"))
	s.check(err)
	var all []Delivered
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		s.check(err)
		all = append(all, Delivered{recipient(string(raw)), raw})
	}
	return all
}

// Empty forgets all mail that has been delivered.
func (s *Server) Empty() {
	s.t.Helper()
	paths, err := filepath.Glob(filepath.Join(s.root, "var/mail/all/new/*"))
	s.check(err)
	for _, path := range paths {
		s.check(os.Remove(path))
	}
}

// recipient finds for whom a mail was, as the server says in one of the fields that it puts first.
func recipient(raw string) string {
	for line := range strings.Lines(raw) {
		name, value, _ := strings.Cut(line, ":")
		switch strings.ToLower(name) {
		case "x-original-to", "envelope-to", "delivered-to":
			return strings.TrimSpace(value)
		}
	}
	return ""
}
