package contract

import "slices"

// Search attributes. They are few, since a Temporal server on SQL has few slots for them.
const (
	StateAttribute       = "WaybillState"       // Keyword; only processes have it, and events that are dead letters
	BusinessKeyAttribute = "WaybillBusinessKey" // Keyword
	AssigneeAttribute    = "WaybillAssignee"    // Keyword; of a user task
	CandidatesAttribute  = "WaybillCandidates"  // KeywordList: users and groups of a user task
	InstanceAttribute    = "WaybillInstance"    // Keyword: the instance of a user task
	TopicsAttribute      = "WaybillTopics"      // KeywordList: topics of the external tasks that an instance has, had or may have, see ShownTopics
)

// AnyTopic stands in TopicsAttribute for topics that have no room there.
const AnyTopic = "*"

// Temporal takes 2 KB of an attribute, and databases take words of 255 characters.
const (
	maxShownTopic  = 255
	maxShownTopics = 1500
)

// ShownTopics is what TopicsAttribute holds of topics: each once, in the order given.
func ShownTopics(topics []string) (shown []string) {
	size := 0
	for _, topic := range topics {
		switch {
		case slices.Contains(shown, topic) || slices.Contains(shown, AnyTopic):
		case len(topic) > maxShownTopic || size+len(topic) > maxShownTopics:
			shown = append(shown, AnyTopic)
		default:
			shown, size = append(shown, topic), size+len(topic)
		}
	}
	return shown
}

// KeywordAttributes and KeywordListAttributes are all of them by type.
func KeywordAttributes() []string {
	return []string{StateAttribute, BusinessKeyAttribute, AssigneeAttribute, InstanceAttribute}
}

// KeywordListAttributes are those that hold several values.
func KeywordListAttributes() []string { return []string{CandidatesAttribute, TopicsAttribute} }
