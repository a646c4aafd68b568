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
	return watchersID(h.Sum32() % watcherGroups)
}

// WatcherGroups are the ids of all of these workflows; one whose mailboxes were removed does not run.
func WatcherGroups() []string {
	ids := make([]string, watcherGroups)
	for n := range ids {
		ids[n] = watchersID(uint32(n))
	}
	return ids
}

func watchersID(n uint32) string { return fmt.Sprintf("watchers/%02d", n) }

// Update and query of the watchers workflow.
const (
	AssignUpdate = "assign"  // Assignment; starts the workflow when there is none
	MembersQuery = "members" // revision that the caller knows (int, 0: none) -> Members
)

// Assignment has a mailbox watched, or watched no more.
type Assignment struct {
	Mailbox string        `json:"mailbox"`
	Config  MailboxConfig `json:"config"`
	At      time.Time     `json:"at"` // a later one replaces an earlier one
	Watch   bool          `json:"watch"`
	Stopped *MailboxError `json:"stopped,omitempty"` // it stays with its watcher, which makes no connection
}

// WatchersState is the input of the watchers workflow.
type WatchersState struct {
	Members  []Assignment `json:"members,omitempty"`  // sorted by mailbox
	Revision int          `json:"revision,omitempty"` // counts the changes of Members
}

// Members answers MembersQuery. The list is left out when the caller knows this revision, since it is asked for all the time.
type Members struct {
	Revision int          `json:"revision"`
	List     []Assignment `json:"list,omitempty"`
}

// WatchGroupInput starts the watcher of a group. Whom it watches it asks the group's workflow.
type WatchGroupInput struct {
	Group string `json:"group"` // id of the workflow
}
