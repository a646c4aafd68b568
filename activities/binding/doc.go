// Package binding says how the actions of a connector are called: what its policy becomes when it travels with a definition or a trigger.
// It is what the deployment, those who fire triggers and calls by hand have in common, and knows neither files nor Temporal.
package binding
