// Package processengine serves external tasks as process-engine.io and ProcessCube do.
package processengine
