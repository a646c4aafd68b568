// Package files is the connector files: PUT, GET, LIST, DELETE and PRESIGN in a folder of files that programs outside share with processes,
// over gocloud.dev/blob. It is not the blob store of the worker, which GET copies into: there a file stays what it was for the process that
// fetched it.
//
// A key is a relative path with slashes. What could lead out of the folder, or means another file on another system, is refused, not
// cleaned; a prefix confines an instance further. Every action may be repeated: PUT with ifAbsent marks what it has written with its key,
// so that its own repetition is not a conflict.
//
// A store that signs no URLs itself, such as a folder, has its signed URLs answered by Receive, over the gateway.
package files
