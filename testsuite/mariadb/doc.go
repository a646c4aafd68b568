// Package mariadb runs a MariaDB server for tests, without privileges, in a folder and on a port of its own.
//
// A test calls Start and gets a Server with an empty database, over TCP with and without TLS. Where MariaDB is not installed the test is
// skipped with the reason, and fails when the environment has CI=true.
package mariadb
