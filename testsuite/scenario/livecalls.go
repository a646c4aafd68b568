package scenario

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"github.com/waybill-io/waybill/activities/contract"
)

var dynamicActivity = activity.DynamicRegisterOptions{}

// call answers a connector call as the case's stubs say.
func (l *live) call(_ context.Context, args converter.EncodedValues) (contract.ConnectorResult, error) {
	var in contract.ConnectorCall
	if err := args.Get(&in); err != nil {
		return contract.ConnectorResult{}, temporal.NewNonRetryableApplicationError("read the call: "+err.Error(), "call", err)
	}
	l.mu.Lock()
	stub := l.stub
	l.mu.Unlock()
	if stub == nil { // of a case that is over
		return contract.ConnectorResult{}, temporal.NewNonRetryableApplicationError("the case has ended", "ended", nil)
	}
	return stub(in)
}

// waiting is a call that has not been answered yet.
type waiting struct {
	contract.ConnectorCall
	command int
	answer  chan answered
}

type answered struct {
	result contract.ConnectorResult
	err    error
}

// gather is how long calls are collected, so that those of one moment are answered in the order in which the instance made them.
const gather = 25 * time.Millisecond

// stubbed answers a call as the stubs say.
func (s *liveCase) stubbed(in contract.ConnectorCall) (contract.ConnectorResult, error) {
	_, number, _ := strings.Cut(strings.TrimPrefix(in.IdempotencyKey, in.Context.ProcessInstanceID), "/")
	command, _ := strconv.Atoi(number)
	w := &waiting{in, command, make(chan answered, 1)}
	s.mu.Lock()
	s.batch = append(s.batch, w)
	if s.flush != nil {
		s.flush.Stop()
	}
	s.flush = time.AfterFunc(gather, s.answerAll)
	s.mu.Unlock()
	a := <-w.answer
	return a.result, a.err
}

// answerAll answers what has come together, by instance and then by command.
func (s *liveCase) answerAll() {
	instances, _ := s.seen()
	place := func(w *waiting) int {
		return slices.IndexFunc(instances, func(e execution) bool { return e.id == w.Context.ProcessInstanceID })
	}
	s.mu.Lock()
	slices.SortStableFunc(s.batch, func(a, b *waiting) int {
		if by := place(a) - place(b); by != 0 {
			return by
		}
		return a.command - b.command
	})
	batch := s.batch
	s.batch = nil
	answers := make([]answered, len(batch))
	for i, w := range batch {
		outputs, err := s.one(call{w.Context.ProcessInstanceID, w.Context.ElementID, w.Implementation, w.Inputs})
		answers[i] = answered{contract.ConnectorResult{Outputs: outputs}, err}
	}
	s.mu.Unlock()
	for i, w := range batch {
		if i > 0 {
			time.Sleep(gather) // an answer may stop the calls after it
		}
		w.answer <- answers[i]
	}
}

// one records a call and looks up its answer.
func (s *liveCase) one(c call) (map[string]any, error) {
	s.calls = append(s.calls, c)
	a, ok := s.answers.next(c.implementation, c.element)
	if !ok {
		s.wrong = brokenf("connector %s is called at element %q and has no stub: add it to connectors", c.implementation, c.element)
		return nil, temporal.NewNonRetryableApplicationError(s.wrong.Error(), "stub", nil)
	}
	switch {
	case a.code != "":
		return nil, temporal.NewNonRetryableApplicationError(a.message, contract.BPMNErrorPrefix+a.code, nil)
	case a.failed:
		return nil, temporal.NewNonRetryableApplicationError(a.message, "failure", nil)
	}
	return a.outputs, nil
}
