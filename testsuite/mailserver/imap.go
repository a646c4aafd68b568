package mailserver

import (
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
)

func capabilities() imap.CapSet {
	caps := imap.CapSet{}
	for _, c := range []imap.Cap{
		imap.CapIMAP4rev1, imap.CapNamespace, imap.CapUIDPlus, imap.CapESearch, imap.CapListExtended,
		imap.CapListStatus, imap.CapMove, imap.CapStatusSize, imap.CapChildren, imap.CapLiteralPlus,
	} {
		caps[c] = struct{}{}
	}
	return caps
}

// imapSession is one IMAP connection. The library calls it from one goroutine
// at a time, except that Close may come while Idle is ending.
type imapSession struct {
	server  *Server
	conn    *imapserver.Conn
	account *account // Nil before login.
	view    *view    // Nil when no mailbox is selected.
}

func (s *Server) newIMAPSession(c *imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
	return &imapSession{server: s, conn: c}, &imapserver.GreetingData{}, nil
}

func (s *imapSession) Close() error {
	if s.view != nil {
		s.view.close()
	}
	return nil
}

func (s *imapSession) Login(username, password string) error {
	account, err := s.server.login(username, password)
	if err != nil {
		return imapserver.ErrAuthFailed
	}
	s.account = account
	return nil
}

func (s *imapSession) Select(name string, options *imap.SelectOptions) (*imap.SelectData, error) {
	box := s.account.mailbox(name)
	if box == nil {
		return nil, no(imap.ResponseCodeNonExistent, "No such mailbox")
	}
	var data *imap.SelectData
	s.view, data = box.view(options.ReadOnly)
	return data, nil
}

func (s *imapSession) Unselect() error {
	s.view.close()
	s.view = nil
	return nil
}

func (s *imapSession) Create(name string, _ *imap.CreateOptions) error { return s.account.create(name) }

func (s *imapSession) Delete(name string) error {
	if s.view != nil && s.account.mailbox(name) == s.view.box {
		return no(imap.ResponseCodeInUse, "Close the mailbox first")
	}
	return s.account.delete(name)
}

func (s *imapSession) Rename(string, string, *imap.RenameOptions) error {
	return no(imap.ResponseCodeCannot, "Mailboxes are not renamed here; create one and move the messages")
}

// Subscribe has nothing to do: every mailbox is subscribed.
func (s *imapSession) Subscribe(string) error { return nil }

func (s *imapSession) Unsubscribe(string) error {
	return no(imap.ResponseCodeCannot, "Every mailbox is subscribed")
}

func (s *imapSession) Namespace() (*imap.NamespaceData, error) {
	return &imap.NamespaceData{Personal: []imap.NamespaceDescriptor{{Delim: delimiter}}}, nil
}

func (s *imapSession) List(w *imapserver.ListWriter, ref string, patterns []string, options *imap.ListOptions) error {
	if len(patterns) == 0 { // The client asks for the delimiter.
		return w.WriteList(&imap.ListData{Attrs: []imap.MailboxAttr{imap.MailboxAttrNoSelect}, Delim: delimiter})
	}
	for _, data := range s.account.listed(ref, patterns, options) {
		if err := w.WriteList(&data); err != nil {
			return err
		}
	}
	return nil
}

func (a *account) listed(ref string, patterns []string, options *imap.ListOptions) []imap.ListData {
	var list []imap.ListData
	for _, name := range a.names() {
		if !slices.ContainsFunc(patterns, func(p string) bool { return imapserver.MatchList(name, delimiter, ref, p) }) {
			continue
		}
		a.mu.Lock()
		box, parent := a.boxes[name], a.hasChildren(name)
		a.mu.Unlock()
		if box == nil || options.SelectSpecialUse {
			continue
		}
		data := imap.ListData{Mailbox: name, Delim: delimiter, Attrs: []imap.MailboxAttr{imap.MailboxAttrHasNoChildren, imap.MailboxAttrSubscribed}}
		if parent {
			data.Attrs[0] = imap.MailboxAttrHasChildren
		}
		if options.ReturnStatus != nil {
			data.Status = box.status(name)
		}
		list = append(list, data)
	}
	return list
}

func (s *imapSession) Status(name string, _ *imap.StatusOptions) (*imap.StatusData, error) {
	box := s.account.mailbox(name)
	if box == nil {
		return nil, no(imap.ResponseCodeNonExistent, "No such mailbox")
	}
	return box.status(name), nil
}

// status fills every item; the library writes those that were asked for.
func (b *mailbox) status(name string) *imap.StatusData {
	b.mu.Lock()
	defer b.mu.Unlock()
	var unseen, deleted, recent uint32
	var size, deletedSize int64
	for _, m := range b.messages {
		size += m.size
		if !m.has(imap.FlagSeen) {
			unseen++
		}
		if m.has(imap.FlagDeleted) {
			deleted++
			deletedSize += m.size
		}
	}
	count := uint32(len(b.messages))
	return &imap.StatusData{
		Mailbox: name, NumMessages: &count, NumRecent: &recent, UIDNext: b.next, UIDValidity: b.uidValidity,
		NumUnseen: &unseen, NumDeleted: &deleted, Size: &size, DeletedStorage: &deletedSize,
	}
}

func (s *imapSession) AppendLimit() uint32 {
	return uint32(min(s.server.options.MaxMessageBytes, math.MaxUint32))
}

func (s *imapSession) Append(name string, literal imap.LiteralReader, options *imap.AppendOptions) (*imap.AppendData, error) {
	path, err := s.server.spool(func(file io.Writer) error {
		_, err := io.Copy(file, literal)
		return err
	})
	if err != nil {
		return nil, err
	}
	defer os.Remove(path)
	date := options.Time
	if date.IsZero() {
		date = time.Now()
	}
	data, err := s.account.add(name, path, date, options.Flags)
	if err == nil {
		s.server.announce()
	}
	return data, err
}

// Poll tells the client what has changed since it was last told.
func (s *imapSession) Poll(w *imapserver.UpdateWriter, allowExpunge bool) error {
	if s.view == nil {
		return nil
	}
	return s.view.poll(s.conn, w, allowExpunge)
}

func (v *view) poll(conn *imapserver.Conn, w *imapserver.UpdateWriter, allowExpunge bool) error {
	if v.box.isDeleted() {
		return conn.Bye("The selected mailbox was deleted")
	}
	return v.tracker.Poll(w, allowExpunge)
}

// Idle tells changes as they come. wake keeps a signal, so mail that arrived
// between the last command and IDLE does not wait for the next.
func (s *imapSession) Idle(w *imapserver.UpdateWriter, stop <-chan struct{}) error {
	v := s.view
	if v == nil {
		<-stop
		return nil
	}
	for {
		select {
		case <-v.wake:
			if err := v.poll(s.conn, w, true); err != nil {
				return err
			}
		case <-stop:
			return nil
		}
	}
}

func (s *imapSession) Store(w *imapserver.FetchWriter, set imap.NumSet, store *imap.StoreFlags, _ *imap.StoreOptions) error {
	if s.view.readOnly {
		return errReadOnly()
	}
	uids := uidsOf(s.view.pick(set))
	if err := s.view.box.update(uids, store.Op, store.Flags, s.view.tracker); err != nil || store.Silent {
		return err
	}
	return s.view.fetch(w, uids, &imap.FetchOptions{Flags: true})
}

// Expunge reports through Poll. CLOSE, which the library passes on with an empty
// writer, expunges nothing in a mailbox opened by EXAMINE (RFC 9051 section 6.4.1).
func (s *imapSession) Expunge(w *imapserver.ExpungeWriter, uids *imap.UIDSet) error {
	if s.view.readOnly {
		if *w == (imapserver.ExpungeWriter{}) {
			return nil
		}
		return errReadOnly()
	}
	return s.view.box.expunge(func(m message) bool {
		return m.has(imap.FlagDeleted) && (uids == nil || uids.Contains(m.uid))
	})
}

func (s *imapSession) Copy(set imap.NumSet, dest string) (*imap.CopyData, error) {
	if s.account.mailbox(dest) == nil {
		return nil, no(imap.ResponseCodeTryCreate, "No such mailbox")
	}
	var data *imap.CopyData // Stays nil when nothing is copied: COPYUID has no empty set.
	for _, r := range s.view.pick(set) {
		copied, err := s.account.add(dest, s.view.box.files.path(r.message), r.received, r.flags)
		if errors.Is(err, fs.ErrNotExist) {
			continue // Expunged by another session in between.
		} else if err != nil {
			return nil, err
		}
		if data == nil {
			data = &imap.CopyData{UIDValidity: copied.UIDValidity}
		}
		data.SourceUIDs.AddNum(r.uid)
		data.DestUIDs.AddNum(copied.UID)
	}
	if data != nil {
		s.server.announce()
	}
	return data, nil
}

// Move copies and then expunges; the EXPUNGE responses come through Poll.
func (s *imapSession) Move(w *imapserver.MoveWriter, set imap.NumSet, dest string) error {
	if s.view.readOnly {
		return errReadOnly()
	}
	data, err := s.Copy(set, dest)
	if err != nil || data == nil {
		return err
	}
	if err := w.WriteCopyData(data); err != nil {
		return err
	}
	return s.view.box.expunge(func(m message) bool { return data.SourceUIDs.Contains(m.uid) })
}

func errReadOnly() error { return no("READ-ONLY", "The mailbox was opened with EXAMINE") }

func uidsOf(rows []row) (uids imap.UIDSet) {
	for _, r := range rows {
		uids.AddNum(r.uid)
	}
	return uids
}

var (
	_ imapserver.SessionNamespace   = (*imapSession)(nil)
	_ imapserver.SessionMove        = (*imapSession)(nil)
	_ imapserver.SessionAppendLimit = (*imapSession)(nil)
)
