package ewsserver

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
)

// mailbox is what one address owns. Server.mu guards it.
type mailbox struct {
	address string
	folders []*folder // a parent stands before its children
	changes int       // the last number given to a change of the hierarchy
}

type folder struct {
	id, distinguished, name, class string
	parent                         *folder
	owner                          *mailbox
	created, changed               int // numbers of changes of the hierarchy

	items   []*item
	changes int // the last number given to a change of an item
}

// item is a mail, or with deleted the memory of one.
type item struct {
	id, class  string
	in         *folder
	raw        []byte
	header     header
	received   time.Time
	read       bool
	categories []string
	version    int
	unmimeable bool // conversion to MIME fails

	created, changed, readChanged int // numbers of changes of the folder
	deleted                       bool
}

// wellKnown are the folders of a new mailbox: distinguished id, name, class. Their parent is msgfolderroot.
var wellKnown = [][3]string{
	{"inbox", "Inbox", "IPF.Note"},
	{"drafts", "Drafts", "IPF.Note"},
	{"sentitems", "Sent Items", "IPF.Note"},
	{"deleteditems", "Deleted Items", "IPF.Note"},
	{"junkemail", "Junk Email", "IPF.Note"},
	{"outbox", "Outbox", "IPF.Note"},
	{"calendar", "Calendar", "IPF.Appointment"},
	{"contacts", "Contacts", "IPF.Contact"},
}

func (s *Server) newMailbox(address string) *mailbox {
	m := &mailbox{address: address}
	root := s.newFolder(m, nil, "", "")
	root.distinguished = "root"
	top := s.newFolder(m, root, "Top of Information Store", "IPF.Note")
	top.distinguished = "msgfolderroot"
	for _, known := range wellKnown {
		s.newFolder(m, top, known[1], known[2]).distinguished = known[0]
	}
	return m
}

func (s *Server) newFolder(m *mailbox, parent *folder, name, class string) *folder {
	m.changes++
	f := &folder{id: s.newID("folder"), name: name, class: class, parent: parent, owner: m, created: m.changes, changed: m.changes}
	m.folders = append(m.folders, f)
	return f
}

// newID makes an id of the length and the letters of real ones: 112 bytes as base64, among them / and +.
func (s *Server) newID(kind string) string {
	s.serial++
	var id []byte
	for i := range 4 {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", kind, s.serial, i))
		id = append(id, sum[:28]...)
	}
	return base64.StdEncoding.EncodeToString(id)
}

func (m *mailbox) byID(id string) *folder {
	for _, f := range m.folders {
		if f.id == id {
			return f
		}
	}
	return nil
}

func (m *mailbox) distinguished(id string) *folder {
	for _, f := range m.folders {
		if f.distinguished == id {
			return f
		}
	}
	return nil
}

func (m *mailbox) child(parent *folder, name string) *folder {
	for _, f := range m.folders {
		if f.parent == parent && strings.EqualFold(f.name, name) {
			return f
		}
	}
	return nil
}

func (m *mailbox) item(id string) *item {
	for _, f := range m.folders {
		for _, i := range f.items {
			if i.id == id && !i.deleted {
				return i
			}
		}
	}
	return nil
}

// within reports whether f is below parent, at any depth.
func (f *folder) within(parent *folder) bool {
	for f = f.parent; f != nil; f = f.parent {
		if f == parent {
			return true
		}
	}
	return false
}

func (f *folder) key() string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "AQAAAB%06d", f.changed))
}

func (f *folder) live() []*item {
	return slices.DeleteFunc(slices.Clone(f.items), func(i *item) bool { return i.deleted })
}

func (i *item) key() string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "CQAAABYAAA%06d", i.version))
}

// add puts an item into a folder, as new.
func (s *Server) add(f *folder, i *item) *item {
	f.changes++
	i.id, i.in, i.created, i.changed, i.readChanged = s.newID("item"), f, f.changes, f.changes, 0
	i.version++
	f.items = append(f.items, i)
	return i
}

func (s *Server) remove(i *item) {
	i.in.changes++
	i.deleted, i.changed, i.raw = true, i.in.changes, nil
}

// move takes an item to another folder, where it is another one.
func (s *Server) move(i *item, to *folder) *item {
	moved := *i
	s.remove(i)
	added := s.add(to, &moved)
	s.publish(event{kind: "MovedEvent", item: added, oldItem: i.id, oldFolder: i.in.id})
	return added
}
