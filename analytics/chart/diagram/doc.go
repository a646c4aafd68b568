// Package diagram draws BPMN diagrams as SVG, where bpmn.ReadDiagrams says, with colours and numbers over activities.
//
// Symbols are those of BPMN 2.0. What lies inside of what is found by size: the larger is drawn first, then lines, then what has no inside, then
// names and numbers, so that none is hidden. Lines that editors drew from middle to middle are cut at the border of the shapes.
// It lays out nothing: a model without a diagram is not drawn.
package diagram
