// Package juel parses and evaluates JUEL, the Unified Expression Language that BPMN models of Activiti, Camunda 7 and
// Flowable are written in: ${amount > 100 && status == 'open'}, "Dear ${customer.name}", #{execution.getVariable('x')}.
//
// It owns the grammar, the coercions and the whitelist of methods and functions. It knows nothing of BPMN, of engines
// or of where variables live: those come through Env. Evaluation runs in workflow code that is replayed, so it reads no
// clock but Env.Now, visits maps in key order, calls no Go method by name, and ends: the source is bounded
// when it is parsed, and every text that an expression makes is bounded when it is made.
//
// A recursive descent parser (precedence climbing for binary operators) builds a tree of nodes; each node evaluates
// itself. Function and method names and their numbers of arguments are checked by Parse, so that a model which calls
// what does not exist is refused before it runs.
//
// # Values
//
// nil, bool, int64, float64, string, []any, map[string]any. Dates are ISO 8601 texts. See Normalize.
//
// # Coercion
//
// As in chapters 1.7, 1.8 and 1.18 of EL 2.2: arithmetic and comparison with a number read texts as numbers ('5' + 3 is
// 8) and null as 0; / is always real; comparison with a boolean reads texts as booleans; null and the empty text are
// false. + never joins texts: use concat, or write ${a}${b}.
//
// # Where it differs from the Java implementation
//
//   - Division by zero, integer overflow and results that are not finite are errors: such numbers cannot be stored.
//   - A text with a fraction compares with an integer ('5.5' > 3), a property after a dot may not be a bean getter
//     or a Java method outside the whitelist, and matches and replaceAll are missing, since Go's regular expressions
//     answer differently.
//   - Lengths and positions in a text count characters (code points), not UTF-16 units.
//   - ${...} and #{...} may be mixed in one text, and a whole list or map in a text is JSON.
//   - execution.setVariable and its like work only where the Env allows it (Setter): in listeners and service tasks.
//   - Dates are texts, and have methods as such: now().plusDays(3).isBefore(due).
package juel
