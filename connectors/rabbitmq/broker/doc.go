// Package broker is the way to a RabbitMQ broker: settings and connection, messages published with confirms, messages consumed
// with acknowledgements. It knows AMQP 0-9-1 and nothing of what messages mean.
//
// A message is published once the broker has confirmed it, which it does for persistent messages in durable queues when they are
// on disk. A message is acknowledged once the handler has returned nil; everything else comes again. So both directions are at least once,
// and who needs once sends and looks at the message id.
//
// Publisher and consumers have connections of their own: a broker that is short of memory stops reading from connections that publish,
// and would hear no acknowledgement in them.
package broker
