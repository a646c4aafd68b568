package contract

import (
	"crypto/sha256"
	"time"
)

// Signals and queries of the workflow of a rule's alerts.
const (
	AlertsSignal = "alerts" // AlertBatch
	AlertsQuery  = "state"  // -> AlertsState
)

// Bounds of what the workflow of a rule holds.
const (
	AlertSamples = 20   // alerts that a group names
	AlertsKnown  = 5000 // alerts that are known again when they come twice, and instances
	AlertHash    = 8    // bytes that an alert, or an instance, is known by
)

// AlertPolicy is what the workflow must know of its rule.
type AlertPolicy struct {
	WindowMS   int64   `json:"windowMs"`
	MaxGroups  int     `json:"maxGroups"`
	EscalateMS []int64 `json:"escalateMs,omitempty"` // after the group was opened
	Silent     bool    `json:"silent,omitempty"`     // nobody is told: the groups are only counted
}

// AlertBatch are alerts that a rule takes, by group. Each group is there once.
type AlertBatch struct {
	Rule   string      `json:"rule"`
	Policy AlertPolicy `json:"policy"`
	Parts  []AlertPart `json:"parts"`
}

// AlertPart are the alerts of a group. IDs and Instances hold AlertHash bytes an alert.
type AlertPart struct {
	Group     string        `json:"group"`
	Alert     Alert         `json:"alert"` // the first
	Samples   []AlertSample `json:"samples"`
	IDs       []byte        `json:"ids"`
	Instances []byte        `json:"instances"`
	Last      time.Time     `json:"last"`
}

// AlertSample is an alert of a group, with what it takes to see whether it still stands.
type AlertSample struct {
	ID        string    `json:"id"`
	Source    string    `json:"source"`
	ProcessID string    `json:"processId,omitempty"`
	RunID     string    `json:"runId,omitempty"`
	Incident  int       `json:"incident,omitempty"`
	At        time.Time `json:"at"`
	Starter   string    `json:"starter,omitempty"` // the rule that started the instance, see AlertStarter
}

// AlertsState is the input of the workflow of a rule's alerts, and what its query answers.
type AlertsState struct {
	Rule   string        `json:"rule"`
	Policy AlertPolicy   `json:"policy"`
	Groups []*AlertGroup `json:"groups,omitempty"` // in order of their opening
	Told   int64         `json:"told"`             // messages that went out
	Failed int64         `json:"failed"`           // that did not, for good
	Opened int64         `json:"opened"`           // groups that there were

	Known []byte `json:"known,omitempty"` // hashes of the latest alerts, the oldest first
	Seen  []byte `json:"seen,omitempty"`  // the same of groups with instances

	Diary Diary `json:"diary,omitzero"`
}

// AlertGroup are alerts that are told of together.
type AlertGroup struct {
	Key    string    `json:"key"`
	Number int64     `json:"number"` // no other group of the rule has it
	Alert  Alert     `json:"alert"`  // the first that has not been told of; when all have, the last that was
	Opened time.Time `json:"opened"`

	New       int64         `json:"new"`       // alerts that nobody has been told of
	Count     int64         `json:"count"`     // all
	Instances int64         `json:"instances"` // that the new ones are of; one that comes again after AlertsKnown others counts twice
	Since     time.Time     `json:"since"`     // the first of the new ones
	Until     time.Time     `json:"until"`     // the last
	Samples   []AlertSample `json:"samples,omitempty"`
	Watched   []AlertSample `json:"watched,omitempty"` // of those that people have been told of

	Next     time.Time `json:"next,omitzero"` // when people are told, if there is something new; zero: at once
	Held     bool      `json:"held,omitempty"`
	Messages int       `json:"messages,omitempty"` // so far
	ToldAt   time.Time `json:"toldAt,omitzero"`    // for the first time
	Step     int       `json:"step,omitempty"`     // steps of the escalation that have been done
	StepHeld time.Time `json:"stepHeld,omitzero"`  // until when the next one is held back

	// What is being told: it may take long while the mail server is away.
	Sending *AlertSending `json:"sending,omitempty"`
	Result  string        `json:"result,omitempty"` // of the last message
	Failed  bool          `json:"failed,omitempty"` // somebody was not told of it, or something not done

	Others bool         `json:"others,omitempty"` // of groups that are too many
	Parts  []AlertOther `json:"parts,omitempty"`  // the first AlertSamples of them
	More   int64        `json:"more,omitempty"`   // alerts of those that are not named
	Test   bool         `json:"test,omitempty"`
}

// AlertOther is a group that is told of together with others.
type AlertOther struct {
	Group string `json:"group"`
	Count int64  `json:"count"`
}

// AlertSending is a message that is on its way.
type AlertSending struct {
	Message int         `json:"message"`
	Step    int         `json:"step,omitempty"` // of the escalation; 0: of the group
	Group   *AlertGroup `json:"group"`          // as it was when it began
	Since   time.Time   `json:"since"`
	Planned bool        `json:"planned,omitempty"` // what it tells counts as told
}

// AlertPlanInput asks what is to be told of a group.
type AlertPlanInput struct {
	Rule  string     `json:"rule"`
	Group AlertGroup `json:"group"`
	Key   string     `json:"key"` // of the message
	Step  int        `json:"step,omitempty"`
	Again bool       `json:"again,omitempty"` // it was decided before: it is told whatever the time, and whether it still stands
}

// AlertPlan is what is to be told.
type AlertPlan struct {
	Until     time.Time `json:"until,omitzero"` // nothing before this: these are quiet hours
	Recovered bool      `json:"recovered,omitempty"`
	// Group is that of the question without what has been mended; nil when nothing has.
	Group   *AlertGroup `json:"group,omitempty"`
	Gone    bool        `json:"gone,omitempty"` // there is no such rule any more
	Notices []Notice    `json:"notices,omitempty"`
	Acts    int         `json:"acts,omitempty"` // processes and connectors
	Failed  string      `json:"failed,omitempty"`
}

// AlertAct has processes started and connectors called.
type AlertAct struct {
	Rule  string     `json:"rule"`
	Group AlertGroup `json:"group"`
	Key   string     `json:"key"`
}

// AlertActed tells what came of it.
type AlertActed struct {
	Done   []string `json:"done,omitempty"`
	Failed []string `json:"failed,omitempty"` // no repetition mends them
}

// AlertDigest is what an alert or an instance is known by: AlertHash bytes.
func AlertDigest(parts ...string) (digest [AlertHash]byte) {
	h := sha256.New()
	for _, part := range parts {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	copy(digest[:], h.Sum(nil))
	return digest
}
