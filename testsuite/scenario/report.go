package scenario

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// result is a line of JSON output. Its field names are stable.
type result struct {
	File   string `json:"file"`
	Name   string `json:"name"`
	Line   int    `json:"line"`             // of the step that failed, else of the case
	Result string `json:"result"`           // passed, failed, skipped
	Step   int    `json:"step,omitempty"`   // that failed, from 1
	Reason string `json:"reason,omitempty"` // why it failed or was skipped
}

// report writes what became of cases and counts them.
type report struct {
	out     io.Writer
	json    bool
	summary Summary
	err     error // of the first write that failed
}

func (r *report) add(f *File, c *Case, failure *stepError) {
	if failure == nil {
		r.summary.Passed++
		r.line(result{File: f.Name, Name: c.Name, Line: c.Line, Result: "passed"}, "ok "+c.Name)
		return
	}
	r.summary.Failed++
	r.line(result{
		File: f.Name, Name: c.Name, Line: failure.line, Result: "failed", Step: failure.step, Reason: failure.err.Error(),
	}, fmt.Sprintf("FAIL %s: %s", c.Name, oneLine(failure.Error())))
}

// finish writes the summary and returns the error of the first write that failed.
func (r *report) finish() error {
	s := r.summary
	r.line(s, fmt.Sprintf("%d passed, %d failed, %d skipped", s.Passed, s.Failed, s.Skipped))
	if r.err != nil {
		return fmt.Errorf("write the results: %w", r.err)
	}
	return nil
}

func (r *report) line(value any, text string) {
	if r.out == nil || r.err != nil {
		return
	}
	if r.json {
		encoder := json.NewEncoder(r.out)
		encoder.SetEscapeHTML(false)
		r.err = encoder.Encode(value)
		return
	}
	_, r.err = fmt.Fprintln(r.out, text)
}

// oneLine keeps a reason on the line of its case.
func oneLine(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r", " "), "\n", "; ")
}
