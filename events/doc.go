// Package events is what happens in processes, as analytics sees it: the events of an instance's log, and the document that each of them
// makes in an index. It is pure, and knows neither of Temporal nor of Elasticsearch.
//
// An event tells all that is known of what it is about, such as a task, at that moment: so the document of a thing is its latest event,
// and documents can be written in any order and any number of times, as long as an older one never takes the place of a newer.
package events
