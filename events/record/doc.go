// Package record gives a workflow that is written in Go the events of a process: Start once, and what the Recorder is told is in the
// workflow's history with the progress itself, in the same markers as those of BPMN processes. Indexes, reports, rebuilds and exports treat both
// alike.
//
// The events of a workflow task become one marker when the workflow blocks: nothing waits for them, and no round trip is made. A workflow that
// is replayed writes none again. Calls belong into workflow code, never into queries, validators or side effects. Adding the first call to a
// workflow that already runs changes its history: use workflow.GetVersion, as for any other change.
package record
