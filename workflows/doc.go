// Package workflows holds Waybill's Temporal workflows. A process runs in a thin host: it hands events to the pure
// engine, turns the engine's commands into Temporal futures, and their results into events. User tasks,
// messages, mailboxes, definitions and registries are small entity workflows beside it.
//
// Workflow code touches no clock, random, map order, goroutine or I/O; what must touch the world is an activity, known
// here by its name in activities/contract alone. A host is one selector loop in one coroutine: a token that waits is
// a future or a signal in that loop, never a coroutine of its own, because parked coroutines replay tens of times slower.
// Update handlers run beside the loop, so they hand it a request and wait for the answer.
package workflows
