package contract

import (
	"time"

	"github.com/waybill-io/waybill/events"
)

// TaskInput opens a user task.
type TaskInput struct {
	Task    Task `json:"task"`
	Command int  `json:"command"`           // engine id, echoed in TaskDone
	Listens bool `json:"listens,omitempty"` // the process wants TaskAssigned
	// Mails are what people are told of the task; nil: nothing.
	Mails *TaskMails `json:"mails,omitempty"`
	// Record is the event that the task was opened with: the task records what follows. nil: its process records no events.
	Record *events.Batch `json:"record,omitempty"`
}

// TaskMails say who gets mail of a task, and how it reads: nil is nobody, an empty template the deployed or bundled one.
type TaskMails struct {
	Assignee  *MailTemplate `json:"assignee,omitempty"`
	Candidate *MailTemplate `json:"candidate,omitempty"`
	Creator   string        `json:"creator,omitempty"` // who started the process
	Process   string        `json:"process,omitempty"` // its name
	Tenant    string        `json:"tenant,omitempty"`
}

// Task is a user task as people see it.
type Task struct {
	ID              string        `json:"id"`
	Name            string        `json:"name"`
	Element         string        `json:"element"`
	Instance        string        `json:"instance"`
	Definition      DefinitionRef `json:"definition"`
	BusinessKey     string        `json:"businessKey,omitempty"`
	Command         int           `json:"command,omitempty"`   // engine id
	State           string        `json:"state"`               // open, completed, cancelled
	Delegated       bool          `json:"delegated,omitempty"` // the assignee works for the owner, who gets it back
	Assignee        string        `json:"assignee,omitempty"`
	Owner           string        `json:"owner,omitempty"`
	CandidateUsers  []string      `json:"candidateUsers,omitempty"`
	CandidateGroups []string      `json:"candidateGroups,omitempty"`
	Due             *time.Time    `json:"due,omitempty"`
	FollowUp        *time.Time    `json:"followUp,omitempty"`
	Priority        int           `json:"priority,omitempty"`
	FormKey         string        `json:"formKey,omitempty"`
	Description     string        `json:"description,omitempty"`
	Created         time.Time     `json:"created"`
	Variables       Variables     `json:"variables,omitempty"`
}

// States of a user task.
const (
	TaskOpen      = "open"
	TaskCompleted = "completed"
	TaskCancelled = "cancelled"
)

// Updates and queries of a user task.
const (
	TaskQuery           = "task"      // -> Task
	ClaimTaskUpdate     = "claim"     // ClaimTask -> Task
	CompleteTaskUpdate  = "complete"  // CompleteTask -> Task
	DelegateTaskUpdate  = "delegate"  // ClaimTask -> Task: somebody else works on it, and gives it back
	ResolveTaskUpdate   = "resolve"   // Variables -> Task: back to its owner
	TaskVariablesUpdate = "variables" // Variables -> Task: local to it
)

// ClaimTask gives an open task to a user. Assignee "": back to the candidates.
type ClaimTask struct {
	Assignee string `json:"assignee"`
	// By is who gives it. Somebody who takes a task himself, or of whom By does not tell that it was another, needs no mail of it.
	By string `json:"by,omitempty"`
}

// CompleteTask ends an open task with results.
type CompleteTask struct {
	User      string    `json:"user,omitempty"` // refused when somebody else has claimed the task
	Variables Variables `json:"variables,omitempty"`
}

// TaskDone is the payload of TaskSignal.
type TaskDone struct {
	Command   int       `json:"command"`
	Variables Variables `json:"variables,omitempty"`
	Assignee  *string   `json:"assignee,omitempty"` // nil: an older task, which did not tell

	// Of a task that records events, for that of its completion.
	Owner   *string   `json:"owner,omitempty"`
	Claimed time.Time `json:"claimed,omitzero"` // zero: nobody claimed it
}
