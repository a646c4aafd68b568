package contract

import "time"

// What the indexer is told and asked.
const (
	IndexTickSignal  = "tick"  // it is time for a pass
	MovedSignal      = "moved" // Moved; starts the workflow when there is none
	IndexerQuery     = "state" // -> IndexerState
	RunIndexerUpdate = "run"   // -> the number of the pass that begins now, or after the one that is under way (int64)
	// PauseUpdate and ResumeUpdate are those of mailboxes.
)

// Activities of the indexer, on IndexerQueue.
const (
	PlanIndexActivity = "waybill/plan-index" // IndexPlanInput -> IndexPlan
	IndexActivity     = "waybill/index"      // IndexBlock -> IndexedBlock
)

// IndexUnavailable is the type of the error of who asks for dead letters or an export, or drops a generation, while Elasticsearch does not answer.
const IndexUnavailable = "IndexUnavailable"

// Temporal Schedules of what follows a Quartz expression of the settings.
const (
	IndexScheduleID   = "indexer"
	ArchiveScheduleID = "archive"

	// QuartzComment begins the comment of their calendars, before the expression.
	QuartzComment = "quartz, UTC: "
)

const (
	// IndexOverlap is how far before the watermark a pass looks again. Temporal writes its visibility store after the history, from a queue: within
	// tenths of a second as a rule, later under load; and the clocks of its servers differ a little. What comes later still, a sweep finds.
	IndexOverlap = 15 * time.Second
	// IndexHeartbeat is how long a dead worker keeps a block.
	IndexHeartbeat = 15 * time.Second
	// IndexLimit bounds the executions of a plan.
	IndexLimit = 2000
	// IndexNotesSize bounds what moved and waits for a pass, and IndexPlanSize what is planned and not indexed, by Execution.Size: a run hands both to
	// the next in one input, and Temporal ends a workflow whose input is above 2 MiB. An execution takes some 110 bytes as a rule.
	IndexNotesSize = 900_000
	IndexPlanSize  = 600_000
)

// Execution is a run of a workflow whose history may hold events.
type Execution struct {
	ID    string `json:"i"`
	Run   string `json:"r"`
	Since int64  `json:"s,omitempty"` // what was recorded before this time, in Unix milliseconds, is in the index; 0: nothing is
	Ended bool   `json:"e,omitempty"`
}

// Size is what an execution, or a note of it, takes in an input at most, in bytes of JSON.
func (e Execution) Size() int {
	size := 50 // names, a time and flags
	for _, text := range []string{e.ID, e.Run} {
		for _, c := range []byte(text) {
			switch {
			case c < ' ' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&':
				size += len(`\u003c`)
			case c >= 0x80:
				size += 2 // U+2028 has three, and is written with six
			default:
				size++
			}
		}
	}
	return size
}

// Moved tells of running executions that recorded events.
type Moved struct {
	Executions []Execution `json:"executions"`
	AgeMS      int64       `json:"ageMs,omitempty"`   // of the oldest of these notes when they were sent: an age is the same by every clock
	At         int64       `json:"at,omitempty"`      // when that was made by the clock of its worker, in Unix milliseconds: they may have waited since
	Dropped    int64       `json:"dropped,omitempty"` // notes that there was no room for since the last time
}

// IndexNote is an execution that moved. Its history is read in two passes, since its worker tells before the server has the history.
type IndexNote struct {
	ID      string `json:"i"`
	Run     string `json:"r"`
	Since   int64  `json:"s"`
	Looks   int    `json:"l,omitempty"` // passes that have read it since it moved
	Planned bool   `json:"p,omitempty"` // the pass reads it, further back, without the note
}

// IndexerState is what the indexer knows; it is the input of its workflow, and what its query answers, without notes and the rest of a pass.
type IndexerState struct {
	Created   time.Time     `json:"created,omitzero"`
	Watermark time.Time     `json:"watermark,omitzero"` // what happened before is in the index; zero: no pass has ended yet
	Swept     time.Time     `json:"swept,omitzero"`     // what running executions recorded before is in the index, even if nobody told of it
	Sweep     IndexSweep    `json:"sweep"`
	Notes     []IndexNote   `json:"notes,omitempty"`
	Waiting   int           `json:"waiting"` // notes
	Pass      *IndexPass    `json:"pass,omitempty"`
	Due       bool          `json:"due,omitempty"` // another pass begins at once
	Paused    bool          `json:"paused,omitempty"`
	Last      *IndexPass    `json:"last,omitempty"` // that ended well
	Total     IndexCount    `json:"total"`
	Passes    int64         `json:"passes"`
	Folded    int64         `json:"folded"`  // ticks that came while a pass was under way
	Dropped   int64         `json:"dropped"` // notes that there was no room for: a sweep finds what they told
	Settings  IndexSetting  `json:"settings"`
	Also      []IndexTarget `json:"also,omitempty"` // generations of rebuilds, which blocks are written to as well
	Alarm     *IndexAlarm   `json:"alarm,omitempty"`
}

// IndexSetting is what a worker with the role indexer says of how to index.
type IndexSetting struct {
	BlockSize   int   `json:"blockSize"`
	LockMS      int64 `json:"lockMs"`      // what a block may take
	Parallel    int   `json:"parallel"`    // blocks at a time
	SweepMS     int64 `json:"sweepMs"`     // what a sweep takes at least
	RetentionMS int64 `json:"retentionMs"` // how long the namespace keeps histories of what has ended

	Next time.Time `json:"next,omitzero"` // when the next pass is to begin at the latest, by the expression of the schedule
}

// IndexSweep is a round through all running executions.
type IndexSweep struct {
	Began   time.Time `json:"began,omitzero"` // zero: none is under way
	Total   int64     `json:"total"`          // executions when it began
	Visited int64     `json:"visited"`
	Token   []byte    `json:"token,omitempty"` // of the next page
}

// IndexPass is a look at what has moved.
type IndexPass struct {
	Number   int64        `json:"number"`
	Began    time.Time    `json:"began"`
	Ended    time.Time    `json:"ended,omitzero"`
	Progress time.Time    `json:"progress,omitzero"` // when something of it was done
	Cursor   *IndexCursor `json:"cursor,omitempty"`  // where plans go on
	Planned  bool         `json:"planned,omitempty"` // there are no more plans
	Left     []Execution  `json:"left,omitempty"`    // that are planned and not indexed
	Waiting  int          `json:"waiting,omitempty"` // how many those are
	Noted    int          `json:"noted,omitempty"`   // notes that the pass reads, the first of them
	Taken    int          `json:"taken,omitempty"`   // how many of those are among what was left
	Looked   time.Time    `json:"looked,omitzero"`   // when it began to read those
	Sweep    IndexSweep   `json:"sweep"`             // as it is when this pass has ended
	Swept    bool         `json:"swept,omitempty"`   // and ended with it
	Blocks   int          `json:"blocks"`
	IndexCount
}

// IndexCount counts what has been indexed.
type IndexCount struct {
	Executions int64 `json:"executions"`
	Gone       int64 `json:"gone"`    // executions whose history Temporal no longer keeps
	Written    int64 `json:"written"` // documents
	Known      int64 `json:"known"`   // documents that the index had, or newer ones
	Dead       int64 `json:"dead"`    // documents and histories that have become dead letters
}

// Add adds what a block, or a pass, has done.
func (c *IndexCount) Add(o IndexCount) {
	c.Executions += o.Executions
	c.Gone += o.Gone
	c.Written += o.Written
	c.Known += o.Known
	c.Dead += o.Dead
}

// IndexAlarm is why people have been told of the indexer.
type IndexAlarm struct {
	Since  time.Time `json:"since"`
	Told   time.Time `json:"told"` // for the last time
	Code   string    `json:"code"` // IndexRetention, IndexFailing
	Reason string    `json:"reason"`
}

// Codes of alarms.
const (
	IndexRetention = "INDEX_RETENTION" // what is not indexed is soon deleted by Temporal
	IndexFailing   = "INDEX_FAILING"   // a pass does not come to its end, or none begins
)

// IndexCursor is where in visibility the plans of a pass are.
type IndexCursor struct {
	Query int    `json:"query"`
	Token []byte `json:"token,omitempty"`
}

// IndexPlanInput asks which executions are next.
type IndexPlanInput struct {
	Since  time.Time    `json:"since,omitzero"`
	Swept  time.Time    `json:"swept,omitzero"`
	Cursor *IndexCursor `json:"cursor,omitempty"` // nil: from the beginning
	Sweep  IndexSweep   `json:"sweep"`            // Began is set by the workflow
	Quota  int64        `json:"quota"`            // executions that the sweep may visit; those of a new one are to be counted when it is -1
}

// IndexPlan is the answer.
type IndexPlan struct {
	Executions []Execution  `json:"executions,omitempty"`
	Next       *IndexCursor `json:"next,omitempty"` // nil: that was all
	Sweep      IndexSweep   `json:"sweep"`
	Swept      bool         `json:"swept,omitempty"` // the sweep has seen all
	Settings   IndexSetting `json:"settings"`
}

// IndexBlock are executions whose events are written together.
type IndexBlock struct {
	Name       string        `json:"name"` // the same for every try
	Executions []Execution   `json:"executions"`
	Also       []IndexTarget `json:"also,omitempty"` // where documents of a tenant go as well: generations of rebuilds
}

// IndexedBlock is what became of it.
type IndexedBlock struct {
	IndexCount
}

// Activities about dead letters, on ReportQueue.
const (
	IndexLettersActivity = "waybill/index-letters"       // IndexLettersQuery -> IndexLetters
	RetryLettersActivity = "waybill/retry-index-letters" // ids -> IndexCount
	DropLettersActivity  = "waybill/drop-index-letters"  // ids -> how many there were
)

// IndexLettersQuery selects dead letters of the index.
type IndexLettersQuery struct {
	Tenant *string `json:"tenant,omitempty"` // nil: of all
	Index  string  `json:"index,omitempty"`  // process-instances, tasks, activities, variables; "": all
	Limit  int     `json:"limit,omitempty"`  // at most 500
	After  string  `json:"after,omitempty"`  // Next of the page before
}

// IndexLetters are some of them, the latest refused first.
type IndexLetters struct {
	Letters []IndexLetter `json:"letters"`
	Total   int64         `json:"total"`
	Next    string        `json:"next,omitempty"` // "" at the end
}

// IndexLetter is a document that the index refuses, or a part of a history that cannot be read.
type IndexLetter struct {
	ID         string    `json:"id"`
	Tenant     string    `json:"tenant,omitempty"`
	Index      string    `json:"index"`
	DocumentID string    `json:"documentId"`
	Document   string    `json:"document,omitempty"` // its beginning
	Type       string    `json:"type"`
	Reason     string    `json:"reason"`
	Count      int64     `json:"count"` // how often it was refused
	First      time.Time `json:"first"`
	Last       time.Time `json:"last"`
	Final      bool      `json:"final,omitempty"` // it cannot be tried again
}
