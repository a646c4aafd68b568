// Package rabbitmq runs a RabbitMQ broker for tests: a node of its own, with its own name, cookie, epmd and ports, in a
// temporary folder. It disturbs no broker of the machine and is disturbed by none.
//
// A test calls Start and gets a Server; Stop, Kill, Run and Block do to it what happens to real brokers, and durable queues and
// persistent messages outlive them. Where RabbitMQ is not installed the test is skipped with the reason, and fails when the
// environment has CI=true.
package rabbitmq
