// Package temporalserver gives a developer's machine or a test run a Temporal server: it finds a program that is one,
// runs it as a child process, and waits until it answers. Production connects to a cluster and never comes here.
//
// Find looks for the program in this order:
//
//  1. the path in the environment variable WAYBILL_TEMPORAL_SERVER;
//  2. "temporal", Temporal's own command line, on the PATH, if the server in it is 1.29 or newer (the command line has
//     that since 1.5); what "temporal --version" prints decides;
//  3. our own testsuite/devserver, built once into waybill/devserver-<hash>/ of the user's cache folder. The hash
//     covers its sources, its go.sum and the version of Go. Processes that build at the same time wait for the first.
//
// All three speak the flags of "temporal server start-dev". The package knows nothing of Waybill's workflows, and it
// must not import go.temporal.io/server, which would bring two hundred modules into the product.
package temporalserver
