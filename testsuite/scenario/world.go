package scenario

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/bpmn"
	"github.com/waybill-io/waybill/engine"
	"github.com/waybill-io/waybill/events"
	"github.com/waybill-io/waybill/script"
)

// maxAnswers bounds what one step sets in motion: answers and timers. A model that loops over them would never rest.
const maxAnswers = 100_000

// world is what a case has brought about: deployed processes, instances, and all that they wait for.
type world struct {
	ctx         context.Context // of scripts
	now         time.Time
	engine      engine.Engine
	definitions map[string]deployed
	versions    map[string][]deployed // of each process, the oldest first
	answers     *answers
	instances   []*instance // in the order in which they began
	names       map[string]*instance

	// What is open, in order of creation.
	tasks         []*task
	timers        []*timer
	subscriptions []*subscription
	signals       []*subscription
	kept          []kept
	jobs          []*job
	pending       []pending

	fetches map[string][]fetched           // by name
	outside func(*job, engine.Event) error // who answers jobs; nil: the world itself

	calls []call
	path  []string
	moves int   // answers and timers of this step
	wrong error // of the scenario; the first one counts

	observe func(*instance, events.Event) // for tests; nil: nobody
	silent  bool                          // for tests: nothing is recorded
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
	log     []string // types of events
	caller  *caller  // nil: nobody called it
}

// command is what an instance waits for, by the engine's id.
type command struct {
	instance *instance
	id       int
}

func (c command) of(i *instance, id int) bool { return c.instance == i && c.id == id }

func newWorld(ctx context.Context, f *File) *world {
	return &world{
		ctx: ctx, now: f.clock, answers: newAnswers(f.stubs),
		definitions: map[string]deployed{}, versions: map[string][]deployed{}, names: map[string]*instance{}, fetches: map[string][]fetched{},
		engine: engine.Engine{Scripts: &script.Evaluator{}},
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
		w.versions[p.key] = append(w.versions[p.key], p)
	}
	return nil
}

// begin starts an instance at a start event, "" for the none start event.
func (w *world) begin(key, element string, started startStep) (*instance, error) {
	d, ok := w.definitions[key]
	if !ok {
		known := strings.Join(slices.Sorted(maps.Keys(w.definitions)), ", ")
		return nil, fmt.Errorf("process %q is not deployed; deployed: %s", key, cmp.Or(known, "none"))
	}
	return w.beginAs(d, element, started, nil)
}

// beginAs starts an instance of a version, for a caller or for nobody.
func (w *world) beginAs(d deployed, element string, started startStep, by *caller) (*instance, error) {
	key, n := d.key, 1
	for _, i := range w.instances {
		if i.process.ID == key {
			n++
		}
	}
	i := &instance{name: key + "#" + strconv.Itoa(n), process: d.process, caller: by}
	options := engine.Options{
		ID: i.name, Definition: fmt.Sprintf("%s:%d", key, max(d.definition.Version, 1)), BusinessKey: started.businessKey, Initiator: started.user, Record: !w.silent,
	}
	if by != nil {
		options.Called, options.Depth = true, by.instance.state.Depth+1
	}
	i.state = engine.New(options)
	w.instances = append(w.instances, i) // before it begins: it may begin others
	if err := w.apply(i, engine.Started{Element: element, Variables: started.variables}); err != nil {
		w.instances = slices.DeleteFunc(w.instances, func(other *instance) bool { return other == i })
		return nil, fmt.Errorf("start process %q: %w", key, err)
	}
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
	commands, err := w.engine.Step(i.process, i.state, event, w.now)
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
		w.later(i, c.ID, func() engine.Event { return w.script(c) })
	case engine.OpenTask:
		w.tasks = append(w.tasks, &task{command: command{i, c.ID}, OpenTask: c})
	case engine.StartTimer:
		w.timers = append(w.timers, &timer{at: c.At, command: command{i, c.ID}})
	case engine.Subscribe:
		s := &subscription{command{i, c.ID}, c.Element, c.Name, c.Key}
		w.subscriptions = append(w.subscriptions, s)
		w.takeKept(s)
	case engine.SubscribeSignal:
		w.signals = append(w.signals, &subscription{command{i, c.ID}, c.Element, c.Name, ""})
	case engine.Publish:
		w.publishFrom(i, c)
	case engine.Broadcast:
		w.later(i, 0, func() engine.Event {
			if err := w.signal(c.Name, c.Variables, i); err != nil {
				w.fail(brokenf("signal %q: %w", c.Name, err))
			}
			return nil
		})
	case engine.OfferTask:
		w.offered(&job{command: command{i, c.ID}, OfferTask: c, judged: i.process.Node(c.Element).Judges()})
	case engine.StartChild:
		w.callProcess(i, c)
	case engine.Escalate:
		w.escalated(i, c)
	case engine.Stop:
		w.stop(i, c.ID)
	case engine.Record:
		w.recorded(i, c)
	case engine.End:
		w.ended(i, c)
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
	w.signals = slices.DeleteFunc(w.signals, func(s *subscription) bool { return s.of(i, id) })
	w.jobs = slices.DeleteFunc(w.jobs, func(j *job) bool { return j.of(i, id) })
	w.stopChild(i, id)
}

// later answers a command after everything that is pending; an answer of nil is none.
func (w *world) later(i *instance, id int, answer func() engine.Event) {
	w.pending = append(w.pending, pending{command{i, id}, answer})
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
		event := p.answer()
		if event == nil {
			continue
		}
		if err := w.apply(p.instance, event); err != nil && !errors.Is(err, engine.ErrStale) { // its instance may have ended meanwhile
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
	case s.Outcome == engine.OutcomeFailed:
		return contract.StateFailed
	case s.Outcome != "":
		return contract.StateCompleted
	case len(s.Incidents) > 0:
		return contract.StateSuspended
	}
	return contract.StateActive
}
