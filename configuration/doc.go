// Package configuration reads the settings of a worker: a file (YAML, or the .properties of Java), the environment, and settings of the command line, in
// this order of growing weight. It knows the settings by the names that administrators of the old product know (keys.go), their types and defaults, and
// where each value came from. It reads and checks; what the settings do is the business of those who ask for them.
//
// The sections alert, email, elastic-search and event are ours: what they hold and is not known is an error with file, line and the nearest known name. All
// other names in a file are the old product's, or those of a chart; they are listed as ignored.
//
// An empty value is no value. Placeholders ${...} are not expanded: a password may hold one. What is no secret and holds one is an error.
//
// Secrets may be given as references, env:NAME, file:/path or sealed:..., which are resolved when somebody asks for the value. No error and no list
// shows a secret.
package configuration
