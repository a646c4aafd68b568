package ewsserver

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Mail is what a test puts into a folder, or finds there.
type Mail struct {
	ID         string // given by the server
	Raw        []byte
	Received   time.Time // now
	Class      string    // IPM.Note
	Read       bool
	Categories []string
	// Unmimeable mails cannot be had as MIME: ErrorMimeContentConversionFailed.
	Unmimeable bool
}

// Deliver has a mail arrive in a folder and returns its id. The folder is "inbox" or another distinguished id, or a path
// of names below the top of the mailbox, where missing folders are created.
func (s *Server) Deliver(address, path string, m Mail) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.Received.IsZero() {
		m.Received = time.Now()
	}
	if m.Class == "" {
		m.Class = "IPM.Note"
	}
	i := &item{class: m.Class, raw: m.Raw, header: readHeader(m.Raw), received: m.Received, read: m.Read, categories: m.Categories, unmimeable: m.Unmimeable}
	return s.deliver(s.path(address, path, true), i).id
}

// Mails returns what a folder holds, in the order in which it came there.
func (s *Server) Mails(address, path string) []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.path(address, path, false)
	if f == nil {
		return nil
	}
	var mails []Mail
	for _, i := range f.live() {
		mails = append(mails, Mail{ID: i.id, Raw: i.raw, Received: i.received, Class: i.class, Read: i.read, Categories: slices.Clone(i.categories), Unmimeable: i.unmimeable})
	}
	return mails
}

// Move moves a mail as its owner does with another client.
func (s *Server) Move(address, id, path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.mailboxes[strings.ToLower(address)].item(id); i != nil {
		s.move(i, s.path(address, path, true))
	}
}

// Delete deletes a mail for good.
func (s *Server) Delete(address, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.mailboxes[strings.ToLower(address)].item(id); i != nil {
		s.remove(i)
		s.publish(event{kind: "DeletedEvent", item: i})
	}
}

// Asked is how many requests for an operation came.
func (s *Server) Asked(operation string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[operation]
}

// Challenges is how many log-ins with NTLM were begun.
func (s *Server) Challenges() int { return s.Asked("NTLM") }

// Streams is how many GetStreamingEvents are open.
func (s *Server) Streams() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.streams)
}

func (s *Server) path(address, path string, create bool) *folder {
	box := s.mailboxes[strings.ToLower(address)]
	if box == nil {
		panic(fmt.Sprintf("ewsserver: there is no mailbox %s", address))
	}
	if f := box.distinguished(path); f != nil {
		return f
	}
	at := box.distinguished("msgfolderroot")
	for name := range strings.SplitSeq(path, "/") {
		next := box.child(at, name)
		if next == nil && !create {
			return nil
		}
		if next == nil {
			next = s.newFolder(box, at, name, "IPF.Note")
		}
		at = next
	}
	return at
}
