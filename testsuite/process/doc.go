// Package process is what the servers of tests have in common: a folder and ports of their own, a user without privileges, a certificate,
// and a program that is started, waited for and ended with all its children.
package process
