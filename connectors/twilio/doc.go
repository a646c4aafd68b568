// Package twilio is the connector twilio: it sends text messages and has an event for each that arrives.
//
// Calls. One request of Twilio's Messages API. The official library is 27 MB of generated code for it, so the few lines are here.
//
// Repetitions. The Messages API has no idempotency keys. A request whose answer was lost, or is one of Twilio's own failures, may have sent
// its message, so the list of messages is asked for it at once: one with the same text between the same numbers, created since the
// request began, is taken for it. A third of the time of an attempt is kept for that. What remains is sent at least once: a worker that
// dies before the answer is recorded, or a message that Twilio lists later, is sent again. Requests carry the header Idempotency-Key all the
// same, for a proxy that knows it.
//
// Failures. SEND_SMS: what Twilio refuses is a BPMN error, what may pass is retried. send_sms, the action of the first generation, succeeds
// always and tells in twilioError what was refused.
//
// Events. Receive takes Twilio's webhook for incoming messages at /sms, signed with the account's auth token (HMAC-SHA1 over the address and
// the sorted parameters). There is no time in the signature: a request that is replayed has the same MessageSid, and is the same event.
package twilio
