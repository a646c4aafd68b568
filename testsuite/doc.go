// Package testsuite is what users test their processes with, in Go: an environment with real servers in the test process
// (Start), and the replay of recorded histories against this version of Waybill (Replay). Package
// testsuite/scenario runs scenario files, which need no server and no Go. The servers themselves are in
// testsuite/temporalserver, testsuite/mailserver and testsuite/dovecot.
package testsuite
