package workflows

import (
	"slices"
	"strconv"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
)

// settleOthers is how long groups that are too many gather before people are told of them together.
const settleOthers = time.Minute

// maxWaiting bounds the groups that only wait for a step of their escalation: a run hands all groups to the next.
const maxWaiting = 100

// keptTests is how long whoever tries a rule out can see what became of it.
const keptTests = 10 * time.Minute

// alerts are the alerts that one rule takes, by group. People are told of a group when its first alert comes; then it counts, and tells
// what else has come when its window ends, which opens the next window. A group of which nothing new has come in a window is over, unless a step
// of its escalation is still to be done. Groups that are more than the rule's MaxGroups are told of together.
//
// What is told, an activity decides, which reads the rule: whether these are quiet hours, and whether the incidents still stand. One message of
// a group is on its way at a time: while the mail server is away the group goes on counting, and tells all of it in the next.
type alerts struct {
	contract.AlertsState
	recording   Recording
	known, seen *recent
	changed     workflow.Channel // something that was on its way has ended
	diary       *diary           // nil: no mail has been sent yet, or the run began before rules recorded events
	busy        int              // messages that are on their way
	timer       workflow.Future  // of timerAt
	timerAt     time.Time
	stopTimer   workflow.CancelFunc
	warned      int // events in the history when Temporal first suggested a new run; 0: not yet
}

// AlertRules runs the rules of alerts.
type AlertRules struct{ recording Recording }

// Run is the workflow of a rule's alerts. It ends when no group is open.
func (w *AlertRules) Run(ctx workflow.Context, state contract.AlertsState) error {
	a := &alerts{recording: w.recording, AlertsState: state, known: newRecent(state.Known), seen: newRecent(state.Seen), changed: workflow.NewBufferedChannel(ctx, 1000), stopTimer: func() {}}
	err := workflow.SetQueryHandler(ctx, contract.AlertsQuery, func() (contract.AlertsState, error) {
		shown := a.AlertsState
		shown.Known, shown.Seen = nil, nil
		return shown, nil
	})
	if err != nil {
		return err
	}
	for _, g := range a.Groups {
		if g.Sending != nil { // by an earlier run, with which it ended
			a.send(ctx, g)
		}
	}
	signals := workflow.GetSignalChannel(ctx, contract.AlertsSignal)
	for ctx.Err() == nil {
		var batch contract.AlertBatch
		for signals.ReceiveAsync(&batch) {
			a.take(workflow.Now(ctx), batch)
			batch = contract.AlertBatch{}
		}
		a.begin(ctx)
		if len(a.Groups) == 0 && a.busy == 0 {
			return nil
		}
		if a.leaving(ctx) {
			a.Known, a.Seen = a.known.packed, a.seen.packed
			return workflow.NewContinueAsNewError(ctx, contract.AlertsWorkflow, a.AlertsState)
		}
		a.wait(ctx, signals)
	}
	return ctx.Err()
}

// leaving tells whether the next run is to begin: when Temporal suggests it and nothing is on its way; or, while the mail server is away, when the
// history is twice as long as then. What is on its way is then sent by the next run, under the same key.
func (a *alerts) leaving(ctx workflow.Context) bool {
	info := workflow.GetInfo(ctx)
	if !info.GetContinueAsNewSuggested() {
		return false
	}
	length := info.GetCurrentHistoryLength()
	if a.warned == 0 {
		a.warned = length
	}
	return a.busy == 0 || length >= 2*a.warned
}

// wait blocks until alerts come, something is due or a message has ended.
func (a *alerts) wait(ctx workflow.Context, signals workflow.ReceiveChannel) {
	selector := workflow.NewSelector(ctx)
	selector.AddReceive(signals, func(workflow.ReceiveChannel, bool) {}) // taken by the loop
	selector.AddReceive(ctx.Done(), func(workflow.ReceiveChannel, bool) {})
	selector.AddReceive(a.changed, func(c workflow.ReceiveChannel, _ bool) { c.Receive(ctx, nil) })
	// The timer stays while it is that of the next thing that is due: one for each signal would be most of the history.
	if next := a.next(); !next.Equal(a.timerAt) || a.timer == nil {
		a.stopTimer()
		a.timer, a.timerAt, a.stopTimer = nil, next, func() {}
		if !next.IsZero() {
			var timed workflow.Context
			timed, a.stopTimer = workflow.WithCancel(ctx)
			a.timer = workflow.NewTimer(timed, max(next.Sub(workflow.Now(ctx)), time.Millisecond))
		}
	}
	if a.timer != nil {
		selector.AddFuture(a.timer, func(workflow.Future) { a.timer, a.timerAt = nil, time.Time{} })
	}
	selector.Select(ctx)
}

// take counts alerts that have not come before.
func (a *alerts) take(now time.Time, b contract.AlertBatch) {
	a.Rule, a.Policy = b.Rule, b.Policy
	for _, part := range b.Parts {
		a.takePart(now, part)
	}
	a.known.trim()
	a.seen.trim()
}

func (a *alerts) takePart(now time.Time, p contract.AlertPart) {
	fresh := map[[contract.AlertHash]byte]bool{}
	var count int64
	var instances [][]byte
	for at := 0; at+contract.AlertHash <= len(p.IDs) && at+contract.AlertHash <= len(p.Instances); at += contract.AlertHash {
		id := [contract.AlertHash]byte(p.IDs[at:])
		if !a.known.add(id) {
			continue
		}
		fresh[id] = true
		count++
		instances = append(instances, p.Instances[at:at+contract.AlertHash])
	}
	if count == 0 {
		return
	}
	g := a.group(now, p)
	if g.New == 0 {
		g.Alert, g.Since, g.Samples, g.Instances = p.Alert, p.Alert.At, nil, 0
	}
	for _, instance := range instances {
		if a.seen.add(contract.AlertDigest(strconv.FormatInt(g.Number, 10), strconv.Itoa(g.Messages), string(instance))) {
			g.Instances++
		}
	}
	g.New += count
	g.Count += count
	g.Until = p.Last
	for _, s := range p.Samples {
		if len(g.Samples) < contract.AlertSamples && fresh[contract.AlertDigest(s.ID)] {
			g.Samples = append(g.Samples, s)
		}
	}
	if g.Others {
		g.name(p.Group, count)
	}
}

// group is that of alerts, opened when there is none. A group that only waits for a step of its escalation is told of no more by itself than a
// new one when there are too many, but keeps nobody else from it.
func (a *alerts) group(now time.Time, p contract.AlertPart) *openGroup {
	named, waiting := 0, 0
	var known *contract.AlertGroup
	for _, g := range a.Groups {
		within := g.New > 0 || g.Sending != nil || g.Next.After(now)
		if g.Key == p.Group && !g.Others {
			if within || g.Test {
				return (*openGroup)(g)
			}
			known = g
		}
		switch {
		case g.Others || g.Test:
		case within:
			named++
		default:
			waiting++
		}
	}
	full := named >= a.Policy.MaxGroups || known == nil && waiting >= maxWaiting
	if known != nil && !full {
		return (*openGroup)(known)
	}
	opened := &contract.AlertGroup{Key: p.Group, Opened: now, Test: p.Alert.Test != nil}
	if full && !opened.Test {
		if i := slices.IndexFunc(a.Groups, func(g *contract.AlertGroup) bool { return g.Others }); i >= 0 {
			return (*openGroup)(a.Groups[i])
		}
		opened.Key, opened.Others, opened.Next = "", true, now.Add(settleOthers)
	}
	a.Opened++
	opened.Number = a.Opened
	a.Groups = append(a.Groups, opened)
	return (*openGroup)(opened)
}

// openGroup is a group that counts.
type openGroup contract.AlertGroup

// name counts alerts of a group that is told of with others.
func (g *openGroup) name(group string, count int64) {
	i := slices.IndexFunc(g.Parts, func(o contract.AlertOther) bool { return o.Group == group })
	switch {
	case i >= 0:
		g.Parts[i].Count += count
	case len(g.Parts) < contract.AlertSamples:
		g.Parts = append(g.Parts, contract.AlertOther{Group: group, Count: count})
	default:
		g.More += count
	}
}

// recent are hashes that came of late.
type recent struct {
	packed []byte
	known  map[[contract.AlertHash]byte]bool
}

func newRecent(packed []byte) *recent {
	r := &recent{packed: packed, known: map[[contract.AlertHash]byte]bool{}}
	for at := 0; at+contract.AlertHash <= len(packed); at += contract.AlertHash {
		r.known[[contract.AlertHash]byte(packed[at:])] = true
	}
	return r
}

// add reports whether a hash is new.
func (r *recent) add(hash [contract.AlertHash]byte) bool {
	if r.known[hash] {
		return false
	}
	r.known[hash] = true
	r.packed = append(r.packed, hash[:]...)
	return true
}

// trim forgets the oldest beyond what is kept.
func (r *recent) trim() {
	excess := len(r.packed) - contract.AlertsKnown*contract.AlertHash
	for at := 0; at < excess; at += contract.AlertHash {
		delete(r.known, [contract.AlertHash]byte(r.packed[at:]))
	}
	if excess > 0 {
		r.packed = slices.Clone(r.packed[excess:])
	}
}
