// Package rest is the connector rest: an action for each HTTP method, and the event INCOMING_WEBHOOK.
//
// Calls. A task's URL may come from anywhere, so a call goes to public addresses only, unless REST_ALLOWED_NETWORKS or REST_HOST says
// otherwise (package dialguard), and an instance's credentials go to the origins that it names and to no other: scheme, host and port must
// be those of REST_HOST or of an entry of REST_AUTH_HOSTS. Redirects are followed to the same host and five times at most, those of
// 301 and 302 only for methods without effect; any other is a failure that says where it leads, since credentials, idempotency
// and the guard of the caller mean the host that was called. Proxies of the environment are not used: they would resolve names
// where the guard does not see it.
//
// Every request carries Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a UUID made of the call's key, the same for all
// attempts. That is why POST and PATCH are retried like everything else. A header of that name in the model wins.
//
// Failures. 408, 425, 429 and 5xx (not 501), connections that fail and time-outs are retried, not before what Retry-After says. All other
// statuses but 2xx are BPMN errors with the status's name, unless the task accepts them as results. What the server wrote is in an error only when it
// is text, and then its beginning, without the secrets of the instance.
//
// Answers are bounded after decompression: they become variables and are in every history of the process.
//
// Webhooks. Receive makes one event of a request below /events. With WEBHOOK_SECRET it accepts signed requests only, in one of the schemes of
// signature.go; without, whoever runs it has to know who calls. What the id of an event is made of: see eventID.
package rest
