package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

const (
	outputText = "text"
	outputJSON = "json"
)

var outputs = []string{outputText, outputJSON}

// outputsAnnotation names the outputs of a command that has others than most, separated by spaces.
const outputsAnnotation = "outputs"

// outputsOf are the outputs that a command has.
func outputsOf(cmd *cobra.Command) []string {
	if own := cmd.Annotations[outputsAnnotation]; own != "" {
		return strings.Fields(own)
	}
	return outputs
}

// print writes a result: value as one line of JSON, or what text writes.
func (a *app) print(cmd *cobra.Command, value any, text func(w io.Writer)) error {
	if a.output == outputJSON {
		if err := encode(cmd.OutOrStdout(), value); err != nil {
			return fmt.Errorf("write the result: %w", err)
		}
		return nil
	}
	text(cmd.OutOrStdout())
	return nil
}

// table writes rows in columns under a head; empty says what it means that there are none.
func table(w io.Writer, empty string, head []string, rows [][]string) {
	if len(rows) == 0 {
		fmt.Fprintln(w, empty)
		return
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{head}, rows...) {
		for i, cell := range row {
			if cell == "" {
				cell = "-"
			}
			if i > 0 {
				fmt.Fprint(t, "\t")
			}
			fmt.Fprint(t, oneLine(cell))
		}
		fmt.Fprintln(t)
	}
	_ = t.Flush() // a standard output that is closed is nobody's to tell
}

// oneLine keeps text that others wrote, such as a subject, from breaking a table or steering the terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// fields writes "name: value" lines, leaving empty values out.
func fields(w io.Writer, pairs ...string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fmt.Fprintf(w, "%s: %s\n", pairs[i], oneLine(pairs[i+1]))
		}
	}
}

// variables writes variables by name, each value as JSON.
func variables(w io.Writer, values map[string]any) {
	if len(values) == 0 {
		return
	}
	fmt.Fprintln(w, "variables:")
	for _, name := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(w, "  %s = ", name)
		// What a process holds came from JSON and becomes it again; a variable that did not would only be missing here.
		_ = encode(w, values[name])
	}
}

// encode writes one line of JSON. A "<" stays what it is: this is no HTML.
func encode(w io.Writer, value any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(value)
}

// list never is null in JSON.
func list[T any](values []T) []T {
	if values == nil {
		return []T{}
	}
	return values
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// progressLine is a line of a terminal that is written again and again. What is no terminal gets a line for each stage.
type progressLine struct {
	w        io.Writer
	terminal bool
	stage    string
	shown    bool
}

func newProgressLine(w io.Writer) *progressLine {
	l := &progressLine{w: w}
	if file, ok := w.(*os.File); ok {
		info, err := file.Stat()
		l.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return l
}

func (l *progressLine) show(stage, text string) {
	if text != "" {
		text = ": " + text
	}
	if l.terminal {
		fmt.Fprintf(l.w, "\r\x1b[K%s%s", stage, text)
		l.shown = true
	} else if stage != l.stage {
		fmt.Fprintf(l.w, "%s%s\n", stage, text)
	}
	l.stage = stage
}

func (l *progressLine) end() {
	if l.shown {
		fmt.Fprint(l.w, "\r\x1b[K")
		l.shown = false
	}
}
