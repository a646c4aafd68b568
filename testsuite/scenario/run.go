package scenario

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/waybill-io/waybill/bpmn"
)

// Options say how files are run.
type Options struct {
	Models     string          // folder of the files to deploy; "": that of the scenario file
	MapDefault bpmn.MapDefault // what a task without a mapping exchanges; "": none
	Out        io.Writer       // nil: no output
	JSON       bool            // JSON lines instead of text
	Server     Dial            // nil: in memory
}

// Summary counts cases.
type Summary struct {
	Passed  int `json:"passed"`
	Failed  int `json:"failed"`
	Skipped int `json:"skipped"`
}

// RunFiles runs every case of every file and writes a line for each, then the summary. A case that fails is no error.
// The error joins a *MalformedError for everything that is wrong with a file; such a file does not run, the others do.
func RunFiles(ctx context.Context, files []string, o Options) (Summary, error) {
	r := &report{out: o.Out, json: o.JSON}
	var errs []error
	var server *live
	if o.Server != nil {
		var err error
		if server, err = goLive(ctx, o.Server); err != nil {
			return r.summary, err
		}
		defer server.close()
	}
	for _, name := range files {
		f, err := open(name, o)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for i := range f.Cases {
			if err := ctx.Err(); err != nil {
				return r.summary, errors.Join(append(errs, err)...)
			}
			if server == nil {
				r.add(f, &f.Cases[i], f.run(ctx, &f.Cases[i]))
			} else {
				r.add(f, &f.Cases[i], f.runLive(ctx, server, &f.Cases[i]))
			}
		}
	}
	errs = append(errs, r.finish())
	return r.summary, errors.Join(errs...)
}

// open reads a scenario file and what it deploys.
func open(name string, o Options) (*File, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, &MalformedError{File: name, Message: fmt.Sprintf("expected a scenario file: %v", err)}
	}
	f, err := Parse(name, data)
	if err != nil {
		return nil, err
	}
	return f, f.load(o)
}

// stepError is why a case failed.
type stepError struct {
	step int // from 1; 0: before the first
	line int
	err  error
}

func (e *stepError) Error() string {
	if e.step == 0 {
		return e.err.Error()
	}
	return fmt.Sprintf("step %d: %v", e.step, e.err)
}

func (e *stepError) Unwrap() error { return e.err }

// run runs one case; nil when it passed.
func (f *File) run(ctx context.Context, c *Case) *stepError { return f.runIn(newWorld(ctx, f), c) }

func (f *File) runIn(w *world, c *Case) *stepError {
	if err := w.deploy(f.deploy); err != nil {
		return &stepError{line: c.Line, err: fmt.Errorf("deploy: %w", err)}
	}
	for n, s := range c.steps {
		if err := w.step(s); err != nil {
			return &stepError{step: n + 1, line: s.line, err: err}
		}
	}
	return nil
}

// step runs a step and all that it sets in motion.
func (w *world) step(s step) error {
	w.moves = 0
	err := s.action.do(w)
	if err == nil {
		w.settle()
	}
	if w.wrong != nil {
		return w.wrong
	}
	return s.judge(err)
}

// judge compares the error of a step with the refusal that is expected.
func (s step) judge(err error) error {
	_, wrong := errors.AsType[broken](err)
	switch {
	case s.refused == nil || wrong:
		return err
	case err == nil && *s.refused == "":
		return errors.New("expected to be refused, it was not")
	case err == nil:
		return fmt.Errorf("expected to be refused with %q, it was not", *s.refused)
	case !strings.Contains(err.Error(), *s.refused):
		return fmt.Errorf("expected to be refused with %q, it was with %q", *s.refused, err)
	}
	return nil
}

var _ error = (*stepError)(nil)
