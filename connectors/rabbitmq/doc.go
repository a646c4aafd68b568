// Package rabbitmq is the connector rabbitmq: the action PUBLISH and the event MESSAGE_RECEIVED.
//
// PUBLISH succeeds once the broker has confirmed the message. Its message id is made of the idempotency key, so that the repetition of a call,
// after a crash between the confirm and the recording of it, publishes a message that consumers can recognise as the same.
//
// Listen consumes one queue and acknowledges a message once its event is stored. The id of an event is the message id. A message
// without one is an event of its own whenever it is delivered: two that look alike, such as two clicks, may well be two, and to act
// twice after a crash is better than to lose one. Publishers who want more set the message id.
//
// Package broker is the way to the broker.
package rabbitmq
