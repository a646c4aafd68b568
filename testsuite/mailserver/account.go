package mailserver

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
)

const (
	inbox     = "INBOX"
	delimiter = '/'
)

// account is the mailboxes of one address. INBOX is always among them.
type account struct {
	server  *Server
	address string
	dir     string

	mu    sync.Mutex
	boxes map[string]*mailbox
}

// open reads the account's mailboxes and makes INBOX if it is missing.
func (a *account) open() error {
	a.boxes = make(map[string]*mailbox)
	if err := os.MkdirAll(a.dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(a.dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		f := files{dir: filepath.Join(a.dir, entry.Name()), durable: a.server.durable()}
		name, err := os.ReadFile(f.nameFile())
		if errors.Is(err, fs.ErrNotExist) {
			if err := os.RemoveAll(f.dir); err != nil {
				return err
			}
			continue
		} else if err != nil {
			return err
		}
		uidValidity, err := strconv.ParseUint(entry.Name(), 10, 32)
		if err != nil {
			return fmt.Errorf("%s is not named by a UIDVALIDITY: %w", f.dir, err)
		}
		box, err := openMailbox(f, uint32(uidValidity))
		if err != nil {
			return err
		}
		a.boxes[string(name)] = box
	}
	if a.boxes[inbox] == nil {
		return a.make(inbox)
	}
	return nil
}

// make adds an empty mailbox with a UIDVALIDITY never used before.
func (a *account) make(name string) error {
	uidValidity, err := a.server.nextUIDValidity()
	if err != nil {
		return err
	}
	f := files{dir: filepath.Join(a.dir, strconv.FormatUint(uint64(uidValidity), 10)), durable: a.server.durable()}
	if err := os.Mkdir(f.dir, 0o700); err != nil {
		return err
	}
	if err := writeFile(f.nameFile(), []byte(name), f.durable); err != nil {
		return err
	}
	if f.durable {
		if err := errors.Join(syncDir(a.dir), syncDir(a.server.accountsDir())); err != nil {
			return err
		}
	}
	box, err := openMailbox(f, uidValidity)
	if err != nil {
		return err
	}
	a.boxes[name] = box
	return nil
}

// mailbox returns nil when there is no such mailbox.
func (a *account) mailbox(name string) *mailbox {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.boxes[canonical(name)]
}

func (a *account) names() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Sorted(maps.Keys(a.boxes))
}

// add stores a spooled file. The account stays locked so that the mailbox cannot
// be deleted in between.
func (a *account) add(name, source string, received time.Time, flags []imap.Flag) (*imap.AppendData, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	box := a.boxes[canonical(name)]
	if box == nil {
		return nil, no(imap.ResponseCodeTryCreate, "No such mailbox")
	}
	uid, err := box.add(source, received, combine(nil, imap.StoreFlagsSet, flags))
	if err != nil {
		return nil, fmt.Errorf("store a message in %s of %s: %w", name, a.address, err)
	}
	return &imap.AppendData{UID: uid, UIDValidity: box.uidValidity}, nil
}

// create makes a mailbox and the missing ones above it.
func (a *account) create(name string) error {
	name = canonical(strings.TrimRight(name, string(delimiter)))
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.boxes[name] != nil {
		return no(imap.ResponseCodeAlreadyExists, "Mailbox already exists")
	}
	return a.makeWithParents(name)
}

func (a *account) makeWithParents(name string) error {
	parts := strings.Split(name, string(delimiter))
	if slices.Contains(parts, "") {
		return no(imap.ResponseCodeCannot, "A mailbox name has no empty part")
	}
	for i := range parts {
		if part := strings.Join(parts[:i+1], string(delimiter)); a.boxes[part] == nil {
			if err := a.make(part); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *account) delete(name string) error {
	name = canonical(name)
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.boxes[name] == nil:
		return no(imap.ResponseCodeNonExistent, "No such mailbox")
	case name == inbox:
		return no(imap.ResponseCodeCannot, "INBOX cannot be deleted")
	case a.hasChildren(name):
		return no(imap.ResponseCodeHasChildren, "Delete the mailboxes below it first")
	}
	return a.remove(name)
}

func (a *account) remove(name string) error {
	box := a.boxes[name]
	delete(a.boxes, name)
	return box.drop()
}

func (a *account) recreate(name string) error {
	name = canonical(name)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.boxes[name] != nil {
		if err := a.remove(name); err != nil {
			return err
		}
	}
	return a.makeWithParents(name)
}

func (a *account) hasChildren(name string) bool {
	for other := range a.boxes {
		if strings.HasPrefix(other, name+string(delimiter)) {
			return true
		}
	}
	return false
}

// canonical spells INBOX in one way, also as the first part of a name (RFC 9051
// section 5.1).
func canonical(name string) string {
	if first, _, _ := strings.Cut(name, string(delimiter)); strings.EqualFold(first, inbox) {
		return inbox + name[len(inbox):]
	}
	return name
}

func no(code imap.ResponseCode, text string) *imap.Error {
	return &imap.Error{Type: imap.StatusResponseTypeNo, Code: code, Text: text}
}
