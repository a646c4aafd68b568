// Package external has outside workers take external tasks. A task is an activity on the queue of its topic, and its lock is what Temporal knows of
// the attempt that was given away: when it was last heard of, how long that is good for, and what was told with it, such as the worker. So any number
// of gateways may serve the same tasks, and none keeps anything.
//
// What the wire contracts say of it (Camunda 7, process-engine, Flowable) is in the rooms of the gateway.
package external
