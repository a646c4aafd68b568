// Package report asks the indexes of events: each report is a question, a few searches with aggregations, and an answer of elements such
// as tables and charts, in the shape that the original's reports had. It needs no scripts and no runtime fields, so it works with any
// Elasticsearch that a Store can write to, and it knows nothing of Temporal.
//
// What a report can be asked, its parameters, is data (Parameter), from which the command line, the REST API and the documentation are made.
// Answers are bounded; where something was left off, Result.Notes say so.
package report
