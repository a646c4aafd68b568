// Package examples carries the example applications in the program, for `worker dev`.
package examples

import "embed"

// Files holds one folder an application.
//
//go:embed support-desk
var Files embed.FS
