// Package analytics keeps the documents of events in Elasticsearch. It knows nothing of Temporal.
//
// A tenant has four indexes (events.Indexes), each an alias on one physical index, its generation: activiti-tasks is activiti-tasks-000001.
// A document is the latest event of a thing. It is written under its id with its version (version_type=external): what is older than what
// the index holds is refused, so documents come in any order and any number of times. That guard works within one physical index alone,
// which is why there is no rollover to a second one and no data stream. A rebuild makes the next generation beside the current one and
// swaps the aliases of all four at once.
//
// Indexes are created by Ensure and Create alone, never by a write: one that the server made by itself would have guessed its mapping. The
// mapping takes in no field that is not known here, so that no model makes it grow, and no value is too long for it.
//
// A document that the server refuses for what it is becomes a dead letter, in an index of its own, and keeps nothing else waiting. All
// other refusals, such as a server with too much to do or a full disk, are waited out for some seconds and are then an error: whoever calls
// tries the whole again, later.
package analytics
