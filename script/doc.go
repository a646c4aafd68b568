// Package script evaluates the JavaScript of models in goja. Evaluator does it in place, for conditions, listeners and values of
// mappings, where the same script must give the same in every replay: there is no clock and no random, and what it is
// given stays as it is. Script tasks, which may read the clock, run in an activity over the same surroundings (New).
package script
