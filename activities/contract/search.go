package contract

// Search attributes. They are few, since a Temporal server on SQL has few slots for them.
const (
	StateAttribute       = "WaybillState"       // Keyword; only processes have it, and events that are dead letters
	BusinessKeyAttribute = "WaybillBusinessKey" // Keyword
	AssigneeAttribute    = "WaybillAssignee"    // Keyword; of a user task
	CandidatesAttribute  = "WaybillCandidates"  // KeywordList: users and groups of a user task
	InstanceAttribute    = "WaybillInstance"    // Keyword: the instance of a user task
)

// KeywordAttributes and KeywordListAttributes are all of them by type.
func KeywordAttributes() []string {
	return []string{StateAttribute, BusinessKeyAttribute, AssigneeAttribute, InstanceAttribute}
}

// KeywordListAttributes are those that hold several values.
func KeywordListAttributes() []string { return []string{CandidatesAttribute} }
