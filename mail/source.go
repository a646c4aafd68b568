package mail

import (
	"errors"
	"time"
)

// Position is how far a folder has been read.
type Position struct {
	// Cursor is the source's own word for the place; "" before the first call of Next, which then begins with mail that
	// arrived after Since.
	Cursor string `json:"cursor,omitempty"`
	// Since is when the mailbox was added; the zero time begins with all mail.
	Since time.Time `json:"since,omitzero"`
	// HighWater is the latest arrival of a mail that was handled. When the server has forgotten the cursor, what arrived well before
	// is taken for handled.
	HighWater time.Time `json:"highWater,omitzero"`
}

// Item is a mail in a folder, not fetched yet.
type Item struct {
	ID      string    `json:"id"`   // of the source; it changes when the mail is moved
	Size    int64     `json:"size"` // as told; some servers only estimate, 0: not told
	Arrived time.Time `json:"arrived,omitzero"`
	Flags   []string  `json:"flags,omitempty"`
	Old     bool      `json:"old,omitempty"` // taken for handled before the server forgot the cursor
}

// Batch is what Next found, in order of arrival.
type Batch struct {
	Items  []Item `json:"items,omitempty"`
	Cursor string `json:"cursor"` // behind the items: the position when all of them are handled
	More   bool   `json:"more,omitempty"`
	// Lost tells that the server did not know the cursor any more (renumbered, sync state expired) and what is counted as old
	// begins again.
	Lost bool `json:"lost,omitempty"`
}

// Ack is what is done to mails that were handled. Flags are set before a move. MoveTo wins over Delete.
type Ack struct {
	Seen    bool   `json:"seen,omitempty"`
	Keyword string `json:"keyword,omitempty"` // IMAP keyword, or category in Exchange
	MoveTo  string `json:"moveTo,omitempty"`  // created when it does not exist
	Delete  bool   `json:"delete,omitempty"`
}

// Errors about one mail, which every source returns; the source stays usable.
var (
	ErrGone     = errors.New("the message is no longer in the folder")
	ErrTooLarge = errors.New("the message is larger than the limit")
)
