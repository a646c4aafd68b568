// Command worker hosts Waybill's workflows, activities and gateway.
//
//	go run ./worker        connects to a Temporal cluster and does what its roles say
//	go run ./worker dev    starts everything on one machine, a Temporal server and a mail server included
package main
