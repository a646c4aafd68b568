package contract

import (
	"fmt"
	"hash/fnv"
	"time"
)

// watcherGroups is how many watchers all mailboxes share: few enough that their heartbeats cost the server nothing to speak of with
// thousands of mailboxes, enough to spread them over some dozen workers.
const watcherGroups = 64

// WatchersID is the id of the workflow that has a mailbox watched, together with others.
func WatchersID(mailbox string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(mailbox))
	return fmt.Sprintf("watchers/%02d", h.Sum32()%watcherGroups)
}

// Update and query of the watchers workflow.
const (
	AssignUpdate = "assign"  // Assignment; starts the workflow when there is none
	MembersQuery = "members" // -> []Assignment
)

// Assignment has a mailbox watched, or watched no more.
type Assignment struct {
	Mailbox string        `json:"mailbox"`
	Config  MailboxConfig `json:"config"`
	At      time.Time     `json:"at"` // a later one replaces an earlier one
	Watch   bool          `json:"watch"`
}

// WatchersState is the input of the watchers workflow.
type WatchersState struct {
	Members []Assignment `json:"members,omitempty"` // sorted by mailbox
}

// WatchGroupInput starts the watcher of a group. Whom it watches it asks the group's workflow.
type WatchGroupInput struct {
	Group string `json:"group"` // id of the workflow
}
