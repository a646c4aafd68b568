package mailserver

import (
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
)

// mailbox is one folder of an account in memory. Disk comes first: nothing is
// shown to a session that a restart would forget.
type mailbox struct {
	files       files
	uidValidity uint32
	tracker     *imapserver.MailboxTracker // Its Queue methods are called with mu held.

	mu       sync.Mutex
	messages []message // By rising UID; the sequence number is the index plus one.
	next     imap.UID
	views    map[*view]struct{}
	deleted  bool
}

// view is a session's sight of the mailbox it has selected. The tracker keeps
// what the client has not been told yet; wake, with room for one signal, says
// that there is something.
type view struct {
	box      *mailbox
	tracker  *imapserver.SessionTracker
	readOnly bool
	wake     chan struct{}
}

// row is a message under the number by which the client knows it; 0 if it
// does not know it yet.
type row struct {
	message
	seq uint32
}

func openMailbox(f files, uidValidity uint32) (*mailbox, error) {
	messages, next, err := f.load()
	if err != nil {
		return nil, err
	}
	return &mailbox{
		files: f, uidValidity: uidValidity, messages: messages, next: next,
		tracker: imapserver.NewMailboxTracker(uint32(len(messages))),
		views:   make(map[*view]struct{}),
	}, nil
}

// add takes a spooled file in as the newest message.
func (b *mailbox) add(source string, received time.Time, flags []imap.Flag) (imap.UID, error) {
	info, err := os.Stat(source)
	if err != nil {
		return 0, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	m := message{uid: b.next, received: received, size: info.Size(), flags: flags}
	if err := b.files.add(source, m); err != nil {
		return 0, err
	}
	b.next++ // The file is there, so the UID is used, whatever follows.
	if len(flags) > 0 {
		if err := b.files.append([]string{flagsLine(m.uid, flags)}, true); err != nil {
			return 0, err
		}
	}
	b.messages = append(b.messages, m)
	b.tracker.QueueNumMessages(uint32(len(b.messages)))
	b.wakeAll()
	return m.uid, nil
}

// update changes the flags of messages. The session that asked is not told.
func (b *mailbox) update(uids imap.UIDSet, op imap.StoreFlagsOp, flags []imap.Flag, source *imapserver.SessionTracker) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var lines []string
	changed := make(map[int][]imap.Flag)
	for i, m := range b.messages {
		if !uids.Contains(m.uid) {
			continue
		}
		if now := combine(m.flags, op, flags); !slices.Equal(now, m.flags) {
			changed[i] = now
			lines = append(lines, flagsLine(m.uid, now))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	if err := b.files.append(lines, false); err != nil {
		return err
	}
	for i, now := range changed {
		b.messages[i].flags = now
		b.tracker.QueueMessageFlags(uint32(i)+1, b.messages[i].uid, now, source)
	}
	b.wakeAll()
	return nil
}

// expunge removes messages for good. The log goes first, so that their UIDs
// stay used when the highest of them is gone.
func (b *mailbox) expunge(match func(message) bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var lines []string
	for _, m := range b.messages {
		if match(m) {
			lines = append(lines, goneLine(m.uid))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	if err := b.files.append(lines, true); err != nil {
		return err
	}
	for i := len(b.messages) - 1; i >= 0; i-- {
		m := b.messages[i]
		if !match(m) {
			continue
		}
		b.messages = slices.Delete(b.messages, i, i+1)
		b.tracker.QueueExpunge(uint32(i) + 1)
		// A file that stays is removed at the next start: the log says that it is gone.
		_ = os.Remove(b.files.path(m))
	}
	b.wakeAll()
	return nil
}

// drop ends the mailbox and the sessions that have it selected. The name goes
// first: without it, the rest is litter for the next start.
func (b *mailbox) drop() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := os.Remove(b.files.nameFile()); err != nil {
		return err
	}
	b.deleted = true
	b.wakeAll()
	return os.RemoveAll(b.files.dir)
}

func (b *mailbox) wakeAll() {
	for v := range b.views {
		select {
		case v.wake <- struct{}{}:
		default: // It is awake already.
		}
	}
}

func (b *mailbox) list() []message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.messages)
}

func (b *mailbox) isDeleted() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.deleted
}

// view opens a session's sight and returns what SELECT answers.
func (b *mailbox) view(readOnly bool) (*view, *imap.SelectData) {
	b.mu.Lock()
	defer b.mu.Unlock()
	v := &view{box: b, tracker: b.tracker.NewSession(), readOnly: readOnly, wake: make(chan struct{}, 1)}
	b.views[v] = struct{}{}
	flags := []imap.Flag{imap.FlagAnswered, imap.FlagFlagged, imap.FlagDeleted, imap.FlagSeen, imap.FlagDraft}
	data := &imap.SelectData{NumMessages: uint32(len(b.messages)), UIDNext: b.next, UIDValidity: b.uidValidity}
	for i, m := range b.messages {
		flags = combine(flags, imap.StoreFlagsAdd, m.flags)
		if data.FirstUnseenSeqNum == 0 && !m.has(imap.FlagSeen) {
			data.FirstUnseenSeqNum = uint32(i) + 1
		}
	}
	data.Flags = flags
	if !readOnly {
		data.PermanentFlags = append(slices.Clone(flags), imap.FlagWildcard)
	}
	return v, data
}

func (v *view) close() {
	v.box.mu.Lock()
	defer v.box.mu.Unlock()
	delete(v.box.views, v)
	v.tracker.Close()
}

// rows returns all messages, those that the client does not know yet included.
func (v *view) rows() []row {
	v.box.mu.Lock()
	defer v.box.mu.Unlock()
	rows := make([]row, len(v.box.messages))
	for i, m := range v.box.messages {
		rows[i] = row{message: m, seq: v.tracker.EncodeSeqNum(uint32(i) + 1)}
	}
	return rows
}

func (m message) has(flag imap.Flag) bool { return indexFlag(m.flags, flag) >= 0 }

// Flags are compared without regard to case and keep the case first seen.
func indexFlag(flags []imap.Flag, flag imap.Flag) int {
	return slices.IndexFunc(flags, func(f imap.Flag) bool { return strings.EqualFold(string(f), string(flag)) })
}

// combine applies a STORE operation and returns a new list.
func combine(have []imap.Flag, op imap.StoreFlagsOp, flags []imap.Flag) []imap.Flag {
	var result []imap.Flag
	if op != imap.StoreFlagsSet {
		result = slices.Clone(have)
	}
	for _, flag := range flags {
		at := indexFlag(result, flag)
		switch {
		case op == imap.StoreFlagsDel && at >= 0:
			result = slices.Delete(result, at, at+1)
		case op != imap.StoreFlagsDel && at < 0 && flag != imap.FlagWildcard && !strings.EqualFold(string(flag), `\Recent`):
			result = append(result, flag)
		}
	}
	return result
}
