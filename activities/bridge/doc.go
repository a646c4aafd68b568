// Package bridge lets connectors that were written for Activiti Cloud answer calls over RabbitMQ, unchanged: a call is published as an
// IntegrationRequest, and the IntegrationResult or IntegrationError that comes back ends it.
//
// A call is an activity that is completed asynchronously:
//
//  1. A bridge takes the activity and publishes the request, with a confirm, to the exchange named like the implementation,
//     "orders.CREATE". Until then the activity has the short heartbeat timeout that the process host gives it, and the bridge takes less time than
//     that: the call of a bridge that dies is taken by another one.
//  2. It makes the heartbeat timeout of the attempt as long as the attempt may take, and leaves.
//  3. A bridge, any one, takes the answer from the queue and completes the activity; then it acknowledges the answer.
//
// The bridge keeps nothing: integrationContext.id says which activity of which run of which instance an answer is for. It is the same over the
// attempts of a call, and different for every other call. So bridges, broker and workers of processes may stop and die at any time. A
// connector may get a request more than once (a bridge died between 1 and 2, or no answer came in time), and can tell by the id; the process
// gets one answer. Answers to what is over, and answers that answer nothing, are dropped, counted and logged.
//
// The shapes are those of Activiti Cloud 7 and 8, read in its sources; exchanges and queues are named as Spring Cloud Stream's binder for RabbitMQ does.
package bridge
