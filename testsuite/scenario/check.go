package scenario

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/activities/contract"
)

// checker compares what is with what is expected, and collects where they differ.
type checker struct {
	w     *snapshot
	one   *seen // nil: all of them
	wrong []string
}

func (e *expectStep) do(w *world) error { return e.check(w.snapshot(), w.find) }

// check compares what is there with what is expected. find returns the instance that a name means.
func (e *expectStep) check(there *snapshot, find func(name string) (*instance, error)) error {
	c := &checker{w: there}
	c.instances(e.instances)
	if e.instance != all && e.speaksOfInstance() {
		i, err := find(e.instance)
		if err != nil {
			return err
		}
		c.one = there.of(i.name)
		c.state(e.state)
		c.variables("variable", e.variables, c.one.variables)
		c.absent(e.absent)
	}
	c.waiting(e)
	c.task(e.taskVariables)
	c.callCounts(e.callCounts)
	c.callList(e.calls)
	c.incidents(e.incidents)
	if err := c.events(e); err != nil {
		return err
	}
	if len(c.wrong) > 0 {
		return errors.New(strings.Join(c.wrong, "; "))
	}
	return nil
}

// speaksOfInstance reports whether there is anything to compare but the numbers of instances.
func (e *expectStep) speaksOfInstance() bool {
	rest := *e
	rest.instances = nil
	return !reflect.DeepEqual(rest, expectStep{instance: main})
}

func (c *checker) differ(format string, args ...any) {
	c.wrong = append(c.wrong, "expected "+fmt.Sprintf(format, args...))
}

// speaks reports whether something belongs to what the expectation speaks of.
func (c *checker) speaks(instance string) bool { return c.one == nil || c.one.name == instance }

func (c *checker) state(want *string) {
	if want == nil {
		return
	}
	got := c.one.state
	if got == *want {
		return
	}
	why := ""
	switch got {
	case contract.StateSuspended:
		var texts []string
		for _, i := range c.one.incidents {
			texts = append(texts, i.element+": "+i.message)
		}
		why = " (incidents: " + strings.Join(texts, "; ") + ")"
	case contract.StateActive:
		why = " (waits at " + words(c.one.active) + ")"
	}
	c.differ("state %s, got %s%s", *want, got, why)
}

func (c *checker) variables(what string, want map[string]any, got map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		value, there := got[name]
		if !there {
			c.differ("%s %s = %s, there is none", what, name, show(want[name]))
		} else if !reflect.DeepEqual(value, want[name]) {
			c.differ("%s %s = %s, got %s", what, name, show(want[name]), show(value))
		}
	}
}

func (c *checker) absent(names []string) {
	for _, name := range names {
		if value, there := c.one.variables[name]; there {
			c.differ("no variable %s, got %s", name, show(value))
		}
	}
}

// waiting compares what is open, and the path that led there.
func (c *checker) waiting(e *expectStep) {
	var tasks, ids, assignees, candidates, active, messages []string
	for _, t := range c.w.tasks {
		if !c.speaks(t.instance) {
			continue
		}
		tasks, ids = append(tasks, t.title()), append(ids, t.Element)
		if t.Assignee != "" {
			assignees = append(assignees, t.Assignee)
		}
		candidates = append(append(candidates, t.CandidateUsers...), t.CandidateGroups...)
	}
	var enabled []string
	for _, i := range c.w.instances {
		if c.speaks(i.name) {
			active = append(active, i.active...)
			messages = append(messages, i.subscriptions...)
			enabled = append(enabled, i.enabled...)
		}
	}
	c.anyOrder("enabled", e.enabled, enabled)
	c.jobs(e.jobs)
	c.anyOrder("tasks", e.tasks, tasks)
	c.anyOrder("taskIds", e.taskIDs, ids)
	c.anyOrder("assignees", e.assignees, assignees)
	c.anyOrder("candidates", e.candidates, candidates)
	c.anyOrder("active", e.active, active)
	c.anyOrder("subscriptions", e.subscriptions, messages)
	path := c.w.path
	if c.one != nil {
		path = c.one.path
	}
	if e.path != nil && !slices.Equal(e.path, path) {
		c.differ("path %s, got %s", words(e.path), words(path))
	}
}

func (c *checker) jobs(want *expectedJobs) {
	if want == nil {
		return
	}
	got, ok := c.w.fetches[want.of]
	if !ok || len(got) != len(want.tasks) {
		c.differ("%d jobs of %s, got %d", len(want.tasks), want.of, len(got))
		return
	}
	for n, w := range want.tasks {
		j := got[n].job
		text := func(what string, want *string, got string) {
			if want != nil && *want != got {
				c.differ("%s %s of job %s[%d], got %s", what, *want, got, n, got)
			}
		}
		text("topic", w.topic, j.Topic)
		text("element", w.element, j.Element)
		text("worker", w.worker, j.worker)
		text("message", w.message, j.Report.Message)
		text("details", w.details, j.Report.Details)
		text("payload", w.payload, string(j.Payload))
		if w.retries != nil && (j.retries == nil || *j.retries != *w.retries) {
			c.differ("%d retries of job %d, got %s", *w.retries, n, show(j.retries))
		}
		if w.priority != nil && *w.priority != j.Priority {
			c.differ("priority %d of job %d, got %d", *w.priority, n, j.Priority)
		}
		if w.lockedFor != nil && j.locked.Sub(c.w.now) != *w.lockedFor {
			c.differ("job %d locked for %s, got %s", n, *w.lockedFor, j.locked.Sub(c.w.now))
		}
	}
}

func (c *checker) anyOrder(what string, want, got []string) {
	if want != nil && !slices.Equal(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got))) {
		c.differ("%s %s, got %s", what, words(want), words(got))
	}
}

func (c *checker) task(want *expectedTask) {
	if want == nil {
		return
	}
	var open []string
	for _, t := range c.w.tasks {
		if !c.speaks(t.instance) {
			continue
		}
		if t.is(want.task) {
			c.variables("variable of task "+want.task, want.variables, t.Inputs)
			return
		}
		open = append(open, t.title())
	}
	c.differ("open task %s, got %s", want.task, words(open))
}

func (c *checker) calls() []call {
	return slices.DeleteFunc(slices.Clone(c.w.calls), func(made call) bool { return !c.speaks(made.instance) })
}

func (c *checker) callCounts(want map[string]int) {
	if want == nil {
		return
	}
	got := map[string]int{}
	for _, made := range c.calls() {
		got[made.implementation]++
	}
	c.counts("calls", want, got)
}

func (c *checker) instances(want map[string]int) {
	if want == nil {
		return
	}
	got := map[string]int{}
	for _, i := range c.w.instances {
		got[i.key]++
	}
	c.counts("instances", want, got)
}

// counts compares numbers by name; a name that is left out counts as zero.
func (c *checker) counts(what string, want, got map[string]int) {
	want = maps.Clone(want)
	maps.DeleteFunc(want, func(name string, n int) bool { return n == 0 && got[name] == 0 })
	if !maps.Equal(want, got) {
		c.differ("%s %s, got %s", what, show(want), show(got))
	}
}

func (c *checker) callList(want []expectedCall) {
	if want == nil {
		return
	}
	got := c.calls()
	var names, made []string
	for _, w := range want {
		names = append(names, w.implementation)
	}
	for _, g := range got {
		made = append(made, g.implementation)
	}
	if !slices.Equal(names, made) {
		c.differ("calls %s, got %s", words(names), words(made))
		return
	}
	for n, w := range want {
		what := fmt.Sprintf("input of call %d (%s)", n+1, w.implementation)
		c.variables(what, w.inputs, got[n].inputs)
		for _, name := range w.absent {
			if value, there := got[n].inputs[name]; there {
				c.differ("no %s %s, got %s", what, name, show(value))
			}
		}
	}
}

func (c *checker) incidents(want []expectedIncident) {
	if want == nil {
		return
	}
	var open []expectedIncident
	for _, i := range c.w.instances {
		if c.speaks(i.name) {
			open = append(open, i.incidents...)
		}
	}
	var expected, got []string
	for _, w := range want {
		expected = append(expected, w.element+": "+w.message)
	}
	for _, i := range open {
		got = append(got, i.element+": "+i.message)
	}
	fits := func(w, g int) bool {
		return want[w].element == open[g].element && strings.Contains(open[g].message, want[w].message)
	}
	if len(want) != len(open) || !matched(len(want), fits) {
		c.differ("incidents %s, got %s", words(expected), words(got))
	}
}

// matched reports whether n wants can be given n different things that fit them (augmenting paths in a bipartite graph).
func matched(n int, fits func(want, got int) bool) bool {
	owner := map[int]int{}
	var assign func(want int, tried map[int]bool) bool
	assign = func(want int, tried map[int]bool) bool {
		for got := range n {
			if tried[got] || !fits(want, got) {
				continue
			}
			tried[got] = true
			if other, taken := owner[got]; !taken || assign(other, tried) {
				owner[got] = want
				return true
			}
		}
		return false
	}
	for want := range n {
		if !assign(want, map[int]bool{}) {
			return false
		}
	}
	return true
}

// words writes a list as in [A B].
func words(list []string) string { return "[" + strings.Join(list, " ") + "]" }

// show writes a value as JSON.
func show(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}
