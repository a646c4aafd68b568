// Package alerts reads the rules of alerts and says what they make of one: who is told, in which group, and when.
// It is pure: no I/O, no clock; the same rule, alert and time always give the same answer. (It reads the time zone database.)
//
// A rule is a JSON object. It takes the alerts that its match holds for; several rules may take one, and each acts. One that ignores wins over
// all others. What a rule takes is put into groups by fields of the alert, and a group is told of once in a window; see the workflow of
// alerts, which counts. What is due within quiet hours is told at their end.
//
// Processes are started and connectors called by triggers, which are read from the rule as package trigger reads them from their files: the
// event is ALERT of the source "connector.alerts", and its outputs are those of Outputs.
package alerts
