// Package skeleton writes a new connector: a folder with its definition, its code and its test, which compile and pass as they are and
// are a connector already, of an HTTP service that looks up something by its id. It writes files and knows nothing else; that the
// connector exists is one line in connectors/catalog, which its author adds.
package skeleton
