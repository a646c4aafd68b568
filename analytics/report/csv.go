package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// WriteCSV writes a result as RFC 4180 has it. Of a chosen element it writes the names of the columns and the rows; of "", all elements,
// each with its title in a line before and an empty line between. Durations are in milliseconds.
//
// A text that spreadsheets would take for a formula has an apostrophe before it, with which they show it as it is.
func WriteCSV(w io.Writer, r Result, element string) error {
	out := csv.NewWriter(w)
	found := false
	for i, e := range r.Elements {
		if element != "" && e.ID != element {
			continue
		}
		found = true
		if element == "" {
			if i > 0 {
				out.Flush()
				if _, err := io.WriteString(w, "\n"); err != nil {
					return fmt.Errorf("write CSV: %w", err)
				}
			}
			_ = out.Write([]string{Harmless(e.Title)}) // the error is that of Flush
		}
		writeGrid(out, e.Grid())
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	if !found && element != "" {
		return invalid{fmt.Errorf("the report %s has no element %q: it has %s", r.Report, element, strings.Join(r.elementIDs(), ", "))}
	}
	return nil
}

func (r Result) elementIDs() []string {
	var ids []string
	for _, e := range r.Elements {
		ids = append(ids, e.ID)
	}
	return ids
}

func writeGrid(out *csv.Writer, g Grid) {
	var head []string
	for i, name := range g.Columns {
		switch g.Units[i] {
		case Milliseconds:
			name += " (ms)"
		case Percent:
			name += " (%)"
		}
		head = append(head, Harmless(name))
	}
	_ = out.Write(head) // the error is that of Flush
	for _, row := range g.Rows {
		var line []string
		for _, value := range row {
			if n, ok := value.(float64); ok {
				line = append(line, strconv.FormatFloat(n, 'f', -1, 64))
				continue
			}
			line = append(line, Harmless(Show(value, Text)))
		}
		_ = out.Write(line)
	}
}

// Harmless keeps spreadsheets from taking a text of a CSV file for a formula (OWASP, CSV injection): such a one has an apostrophe before it.
func Harmless(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r\n|%", rune(text[0])) {
		return "'" + text
	}
	return text
}
