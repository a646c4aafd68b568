package imap

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"github.com/waybill-io/waybill/mail"
)

const (
	// sinceMargin is how far the clocks of a mail server and of ours may be apart.
	sinceMargin = 2 * time.Minute
	// rescanMargin: in a folder that was renumbered, mail that is older than the newest handled one by more than this is taken
	// for handled. Within it the caller must tell.
	rescanMargin = 24 * time.Hour
)

// Account reads several folders of an account over one connection. It is for one goroutine, except LastAlive and Close.
//
// Next is called for each folder until there is no more, then Wait, then Next for each folder again. After an *Error of another
// kind than KindFolderMissing and KindUnavailable, close the account and open it anew; at once when it is KindReconnect.
type Account struct {
	s       *Session
	folders []string
	known   map[string]known
	polled  time.Time
}

// Open connects and logs in. The first of the folders is the one whose changes the server announces at once. The context
// bounds the call, not the account.
func Open(ctx context.Context, cfg Config, folders []string) (*Account, error) {
	if len(folders) == 0 {
		folders = []string{cfg.withDefaults().Folder}
	}
	a := &Account{known: map[string]known{}, polled: time.Now()}
	for _, folder := range folders {
		if folder = canonical(folder); folder == "" || slices.Contains(a.folders, folder) {
			return nil, fmt.Errorf("imap: folders %q: each must have a name, and be there once", folders)
		}
		a.folders = append(a.folders, folder)
	}
	var err error
	if a.s, err = Dial(ctx, cfg); err != nil {
		return nil, err
	}
	return a, nil
}

// canonical is how the library names a folder in answers: INBOX alone has no case (RFC 9051, section 5.1).
func canonical(folder string) string {
	if strings.EqualFold(folder, "INBOX") {
		return "INBOX"
	}
	return folder
}

// Next returns the mails behind a position, at most limit. When the server has renumbered the folder the batch is Lost and has
// no items, and its cursor begins the folder anew. IDs hold for as long as the cursor is not lost.
func (a *Account) Next(ctx context.Context, folder string, p mail.Position, limit int) (mail.Batch, error) {
	folder = canonical(folder)
	if quiet, err := a.quiet(ctx, folder, p.Cursor); err != nil || quiet {
		return mail.Batch{Cursor: p.Cursor}, err
	}
	begun := time.Now()
	status, err := a.enter(ctx, folder)
	if err != nil {
		return mail.Batch{}, err
	}
	var at cursor
	if p.Cursor == "" {
		at, err = a.begin(ctx, status, p.Since)
	} else {
		var lost bool
		at, lost, err = where(p, status)
		if lost {
			at.rescan, err = a.s.last(ctx)
			return mail.Batch{Lost: true, Cursor: at.String(), More: true}, err
		}
	}
	if err != nil {
		return mail.Batch{}, fmt.Errorf("imap: read folder %s: %w", folder, err)
	}
	found, err := a.s.Next(ctx, at.uid, limit)
	if err != nil {
		return mail.Batch{}, err
	}
	handledBefore := p.HighWater.Add(-rescanMargin)
	if since := p.Since.Add(-sinceMargin); since.After(handledBefore) {
		handledBefore = since // what came before was never wanted
	}
	batch := mail.Batch{More: len(found) == limit}
	for _, e := range found {
		at.uid = e.UID
		batch.Items = append(batch.Items, mail.Item{
			ID: id(at.validity, e.UID), Size: e.Size, Arrived: e.InternalDate, Flags: e.Flags,
			Old: e.UID <= at.rescan && !e.InternalDate.IsZero() && e.InternalDate.Before(handledBefore),
		})
	}
	batch.Cursor = at.String()
	if batch.More {
		delete(a.known, folder)
	} else {
		a.known[folder] = known{status.UIDValidity, max(status.UIDNext, at.uid+1), status.Messages, batch.Cursor, begun}
	}
	return batch, nil
}

// begin is the place before the first mail that arrived after since.
func (a *Account) begin(ctx context.Context, status Status, since time.Time) (cursor, error) {
	at := cursor{validity: status.UIDValidity}
	if since.IsZero() {
		return at, nil
	}
	last, err := a.s.last(ctx)
	if err != nil {
		return at, err
	}
	at.uid, err = a.s.beforeArrival(ctx, since.Add(-sinceMargin), last)
	return at, err
}

// Fetch writes a raw mail to w and returns its size; see Session.Fetch. A mail of a folder that was renumbered since is
// mail.ErrGone.
func (a *Account) Fetch(ctx context.Context, folder, mailID string, w io.Writer, limit int64) (int64, error) {
	validity, uid, err := parseID(mailID)
	if err != nil {
		return 0, err
	}
	status, err := a.enter(ctx, folder)
	if err != nil {
		return 0, err
	}
	if validity != status.UIDValidity {
		return 0, fmt.Errorf("imap: fetch message %s of %s, which was renumbered: %w", mailID, folder, mail.ErrGone)
	}
	return a.s.Fetch(ctx, uid, w, limit)
}

// Acknowledge is idempotent; see Session.Acknowledge. What is gone, or is of a folder that was renumbered since, is passed
// over.
func (a *Account) Acknowledge(ctx context.Context, folder string, ids []string, ack mail.Ack) error {
	if len(ids) == 0 || ack == (mail.Ack{}) {
		return nil
	}
	status, err := a.enter(ctx, folder)
	if err != nil {
		return err
	}
	var uids []UID
	for _, mailID := range ids {
		validity, uid, err := parseID(mailID)
		if err != nil {
			return err
		}
		if validity == status.UIDValidity {
			uids = append(uids, uid)
		}
	}
	return a.s.Acknowledge(ctx, uids, ack)
}

// Folders returns the names of all folders that can be selected, INBOX first (LIST, RFC 9051, section 6.3.9).
func (a *Account) Folders(ctx context.Context) ([]string, error) {
	var names []string
	err := a.s.do(ctx, "list folders", func(dog *watchdog) error {
		command := a.s.client.List("", "*", nil)
		for folder := command.Next(); folder != nil; folder = command.Next() {
			dog.feed()
			if !slices.Contains(folder.Attrs, imap.MailboxAttrNoSelect) && !slices.Contains(folder.Attrs, imap.MailboxAttrNonExistent) {
				names = append(names, folder.Mailbox)
			}
		}
		return command.Close()
	})
	slices.SortFunc(names, func(a, b string) int {
		switch {
		case a == b:
			return 0
		case a == "INBOX":
			return -1
		case b == "INBOX":
			return 1
		}
		return strings.Compare(a, b)
	})
	return slices.Compact(names), err
}

// LastAlive is when the server last answered. Safe from several goroutines.
func (a *Account) LastAlive() time.Time { return a.s.LastAlive() }

// Pushes reports whether the server announces new mail of the first folder (IDLE); else it is polled. A server may offer to
// and never do, so it is searched at every restart of IDLE as well.
func (a *Account) Pushes() bool { return a.s.caps.Has(imap.CapIdle) }

// Close ends the connection at once. Safe from several goroutines.
func (a *Account) Close() error { return a.s.Close() }

// enter selects a folder that is not selected already.
func (a *Account) enter(ctx context.Context, folder string) (Status, error) {
	if folder = canonical(folder); a.s.folder == folder && a.s.status.UIDValidity != 0 {
		return a.s.status, nil
	}
	return a.s.enter(ctx, folder)
}
