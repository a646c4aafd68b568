// Package eventlog says what must hold in the event log of every instance, for the tests of all who write one.
package eventlog
