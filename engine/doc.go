// Package engine runs one instance of a BPMN process as a pure function: Step takes the model, the state of the instance
// and one event, and gives the commands that the host must carry out. It owns what the elements mean: tokens, joins,
// timers' due times, variables and their mapping, incidents. It does no I/O, reads no clock (time comes with the event),
// makes no random ids (they are counted) and depends on no map order, so that the same events give the same commands in
// every run; that is what lets a host replay it. How a command is carried out, and when an event comes, is the host's.
//
// # Algorithm
//
// Tokens live in State.Tokens, each in a scope (State.Scopes; 0 is the process). A scope belongs to a token that waits for it: that
// of a sub-process, of the loop of an activity, of a throwing compensation event. It has variables of its own and counts the
// tokens in it; when the last one is gone, the token that it belongs to goes on. What is interrupted goes with all scopes below it.
// Between two steps every token waits. An event wakes one token (or starts the first
// one). The tokens that are awake run one after the other, in order of creation, each until it waits, is suspended by an
// incident or is gone. Where flows fork, the first flow keeps the token and each other one gets a new token that runs
// later. Tokens that reach a join are counted there (State.Joins) and gone; of a parallel join the one that completes the set goes
// on. When all have come to rest, what depends on all of them is looked at: inclusive joins, completion conditions of ad-hoc
// sub-processes, conditional events whose variables have changed. When neither a token nor a join is left, the instance has completed.
//
// What an event waits for is a Wait: of a token, or, for an event sub-process, of a scope. Errors, escalations and compensation wait
// for nothing: who catches them is looked up from the inside out when they are thrown.
//
// What an event needs is checked before anything changes: an error of Step leaves the state as it was. What goes wrong in
// the model or in a call is no error of Step but an incident of the token that met it; the other tokens go on.
//
// # Decisions
//
// The decisions that people see, with the scenarios that show them, are in docs/bpmn.md.
//
// Boundary timers stay armed while their activity has an incident: a deadline counts whether or not something broke. An
// interrupting one that fires then closes the incident. A retry keeps the timers that are armed and those that fired. Only an
// activity whose input parameters fail has not armed them yet: they may need those.
//
// An element that has done its work but found no way out (no flow selected, a condition that failed) is not run again by
// a retry: only its flows are evaluated again, so that no connector is called twice for an error in a condition.
//
// A cycle of a boundary timer counts from the first due time, without drift; firings that were missed are made up for
// one by one.
//
// A user task, script task, receive task or message catch event without a mapping entry sees all variables and writes all
// its results, as in Activiti and Camunda. A service or send task without one follows bpmn.Process.MapDefault. With an
// entry, all of them exchange what it names: an explicit output is written only to a declared property or a variable that
// exists, and is dropped otherwise; "all outputs" writes every result.
package engine
