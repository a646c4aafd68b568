package workflows

import (
	"encoding/json"
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/engine"
)

// maxCalls bounds how many calls, scripts and messages of one instance are under way at a time. Temporal takes 2,000; a
// multi-instance task of as many would leave none for anything else, and its first workflow task would be larger than need be.
const maxCalls = 500

// load is what an instance has under way that only its run hears of, and what waits until there is room for it.
type load struct {
	calls    int              // connector calls, scripts, messages
	offers   int              // external tasks
	held     []engine.Command // not begun: too many are under way, or the run is about to end
	draining bool
	pausing  bool // between the scripts of two workflow tasks
	scripts  int  // bytes of variables that scripts got in this workflow task
	length   int  // of the history when this workflow task began
	warned   int  // events in the history when Temporal first suggested a new run; 0: not yet
}

// idle reports whether nothing is under way. What is held begins in the next run.
func (l *load) idle() bool { return l.calls+l.offers == 0 && !l.pausing }

// admit carries a command out now or, when there is no room for it, later.
func (h *host) admit(c engine.Command) {
	if h.state.Engine == 1 {
		h.begin(c)
		return
	}
	h.load.held = append(h.load.held, c)
	h.beginHeld()
}

// beginHeld begins what is held, as far as there is room.
func (h *host) beginHeld() {
	for len(h.load.held) > 0 && !h.load.draining && !h.load.pausing && h.load.calls < maxCalls {
		c := h.load.held[0]
		if script, ok := c.(engine.RunScript); ok && h.pause(script) {
			return
		}
		h.load.held = h.load.held[1:]
		h.begin(c)
	}
}

// scriptBytes bounds what the scripts of one workflow task get and give. Their results stay with the worker until the task ends,
// and then go to the server in one message, which may take 4 MiB.
const scriptBytes = 512 << 10

// pause lets the workflow task end before one more script when enough have run in it; a timer begins the next task. It reports
// whether the script has to wait.
func (h *host) pause(c engine.RunScript) bool {
	l := &h.load
	if length := workflow.GetInfo(h.ctx).GetCurrentHistoryLength(); length != l.length {
		l.length, l.scripts = length, 0
	}
	text, err := json.Marshal(c.Variables)
	if err != nil {
		panic(fmt.Sprintf("serialise variables: %v", err)) // they always do
	}
	if l.scripts += len(text) + 2048; l.scripts < scriptBytes || l.scripts == len(text)+2048 {
		return false
	}
	l.pausing = true
	f := workflow.NewTimerWithOptions(h.ctx, time.Millisecond, workflow.TimerOptions{Summary: "a pause between scripts"})
	h.selector.AddFuture(f, h.paused)
	return true
}

func (h *host) paused(workflow.Future) {
	h.load.pausing, h.load.scripts = false, 0
	h.beginHeld()
}

// done counts a call that has been answered or stopped, and begins what waited for its place.
func (h *host) done() {
	h.load.calls--
	h.beginHeld()
}

// begin carries out what has a place.
func (h *host) begin(c engine.Command) {
	switch c := c.(type) {
	case engine.CallConnector:
		h.load.calls++
		h.call(c)
	case engine.RunScript:
		h.load.calls++
		h.runScript(c)
	case engine.Publish:
		h.load.calls++
		h.publish(c)
	}
}

// release forgets a held command that was stopped; it reports whether there was one.
func (h *host) release(id int) bool {
	for i, c := range h.load.held {
		if commandID(c) == id {
			h.load.held = append(h.load.held[:i:i], h.load.held[i+1:]...)
			return true
		}
	}
	return false
}

func commandID(c engine.Command) int {
	switch c := c.(type) {
	case engine.CallConnector:
		return c.ID
	case engine.RunScript:
		return c.ID
	case engine.Publish:
		return c.ID
	}
	return 0
}

// leaving tells whether the next run is to begin now. Temporal suggests it long before it insists; an instance follows at the first
// moment when nothing is under way. One that never has such a moment is given one when its history is twice as long as
// at the first suggestion: from then on nothing new begins in this run. External tasks, which may be under way for days, are taken back
// and offered again by the next run.
func (h *host) leaving() bool {
	info := workflow.GetInfo(h.ctx)
	if !info.GetContinueAsNewSuggested() {
		return false
	}
	if h.quiet() {
		return true
	}
	if h.state.Engine == 1 {
		return false
	}
	length := info.GetCurrentHistoryLength()
	if h.load.warned == 0 {
		h.load.warned = length
	}
	if !h.load.draining && length >= 2*h.load.warned {
		h.load.draining = true
		for _, id := range workflow.DeterministicKeys(h.waits) {
			if w := h.waits[id]; w.offer {
				w.cancel()
				delete(h.waits, id)
				w.leave()
			}
		}
	}
	return h.quiet()
}
