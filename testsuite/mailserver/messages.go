package mailserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/emersion/go-imap/v2"
)

// Message is one stored message.
type Message struct {
	UID      uint32
	Flags    []string
	Received time.Time // When SMTP had read the end of DATA; for others, the IMAP internal date.
	Raw      []byte    // As stored, with the Return-Path and Received lines that SMTP added.
}

// Messages returns what a folder ("INBOX", "Archive/2026") of an address holds,
// by rising UID.
func (s *Server) Messages(address, folder string) ([]Message, error) {
	account, err := s.account(address)
	if err != nil {
		return nil, err
	}
	box := account.mailbox(folder)
	if box == nil {
		return nil, fmt.Errorf("mail server: %s has no folder %q, only %q", address, folder, account.names())
	}
	var messages []Message
	for _, m := range box.list() {
		raw, err := os.ReadFile(box.files.path(m))
		if errors.Is(err, fs.ErrNotExist) {
			continue // Expunged in between.
		} else if err != nil {
			return nil, fmt.Errorf("mail server: read message %d of %s: %w", m.uid, address, err)
		}
		messages = append(messages, Message{UID: uint32(m.uid), Flags: plain(m.flags), Received: m.received, Raw: raw})
	}
	return messages, nil
}

// WaitFor blocks until the INBOX of an address holds at least n messages and
// returns them. It is woken by each delivery and never polls.
func (s *Server) WaitFor(ctx context.Context, address string, n int) ([]Message, error) {
	account, err := s.account(address)
	if err != nil {
		return nil, err
	}
	for {
		s.mu.Lock()
		arrived := s.arrived
		s.mu.Unlock()
		have := 0
		if box := account.mailbox(inbox); box != nil {
			have = len(box.list())
		}
		if have >= n {
			return s.Messages(address, inbox)
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return nil, fmt.Errorf("mail server: wait for %d messages to %s, have %d: %w", n, address, have, ctx.Err())
		}
	}
}

// Recreate deletes a folder, INBOX too, with all its mail and creates it anew
// under another UIDVALIDITY, as an administrator may do behind a client's back.
func (s *Server) Recreate(address, folder string) error {
	account, err := s.account(address)
	if err != nil {
		return err
	}
	return account.recreate(folder)
}

// announce wakes those who wait for mail.
func (s *Server) announce() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.arrived)
	s.arrived = make(chan struct{})
}

func plain(flags []imap.Flag) []string {
	var texts []string
	for _, flag := range flags {
		texts = append(texts, string(flag))
	}
	return texts
}
