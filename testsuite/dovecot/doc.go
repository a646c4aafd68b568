// Package dovecot runs a Dovecot IMAP server for tests, without privileges, in a folder and on ports of its own.
//
// A test calls Start and gets a Server whose users have Maildir folders; Kill, Restart, SetPassword, Deliver and
// ResetMailbox do to it what happens to real servers. Where Dovecot 2.3 is not installed the test is skipped with the
// reason, and fails when the environment has CI=true.
package dovecot
