// Package script is the connector script: the action RUN, JavaScript over the inputs of a call.
//
// A script runs in a process of its own, which is this program again, started with Argument: goja cannot be kept to a time, since an
// interrupt waits for its built-in functions ('x'.repeat(1e9) runs for seconds, and Array.from for as long as it likes), and has no bound
// of memory. A process can be killed, has its memory measured, and holds no secret: it gets the script and its variables, and no environment. It is no
// sandbox against a fault of goja itself. Programs that host the connector call Child first of all in main.
package script
