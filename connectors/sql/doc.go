// Package sql is the connector sql: the actions SELECT, INSERT, UPDATE and DELETE on PostgreSQL and MariaDB.
//
// Values reach the database as bound parameters only, never as text of the statement. The statement is read by a small scanner
// (statement.go) that knows strings, quoted names and comments of both databases and nothing else of SQL: it finds the named parameters
// and refuses a second statement, and one that is not of the action's kind. What a statement may do beyond that is for the rights of the
// account to say. SELECT runs in a read-only transaction that is rolled back.
//
// A write may be done twice when the answer to its COMMIT is lost, unless the instance has a table of calls (SQL_IDEMPOTENCY_TABLE): the
// key and the outputs of a call are written there in the same transaction, and its repetition gets these outputs.
//
// Results go into the histories of processes. They are bounded, and what is over a bound is refused, not cut.
package sql
