// Package mta runs the mail servers that the world runs, Postfix, Exim and OpenSMTPD, for tests of outgoing mail. Debian lets only one of
// them be installed, so that .ci/mta unpacks them; a server gets a copy of what was unpacked as the root of its file system, where it finds
// its users, libraries and fixed paths, and ports of its own. It disturbs nothing of the machine, but it takes root to change the root.
//
// Every server takes mail of the one account over STARTTLS and implicit TLS, delivers it into a folder that a test reads, knows every
// address except those that begin with "unknown", and puts recipients off while a test wants that (greylisting). What is Postfix's and
// Exim's own of it, the log-in mechanisms, is a Dovecot's, as is common.
//
// Where the servers are not unpacked, or the test does not run as root, it is skipped with the reason, and fails when the environment has
// CI=true.
package mta
