package ews

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waybill-io/waybill/mail"
)

const (
	maxChanges = 512 // what the server permits
	// pagesPerCall bounds a call of Next that finds nothing, so that a first sync of a huge folder keeps its progress.
	pagesPerCall = 20
	// clockSlack is how much the clocks of this machine and the server may differ when a mailbox is added.
	clockSlack = 2 * time.Minute
	// resyncSlack: mails are not always handled in the order of their arrival.
	resyncSlack = 24 * time.Hour
)

// cursor is the text of a Position: phase, for the resync the Unix time of old, and the server's SyncState, each behind
// a colon.
type cursor struct {
	phase byte
	// old is fixed when the resync begins. The high water rises while it runs, and servers do not begin with the oldest
	// mail: what arrived while nobody listened would become old before its turn.
	old   int64
	state string
}

const (
	phaseFirst  = 'f' // the first sync runs: what arrived before the mailbox was added is passed over
	phaseResync = 'r' // the sync after the state was lost runs: what arrived before a time is old
	phaseSteady = 's' // whatever is created is new, also a mail of any age that was moved into the folder
)

func (c cursor) String() string {
	if c.phase == phaseResync {
		return fmt.Sprintf("r:%d:%s", c.old, c.state)
	}
	return string(c.phase) + ":" + c.state
}

func readCursor(op, text string) (cursor, error) {
	if text == "" {
		return cursor{phase: phaseFirst}, nil
	}
	phase, rest, ok := strings.Cut(text, ":")
	switch {
	case ok && (phase == "f" || phase == "s"):
		return cursor{phase: phase[0], state: rest}, nil
	case ok && phase == "r":
		old, state, ok := strings.Cut(rest, ":")
		if at, err := strconv.ParseInt(old, 10, 64); ok && err == nil {
			return cursor{phaseResync, at, state}, nil
		}
	}
	return cursor{}, &Error{Kind: mail.KindProtocol, Op: op, Err: errors.New("the cursor is not one that Next returned")}
}

// lost begins anew without a state. What was begun stays what it is, or mails whose turn had not come would become old.
func (c cursor) lost(p mail.Position) cursor {
	c.state = ""
	switch {
	case c.phase != phaseSteady:
	case p.HighWater.IsZero(): // nothing was handled yet
		c.phase = phaseFirst
	default:
		old := p.HighWater.Add(-resyncSlack)
		if begin := begin(p); begin.After(old) {
			old = begin
		}
		c.phase, c.old = phaseResync, old.Unix()
	}
	return c
}

// begin is when a mail must have arrived to be of interest to a mailbox that was added at p.Since.
func begin(p mail.Position) time.Time {
	if p.Since.IsZero() {
		return time.Time{}
	}
	return p.Since.Add(-clockSlack)
}

type syncFolderItems struct {
	XMLName xml.Name `xml:"m:SyncFolderItems"`
	Shape   shape    `xml:"m:ItemShape"`
	Folder  refs     `xml:"m:SyncFolderId"`
	State   string   `xml:"m:SyncState,omitempty"`
	Max     int      `xml:"m:MaxChangesReturned"`
	Scope   string   `xml:"m:SyncScope"`
}

type syncPage struct {
	status
	State   string `xml:"SyncState"`
	Last    string `xml:"IncludesLastItemInRange"`
	Changes struct {
		Each []struct {
			XMLName xml.Name
			Items   []itemData `xml:",any"`
		} `xml:",any"`
	} `xml:"Changes"`
}

type itemData struct {
	XMLName    xml.Name
	ID         identity `xml:"ItemId"`
	Class      string   `xml:"ItemClass"`
	Received   string   `xml:"DateTimeReceived"`
	Size       int64    `xml:"Size"`
	Read       bool     `xml:"IsRead"`
	Categories []string `xml:"Categories>String"`
}

// itemProperties are those of itemData.
func itemProperties() shape {
	return properties("item:ItemClass", "item:DateTimeReceived", "item:Size", "item:Categories", "message:IsRead")
}

// Next returns up to max mails that came into the folder behind the position, by asking for the changes since. A mail
// that is only changed, flagged or deleted is passed over; so is what is no mail.
//
// A call that ends in the middle loses nothing: the position that comes with a batch is good whenever the batch is
// handled. A batch may be empty and yet say More.
func (a *Account) Next(ctx context.Context, folder string, p mail.Position, max int) (mail.Batch, error) {
	id, err := a.folder(ctx, folder)
	if err != nil {
		return mail.Batch{}, err
	}
	op := "sync folder " + folder
	at, err := readCursor(op, p.Cursor)
	if err != nil {
		return mail.Batch{}, err
	}
	request := syncFolderItems{
		Shape:  itemProperties(),
		Folder: refs{[]*ref{folderID(id)}},
		Max:    min(maxChanges, max),
		Scope:  "NormalItems",
	}
	if request.Max < 1 {
		request.Max = 1
	}
	var batch mail.Batch
	for range pagesPerCall {
		request.State = at.state
		page, err := askOne[syncPage](ctx, a, op, request)
		if codeOf(err) == errInvalidSyncState && at.state != "" {
			at = at.lost(p)
			batch.Cursor, batch.More, batch.Lost = at.String(), true, true
			continue
		}
		if missing(err) {
			a.forget()
		}
		if err != nil {
			return mail.Batch{}, err
		}
		last := page.Last != "false" && page.Last != "0"
		if page.State == "" || page.State == at.state && !last && len(page.Changes.Each) == 0 {
			return mail.Batch{}, &Error{Kind: mail.KindProtocol, Op: op, Err: errors.New("the answer holds no new sync state")}
		}
		batch.Items = page.items(at, p)
		if at.state = page.State; last {
			at.phase = phaseSteady
		}
		batch.Cursor, batch.More = at.String(), !last
		if last || len(batch.Items) > 0 {
			break
		}
	}
	return batch, nil
}

// items are the mails among the created items, by arrival.
func (page *syncPage) items(at cursor, p mail.Position) []mail.Item {
	var items []mail.Item
	for _, change := range page.Changes.Each {
		if change.XMLName.Local != "Create" {
			continue
		}
		for _, created := range change.Items {
			if item, wanted := created.item(at, p); wanted {
				items = append(items, item)
			}
		}
	}
	slices.SortStableFunc(items, func(a, b mail.Item) int { return a.Arrived.Compare(b.Arrived) })
	return items
}

func (d itemData) item(at cursor, p mail.Position) (mail.Item, bool) {
	if !d.isMail() || d.ID.ID == "" {
		return mail.Item{}, false
	}
	item := mail.Item{ID: d.ID.ID, Size: d.Size, Flags: d.Categories}
	if d.Read {
		item.Flags = append([]string{`\Seen`}, item.Flags...)
	}
	// A time that is missing or cannot be read makes a mail new, not old.
	if arrived, err := time.Parse(time.RFC3339, strings.TrimSpace(d.Received)); err == nil {
		item.Arrived = arrived
		if at.phase == phaseFirst && arrived.Before(begin(p)) {
			return mail.Item{}, false
		}
		item.Old = at.phase == phaseResync && arrived.Unix() < at.old
	}
	return item, true
}

// isMessage are the elements that have the properties of a message.
var isMessage = map[string]bool{
	"Message": true, "MeetingMessage": true, "MeetingRequest": true, "MeetingResponse": true, "MeetingCancellation": true,
}

// isMail tells mails, reports of delivery and what is sent about meetings from calendars, contacts and notes.
func (d itemData) isMail() bool {
	switch {
	case isMessage[d.XMLName.Local]:
		return true
	case d.XMLName.Local == "Item":
		return d.Class == "IPM.Note" || strings.HasPrefix(d.Class, "IPM.Note.") || strings.HasPrefix(d.Class, "REPORT.")
	}
	return false
}
