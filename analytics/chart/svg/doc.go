// Package svg writes SVG text: escaped, with short numbers, and with text that is measured, wrapped and cut to a width.
//
// No font is read to measure it: browsers draw with the fonts that they have, so a table of the widths of Helvetica is as good.
package svg
