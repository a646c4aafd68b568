// Package slack is the connector slack: it sends messages, creates channels, and has an event for each message that people write.
//
// Calls. Methods of Slack's Web API through slack-go. A message carries client_msg_id, a UUID made of the idempotency key, by which Slack
// passes over a repetition. Slack does not promise that to apps, so a call that is repeated after its answer was lost may
// be seen twice. A channel is found again by its purpose, which holds such a UUID, too: creation is repeated without a second channel.
//
// Failures. What Slack refuses is a BPMN error by the names of the contract; what may pass (rate limits, not before Retry-After; Slack's own
// trouble; the network) is retried.
//
// Events. Receive takes requests of the Events API at /slack/events, signed with the app's signing secret (scheme v0: HMAC-SHA256 over the
// time and the body), not older than five minutes. Slack tells of one message more than once: again when it has no answer, and as
// message and as app_mention. All of them are one event, by channel and ts, which name a message. What the app wrote itself is none; what
// other bots write is one only with SLACK_BOT_MESSAGES, since two that answer each other do not stop.
//
// Replies. A call that waits does so under the key channel:ts of its message when it wants the thread's, or channel when any message in
// the channel will do. Only people reply.
package slack
