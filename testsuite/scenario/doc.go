// Package scenario runs scenario files: tests of a process, written in YAML, that deploy models, drive instances and say
// what must come of it. It runs in the test's own process on a virtual clock, without a server: a case takes milliseconds.
//
// It owns the format of the files, what its steps mean, and a small world in memory (world) that does for the pure engine
// what the process host and the message and task entities do on Temporal: the rules of who gets a message and who may
// complete a task are theirs. It must not know what elements of BPMN mean: that is package engine.
//
// # Algorithm
//
// Parse reads a file into steps and refuses what it does not know, with line and column. A case begins with an empty
// world at the file's clock. Each step turns into events for instances; the engine's commands are kept as tasks, timers
// and subscriptions, in order of creation, and connector calls and scripts are answered one after the other, first come
// first served, until the world is at rest. Time stands still but for the step advance, in which timers fire in order of
// their due time, those due at the same time in order of creation.
//
// # Decisions
//
// Expectations compare exactly: the map of calls and the map of instances name all that there were. "variables" and the
// "inputs" of a call name some of many. A refusal that a step expects is one of the system; a scenario that is wrong in
// itself (an instance that was never begun, a connector without a stub) fails whatever the step expects.
//
// Workers of process-engine answer with "serviceError" (job, worker, code, message, details), and with a "result" of any kind in "finish". Of fetched
// tasks "jobs" compares "message" and "details" of the last failure, and the "payload", too.
package scenario
