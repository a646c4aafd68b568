// Package ewsserver is an Exchange Web Services server for tests, in memory, written after the protocol documents
// (MS-OXWSCORE, MS-OXWSFOLD, MS-OXWSMSG, MS-OXWSSYNC, MS-OXWSNTIF, MS-NLMP) and after what a real server was seen to do:
//
//   - Nothing that happens while no streaming connection is open is ever told on one: not between Subscribe and the first
//     GetStreamingEvents, not between two connections.
//   - A subscription outlives the TCP connection that was cut.
//   - After a restart the server answers HTTP 200 with ErrorInvalidSubscription, the id among ErrorSubscriptionIds and the
//     ConnectionStatus Closed. Sync states outlive the restart.
//   - The first envelope of a stream comes at once and says OK; each further one stands on its own, behind the one before.
//   - A mail that arrives makes two events, NewMail and Created; one that is moved gets another id.
//
// Clients that we did not write (exchangelib, ews-javascript-api) work with it; clients_test.go proves it.
//
// It serves what a mail client needs and knows nothing of the product. It is not for production: no calendars, no
// permissions but a list of delegates, no limits on what is stored.
package ewsserver
