// Package client is Waybill's typed API over a Temporal client: deploy definitions, start and steer instances, publish
// messages, work on user tasks, answer incidents, look after mailboxes. The starter, the activities and Go programs of
// users call it. It keeps nothing but parsed models, and every method is safe for concurrent use.
//
// It knows names, ids and payloads from activities/contract and nothing of how they are carried out, except that it
// runs the first step of an instance in the engine before it starts one, so that wrong input is refused to the caller.
package client
