package contract

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"
)

// MailboxConfig says which mailbox to watch and how. It goes into histories, so it names its secret and never holds it.
type MailboxConfig struct {
	Name       string    `json:"name"`
	Source     string    `json:"source,omitempty"` // imap, which "" is too, or ews
	Host       string    `json:"host"`
	Port       int       `json:"port"`
	TLS        string    `json:"tls"`                  // implicit, starttls, none
	AllowPlain bool      `json:"allowPlain,omitempty"` // TLS none to a host that is not this machine
	Username   string    `json:"username"`
	Password   string    `json:"password"`       // a reference: "env:NAME" or "file:/path"; of a token with OAuth
	Auth       string    `json:"auth,omitempty"` // IMAP: password, xoauth2, oauthbearer; EWS: ntlm, basic, oauth
	CA         string    `json:"ca,omitempty"`   // a file on the workers' machines with certificate authorities to trust, too
	URL        string    `json:"url,omitempty"`  // EWS: instead of Host
	Of         string    `json:"of,omitempty"`   // EWS: the address of the mailbox, when it is not the user's own
	As         bool      `json:"as,omitempty"`   // EWS: act as the owner of Of (ApplicationImpersonation)
	Folder     string    `json:"folder"`
	More       []string  `json:"folders,omitempty"` // further folders that are watched
	Since      time.Time `json:"since,omitzero"`    // begin with mail that came after this; zero: with all mail
	MarkSeen   bool      `json:"markSeen,omitempty"`
	Keyword    string    `json:"keyword,omitempty"` // IMAP keyword set on a handled mail
	MoveTo     string    `json:"moveTo,omitempty"`  // folder for handled mail
	Delete     bool      `json:"delete,omitempty"`  // delete handled mail
	MaxBytes   int64     `json:"maxBytes"`          // larger mail is dead-lettered
	PollMS     int64     `json:"pollMs"`            // where the server has no IDLE
	LeaseMS    int64     `json:"leaseMs"`           // heartbeat timeout: how long a dead worker keeps the mailbox

	// ErrorPolicy are the policy.Rules after which errors it is watched no more; none: the default ones.
	ErrorPolicy json.RawMessage `json:"errorPolicy,omitempty"`

	Listener *Listener `json:"listener,omitempty"` // set by the HTTP API of listeners

	// How fast a connection is found out that is up but dead: by the end of an IDLE, and then of a command.
	IdleMS    int64 `json:"idleMs,omitempty"`    // how long one IDLE lasts; 0: 4 minutes
	TimeoutMS int64 `json:"timeoutMs,omitempty"` // how long the server may be silent while a command runs; 0: 30 seconds
}

// Address is that of the mailbox, as far as it is told.
func (c MailboxConfig) Address() string {
	if c.Listener != nil && c.Listener.Sender != "" {
		return c.Listener.Sender
	}
	return cmp.Or(c.Of, c.Username)
}

// Folders are all that are watched.
func (c MailboxConfig) Folders() []string { return append([]string{c.Folder}, c.More...) }

// EventSource is the event.source of the triggers that fire on an event of this mailbox.
func EventSource(mailbox, event string) string { return "connector." + mailbox + "." + event }

// Queries and updates of the mailbox workflow.
const (
	MailboxQuery        = "status"    // -> MailboxState
	ConfigureUpdate     = "configure" // MailboxConfig; starts the workflow when there is none
	PauseUpdate         = "pause"
	ResumeUpdate        = "resume"
	RemoveMailboxUpdate = "remove"
	MailUpdate          = "mail"               // MailBatch -> MailBatchResult, by the watcher alone
	ReportUpdate        = "report"             // MailboxReport -> whether the watcher is to end (bool), by the watcher alone
	ResyncUpdate        = "resync"             // time.Time: read again what arrived since then
	RetryDeadUpdate     = "retry-dead-letters" // DeadLetterChoice -> DeadLetterAnswer
	DropDeadUpdate      = "drop-dead-letters"  // DeadLetterChoice -> DeadLetterAnswer
)

// MailboxState is the whole of a mailbox: the input of its workflow and the answer to MailboxQuery.
type MailboxState struct {
	Config      MailboxConfig `json:"config"`
	Paused      bool          `json:"paused,omitempty"`
	Places      []Place       `json:"places,omitempty"`
	Started     int64         `json:"started"`               // processes and messages that mail has caused
	Duplicates  int64         `json:"duplicates"`            // mails that had been handled before
	Ignored     int64         `json:"ignored"`               // automatic mail and mail that no trigger wanted
	Skipped     int64         `json:"skipped"`               // old mail seen again after the server renumbered the folder
	Dead        int64         `json:"dead"`                  // dead letters in all
	DeadLetters []DeadLetter  `json:"deadLetters,omitempty"` // the last DeadLetterLimit of them
	Pending     []Pending     `json:"pending,omitempty"`     // what webhooks have not accepted yet, in order of arrival
	Shelves     int           `json:"shelves,omitempty"`     // that there have been
	LastMail    time.Time     `json:"lastMail,omitzero"`     // when the last mail was handled
	LastError   string        `json:"lastError,omitempty"`
	LastErrorAt time.Time     `json:"lastErrorAt,omitzero"`

	Stopped *MailboxError  `json:"stopped,omitempty"` // what stopped it, by its error policy; it is not watched until it is resumed
	Alarm   *MailboxAlarm  `json:"alarm,omitempty"`   // what was last told of an account that has not worked since
	Alerts  []MailboxAlert `json:"alerts,omitempty"`  // that have not been raised yet, in order
	Alerted int            `json:"alerted,omitempty"` // counts the alerts
	Unruled []Alert        `json:"unruled,omitempty"` // that the rules of alerts have not been asked about yet

	Epoch   int `json:"epoch,omitempty"`   // counts when the positions were given up: mail read before that moves none
	Changes int `json:"changes,omitempty"` // counts what the watchers must hear of
	Told    int `json:"told,omitempty"`    // the last change that they have heard of

	Diary Diary `json:"diary,omitzero"`

	// Before is the position of the one folder that a mailbox had in earlier versions; Adopt makes a place of it.
	Before *CursorBefore `json:"cursor,omitempty"`
}

// MailboxError is an error of the account.
type MailboxError struct {
	Class   string    `json:"class"` // a mail.Kind
	Message string    `json:"message"`
	Count   int       `json:"count"` // how often it came in a row
	At      time.Time `json:"at"`
}

// Events of the account of a mailbox, which triggers fire on.
const (
	MailboxStopped   = "MAILBOX_STOPPED"
	MailboxAvailable = "MAILBOX_AVAILABLE" // it works again
	TokenRefused     = "MAILBOX_TOKEN_REFUSED"
)

// MailboxReport is what a watcher tells of the account.
type MailboxReport struct {
	Event   string       `json:"event"`
	Error   MailboxError `json:"error,omitzero"`
	Changes int          `json:"changes"` // of the state that the watcher knew: it says nothing of a later one
}

// MailboxAlarm is an alert that lasts.
type MailboxAlarm struct {
	Event   string `json:"event"`
	Changes int    `json:"changes"` // of the state that it is about
}

// MailboxAlert is an event of the account that is told to triggers and webhooks.
type MailboxAlert struct {
	ID      string       `json:"id"` // the same in every attempt
	Event   string       `json:"event"`
	Address string       `json:"address"` // of the mailbox
	Error   MailboxError `json:"error,omitzero"`
	At      time.Time    `json:"at"`
}

// CursorBefore is a position as earlier versions kept it.
type CursorBefore struct {
	UIDValidity uint32    `json:"uidValidity"`
	UID         uint32    `json:"uid"`
	HighWater   time.Time `json:"highWater,omitzero"`
}

// Adopt takes over what an earlier version left.
func (s *MailboxState) Adopt() {
	if s.Before != nil && s.Before.UIDValidity != 0 && len(s.Places) == 0 {
		s.Places = []Place{{Folder: s.Config.Folder, Cursor: fmt.Sprintf("%d:%d", s.Before.UIDValidity, s.Before.UID), HighWater: s.Before.HighWater}}
	}
	s.Before = nil
}

// Place is how far a folder has been read.
type Place struct {
	Folder      string    `json:"folder"`
	Cursor      string    `json:"cursor,omitempty"` // of the source, see mail.Position
	HighWater   time.Time `json:"highWater,omitzero"`
	Unconfirmed []string  `json:"unconfirmed,omitempty"` // handled in the last batch; acknowledged for sure when the next one comes
	Again       bool      `json:"again,omitempty"`       // the last batch was given up, and comes again
}

// DeadLetterLimit bounds MailboxState.DeadLetters; the mails themselves stay in the mailbox.
const DeadLetterLimit = 200

// PendingLimit bounds MailboxState.Pending, which must fit into a payload of Temporal (2 MB) with the rest. Beyond it mail waits in
// the mailbox. Since most of what waits for one webhook is shelved, that is when several are down for long.
const PendingLimit = 2000

// Pending is a mail that a webhook has not accepted yet.
type Pending struct {
	Webhook string    `json:"webhook"`
	Folder  string    `json:"folder"`
	Mail    MailRef   `json:"mail"`
	Since   time.Time `json:"since"`             // when it was offered for the first time
	Refused bool      `json:"refused,omitempty"` // it alone: the webhook takes others meanwhile

	Alert *MailboxAlert `json:"alert,omitempty"` // instead of a mail; its id is that of Mail, too

	// A shelf: instead of a mail, the key of a file that lists some.
	Shelf string `json:"shelf,omitempty"`
	Mails int    `json:"mails,omitempty"`
}

// Count is how many mails it stands for.
func (p Pending) Count() int { return max(p.Mails, 1) }

// Shelf is a list of pending mails in the blob store.
type Shelf struct {
	Key   string    `json:"key"`
	Mails []Pending `json:"mails"`
}

// DeadLetter is a mail that could not be handled.
type DeadLetter struct {
	N         int64     `json:"n"` // numbers the dead letters of a mailbox
	Folder    string    `json:"folder"`
	ID        string    `json:"id"` // of the source
	MessageID string    `json:"messageId,omitempty"`
	From      string    `json:"from,omitempty"`
	Subject   string    `json:"subject,omitempty"`
	Size      int64     `json:"size"`
	Arrived   time.Time `json:"arrived,omitzero"`
	Reason    string    `json:"reason"`
	Webhook   string    `json:"webhook,omitempty"` // the webhook that did not accept it; "": it was not handled at all
	Blob      string    `json:"blob,omitempty"`
	At        time.Time `json:"at"`
}

// DeadLetterChoice says which dead letters are meant.
type DeadLetterChoice struct {
	Numbers []int64 `json:"numbers,omitempty"`
	All     bool    `json:"all,omitempty"`
}

// DeadLetterAnswer tells what became of them.
type DeadLetterAnswer struct {
	Done []int64 `json:"done"` // no dead letters any more, unless the same happened again
	Kept []int64 `json:"kept"` // cannot be tried again: their mail was never stored
}

// MailBatch is what a watcher hands over: mails of a folder in order of arrival, or a new position, or both.
type MailBatch struct {
	Folder string    `json:"folder"`
	Epoch  int       `json:"epoch,omitempty"`
	From   string    `json:"from"`   // the cursor that the mails were read from
	Cursor string    `json:"cursor"` // behind the mails
	Mails  []MailRef `json:"mails,omitempty"`
}

// MailRef refers to a mail in the blob store.
type MailRef struct {
	ID           string    `json:"id"` // of the source
	Size         int64     `json:"size"`
	InternalDate time.Time `json:"internalDate"`
	Blob         string    `json:"blob,omitempty"`   // key of the raw message
	Reason       string    `json:"reason,omitempty"` // set: cannot be handled, dead-letter it
	Skip         bool      `json:"skip,omitempty"`   // handled before the server lost the cursor, or gone
}

// MailBatchResult tells the watcher what to acknowledge and where to go on.
type MailBatchResult struct {
	Place    Place    `json:"place"`
	Handled  []string `json:"handled,omitempty"`
	Unwanted []string `json:"unwanted,omitempty"` // nobody wanted them: what was stored of them can go
	Stop     bool     `json:"stop,omitempty"`     // give the connection up: paused or removed
	Moved    bool     `json:"moved,omitempty"`    // the mails are of an earlier epoch: begin from the state of the mailbox
}

// WatchInput starts the watcher of one mailbox, as mailboxes had it before they shared watchers.
type WatchInput struct {
	Mailbox string        `json:"mailbox"`
	Config  MailboxConfig `json:"config"`
}

// WatchStatus is what a watcher heartbeats: the state of its connection.
type WatchStatus struct {
	Connected bool      `json:"connected"`
	Cause     string    `json:"cause,omitempty"`    // why not, in words
	LastAlive time.Time `json:"lastAlive,omitzero"` // the last proof that the server answers
	Idle      bool      `json:"idle"`               // the server pushes (IDLE); else it is polled
	Worker    string    `json:"worker,omitempty"`
	Mailbox   string    `json:"mailbox,omitempty"`
}

// DeliverInput has mails turned into work.
type DeliverInput struct {
	Mailbox string    `json:"mailbox"`
	Folder  string    `json:"folder"`
	Mails   []MailRef `json:"mails"`
	Behind  []string  `json:"behind,omitempty"`  // webhooks that mail waits for already: they are not tried
	Address string    `json:"address,omitempty"` // of the mailbox: answers come from it
	Again   bool      `json:"again,omitempty"`   // a delivery before was given up: what it has done is no duplicate
}

// DeliverResult has one outcome a mail, in the order of the input.
type DeliverResult struct {
	Outcomes []MailOutcome `json:"outcomes"`
}

// MailOutcome is what became of a mail.
type MailOutcome struct {
	ID        string      `json:"id"`
	Started   []string    `json:"started,omitempty"` // instances started or reached
	Duplicate bool        `json:"duplicate,omitempty"`
	Continued bool        `json:"continued,omitempty"` // instances that waited for it were reached
	MessageID string      `json:"messageId,omitempty"`
	Told      bool        `json:"told,omitempty"`    // webhooks were told of it, or will be
	Pending   []string    `json:"pending,omitempty"` // webhooks that have not accepted it
	Refused   []string    `json:"refused,omitempty"` // those of them that answered so, and want no order
	Dead      *DeadLetter `json:"dead,omitempty"`
}

// RaiseInput has an alert told.
type RaiseInput struct {
	Mailbox string       `json:"mailbox"`
	Alert   MailboxAlert `json:"alert"`
}

// RaiseResult tells who is still to be told, and what cannot be.
type RaiseResult struct {
	Webhooks []string `json:"webhooks,omitempty"`
	Failed   []string `json:"failed,omitempty"` // triggers, with the reasons: no repetition mends them
}

// PostInput has mails posted to a webhook that has not accepted them yet.
type PostInput struct {
	Mailbox string    `json:"mailbox"`
	Webhook string    `json:"webhook"`
	Pending []Pending `json:"pending"`
	Keep    bool      `json:"keep,omitempty"` // there is no room for more dead letters: nothing is given up
}

// PostResult tells which mails were settled, as indices of the input: the others are still pending.
type PostResult struct {
	Settled []int         `json:"settled,omitempty"`
	Refused []int         `json:"refused,omitempty"` // they alone, by a webhook that wants no order
	After   time.Duration `json:"after,omitempty"`   // when it wants to be asked again for those
	Dead    []DeadLetter  `json:"dead,omitempty"`    // those of the settled ones that were given up
}
