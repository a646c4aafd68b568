// Package project turns the files of a process application into checked deployables: definitions of processes as they
// are sent to Temporal, and triggers.
//
// A project is a folder; what a file is, its place says, and its content where the place does not:
//
//	processes/*.bpmn, *.bpmn20.xml    models, with NAME-extensions.json beside each
//	connectors/*.json                 definitions of connectors that are not built in
//	triggers/*.json                   triggers
//	anything else                     files that the extensions refer to, such as mail templates
//
// That is the layout of application projects of Activiti and Alfresco, too: their other parts, such as forms and decision tables, have
// no meaning here and are told one by one. An archive of a project is unpacked, bounded, into a folder for the time of loading.
//
// A definition is complete in itself: an input of type file that names a file of the project gets that file's text, and
// every connector action of the model gets its task queue and policy. The folder that such names are relative to is
// that of the model, or the one above it when the model is in a folder named processes; so a definition does not depend
// on which path it was loaded by, and the same content has the same digest.
//
// The package reads files and knows nothing of Temporal's client. It collects all errors instead of stopping at the
// first.
package project
