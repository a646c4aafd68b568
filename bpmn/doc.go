// Package bpmn turns a BPMN 2.0 XML file, with the extensions file beside it, into an immutable Model that can be
// executed, and refuses every model that it cannot represent exactly.
//
// It owns the element names, the dialects of Activiti, Camunda 7 and Flowable (by namespace URI), the literals of timers
// and the types of process variables. It must not know how a model runs: that is package engine. It reads no file and no
// clock, and the same bytes give the same model.
//
// Parse works in four passes: XML to a bounded tree without diagram elements; the tree to nodes; flows, defaults and
// boundary events, which refer to nodes; the extensions file, which refers to all of them. Each pass goes on after a
// finding, so that all problems of a model are told at once. An element is either executed, or known to be without
// meaning at run time, or refused with its id and line: nothing is passed over in silence.
package bpmn
