// Package client is Waybill's typed API over a Temporal client: deploy definitions, start and steer instances, publish
// messages, work on user tasks, answer incidents, look after mailboxes. The starter, the gateway, the activities
// and Go programs of users call it; it keeps no state, and every method is safe for concurrent use.
//
// It knows names, ids and payloads from activities/contract and nothing of how they are carried out.
package client
