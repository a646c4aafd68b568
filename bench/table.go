package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// table prints as Markdown whose columns also align in a terminal. Its first row is the heading.
type table [][]string

func (t table) print(w io.Writer) {
	widths := make([]int, len(t[0]))
	for _, row := range t {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for n, row := range t {
		printRow(w, row, widths)
		if n == 0 {
			rule := make([]string, len(widths))
			for i, width := range widths {
				rule[i] = strings.Repeat("-", width)
			}
			printRow(w, rule, widths)
		}
	}
}

func printRow(w io.Writer, row []string, widths []int) {
	var b strings.Builder
	for i, cell := range row {
		fmt.Fprintf(&b, "| %s%s ", cell, strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)))
	}
	fmt.Fprintln(w, b.String()+"|")
}
