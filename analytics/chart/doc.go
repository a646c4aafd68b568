// Package chart draws reports as SVG: pies, bars and tables, and heat maps over the BPMN diagram of a model.
//
// Charts are laid out by github.com/go-analyze/charts; tables, headings and diagrams are ours. A picture has a background of its own, in the
// reader's colour scheme, so it can be read on every page and in print. It carries a title and a description for those who do not see it. The
// same report gives the same bytes: there is no date, no random id and no order of a map in it. All texts are escaped, and sizes are bounded:
// what is left off is said in the picture.
//
// It belongs in programs that people ask, the starter and the gateway: it costs 2 MB of a program, and fonts are read when the first picture is drawn.
package chart
