// Command bench measures Waybill against the bare thing: the engine on one core, processes beside a workflow that is written by hand
// for the same activities, and the time from a customer's mail to the reply. It starts all that it needs on this machine and prints
// tables that can be pasted into a note, or JSON.
//
// The machine is part of every figure, so only ratios within one run say something about Waybill. What is compared runs in
// turn in the same process on the same server, round by round, the order swapped each time; a ratio is the median over the
// rounds, with its quartiles. Nothing here is a test: no figure fails a run.
package main
