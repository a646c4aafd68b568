package scenario

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/engine"
)

// maxAnswers bounds what one step sets in motion: answers and timers. A model that loops over them would never rest.
const maxAnswers = 100_000

// world is what a case has brought about: deployed processes, instances, and all that they wait for.
type world struct {
	ctx         context.Context // of scripts
	now         time.Time
	definitions map[string]deployed
	stubs       map[string][]answer
	answered    map[string]int // by stub
	instances   []*instance    // in the order in which they began
	names       map[string]*instance

	// What is open, in order of creation.
	tasks         []*task
	timers        []*timer
	subscriptions []*subscription
	pending       []pending

	calls []call
	path  []string
	moves int   // answers and timers of this step
	wrong error // of the scenario; the first one counts
}

// broken is an error of a scenario that no step can expect.
type broken struct{ error }

func brokenf(format string, args ...any) error { return broken{fmt.Errorf(format, args...)} }

// instance is one run of a process.
type instance struct {
	name    string // KEY#N
	process *bpmn.Process
	state   *engine.State
	path    []string
}

// command is what an instance waits for, by the engine's id.
type command struct {
	instance *instance
	id       int
}

func (c command) of(i *instance, id int) bool { return c.instance == i && c.id == id }

func newWorld(ctx context.Context, f *File) *world {
	return &world{
		ctx: ctx, now: f.clock, stubs: f.stubs, answered: map[string]int{},
		definitions: map[string]deployed{}, names: map[string]*instance{},
	}
}

// deploy makes processes the newest of their keys. The same content again changes nothing.
func (w *world) deploy(d *deployment) error {
	if d.err != nil {
		return d.err
	}
	for _, p := range d.processes {
		if w.definitions[p.key].digest == p.digest {
			continue
		}
		if err := w.startTimers(p); err != nil {
			return fmt.Errorf("process %q: %w", p.key, err)
		}
		w.definitions[p.key] = p
	}
	return nil
}

// begin starts an instance at a start event, "" for the none start event.
func (w *world) begin(key, element string, started startStep) (*instance, error) {
	d, ok := w.definitions[key]
	if !ok {
		known := strings.Join(slices.Sorted(maps.Keys(w.definitions)), ", ")
		return nil, fmt.Errorf("no process %q is deployed; deployed: %s", key, cmp.Or(known, "none"))
	}
	n := 1
	for _, i := range w.instances {
		if i.process.ID == key {
			n++
		}
	}
	i := &instance{name: key + "#" + strconv.Itoa(n), process: d.process}
	i.state = engine.New(engine.Options{ID: i.name, BusinessKey: started.businessKey, Initiator: started.user})
	if err := w.apply(i, engine.Started{Element: element, Variables: started.variables}); err != nil {
		return nil, fmt.Errorf("start process %q: %w", key, err)
	}
	w.instances = append(w.instances, i)
	return i, nil
}

// find returns the instance that a name means: one that "as" gave, or KEY#N.
func (w *world) find(name string) (*instance, error) {
	if i := w.names[name]; i != nil {
		return i, nil
	}
	begun := slices.Sorted(maps.Keys(w.names))
	for _, i := range w.instances {
		if i.name == name {
			return i, nil
		}
		begun = append(begun, i.name)
	}
	return nil, brokenf("no instance is named %q; there are: %s", name, cmp.Or(strings.Join(begun, ", "), "none"))
}

// apply gives an instance an event and carries out what the engine answers.
func (w *world) apply(i *instance, event engine.Event) error {
	done := len(i.state.Path) + i.state.Dropped
	commands, err := engine.Step(i.process, i.state, event, w.now)
	if err != nil {
		return err
	}
	done = len(i.state.Path) + i.state.Dropped - done
	completed := i.state.Path[max(len(i.state.Path)-done, 0):]
	i.path = append(i.path, completed...)
	w.path = append(w.path, completed...)
	for _, c := range commands {
		w.carryOut(i, c)
	}
	return nil
}

func (w *world) carryOut(i *instance, c engine.Command) {
	switch c := c.(type) {
	case engine.CallConnector:
		w.call(i, c)
	case engine.RunScript:
		w.pending = append(w.pending, pending{command{i, c.ID}, func() engine.Event { return w.script(c) }})
	case engine.OpenTask:
		w.tasks = append(w.tasks, &task{command: command{i, c.ID}, OpenTask: c})
	case engine.StartTimer:
		w.timers = append(w.timers, &timer{at: c.At, command: command{i, c.ID}})
	case engine.Subscribe:
		w.subscriptions = append(w.subscriptions, &subscription{command{i, c.ID}, c.Element, c.Name, c.Key})
	case engine.Stop:
		w.stop(i, c.ID)
	case engine.End:
		// The state tells the outcome.
	default:
		w.fail(brokenf("scenarios do not know the command %T", c))
	}
}

// stop forgets a command that nobody waits for any more.
func (w *world) stop(i *instance, id int) {
	w.pending = slices.DeleteFunc(w.pending, func(p pending) bool { return p.of(i, id) })
	w.tasks = slices.DeleteFunc(w.tasks, func(t *task) bool { return t.of(i, id) })
	w.timers = slices.DeleteFunc(w.timers, func(t *timer) bool { return t.of(i, id) })
	w.subscriptions = slices.DeleteFunc(w.subscriptions, func(s *subscription) bool { return s.of(i, id) })
}

// fail records what is wrong with the scenario itself.
func (w *world) fail(err error) {
	if w.wrong == nil {
		w.wrong = err
	}
}

// settle answers connector calls and scripts until there are none.
func (w *world) settle() {
	for len(w.pending) > 0 && w.wrong == nil && w.move() {
		p := w.pending[0]
		w.pending = w.pending[1:]
		if err := w.apply(p.instance, p.answer()); err != nil {
			w.fail(brokenf("the engine refused an answer for %s: %w", p.instance.name, err))
		}
	}
}

// move counts; it reports whether the world may go on.
func (w *world) move() bool {
	if err := w.ctx.Err(); err != nil {
		w.fail(broken{err})
	} else if w.moves++; w.moves > maxAnswers {
		w.fail(brokenf("no rest after %d calls, scripts and timers: look for a loop", maxAnswers))
	}
	return w.wrong == nil
}

// stateOf is the state of an instance as operators see it.
func stateOf(s *engine.State) string {
	switch {
	case s.Outcome == engine.OutcomeCancelled:
		return contract.StateCancelled
	case s.Outcome != "":
		return contract.StateCompleted
	case len(s.Incidents) > 0:
		return contract.StateSuspended
	}
	return contract.StateActive
}
