// Package activities touches the world on behalf of workflows: it calls connectors, runs scripts, watches mailboxes, turns mail
// into work and talks to Temporal for workflows that may not. What crosses to the workflows stands in
// activities/contract; the errors of connectors become Temporal's here and nowhere else.
package activities
