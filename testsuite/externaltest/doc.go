// Package externaltest is what tests of external tasks have in common: a worker of processes with a client of it (Place), the routes of
// a contract at an address where they can be ended and started again (Gateway), and a worker of a published client (Node). It knows no
// contract.
package externaltest
