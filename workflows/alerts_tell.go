package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
)

// noticeLasts is how long a message is tried: a mail server may be away for a night.
const noticeLasts = 24 * time.Hour

// noticeTries is more than there are tries in that time.
const noticeTries = 1000

// begin begins what is due, and ends groups that are over.
func (a *alerts) begin(ctx workflow.Context) {
	now := workflow.Now(ctx)
	a.Groups = slices.DeleteFunc(a.Groups, func(g *contract.AlertGroup) bool { return a.over(g, now) })
	for _, g := range a.Groups {
		switch {
		case g.Sending != nil:
		case g.New > 0 && !g.Next.After(now):
			if a.Policy.Silent && !g.Test {
				a.told(g, *g, now)
				continue
			}
			a.start(ctx, g, 0)
		case a.escalates(g) && !a.stepAt(g).After(now):
			a.start(ctx, g, g.Step+1)
		}
	}
}

// over tells whether nothing of a group is left to be done.
func (a *alerts) over(g *contract.AlertGroup, now time.Time) bool {
	return g.New == 0 && g.Sending == nil && !g.Next.After(now) && !a.escalates(g)
}

// escalates tells whether a step is still to be done.
func (a *alerts) escalates(g *contract.AlertGroup) bool {
	return g.Messages > 0 && !g.Test && g.Step < len(a.Policy.EscalateMS)
}

func (a *alerts) stepAt(g *contract.AlertGroup) time.Time {
	at := g.ToldAt.Add(milliseconds(a.Policy.EscalateMS[g.Step]))
	if g.StepHeld.After(at) {
		return g.StepHeld
	}
	return at
}

// next is when something is due; zero: nothing is.
func (a *alerts) next() time.Time {
	var next time.Time
	earlier := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	for _, g := range a.Groups {
		if g.Sending != nil {
			continue // its end wakes the workflow
		}
		if g.New > 0 || !a.escalates(g) {
			earlier(g.Next)
		}
		if a.escalates(g) {
			earlier(a.stepAt(g))
		}
	}
	return next
}

// start begins to tell of a group as it is now.
func (a *alerts) start(ctx workflow.Context, g *contract.AlertGroup, step int) {
	now := *g
	now.Samples, now.Parts, now.Watched = slices.Clone(g.Samples), slices.Clone(g.Parts), nil
	if step > 0 {
		now.Samples = slices.Clone(g.Watched)
	}
	g.Sending = &contract.AlertSending{Message: g.Messages + 1, Step: step, Group: &now, Since: workflow.Now(ctx)}
	a.send(ctx, g)
}

// send tells of a group, beside all else.
func (a *alerts) send(ctx workflow.Context, g *contract.AlertGroup) {
	a.busy++
	workflow.Go(ctx, func(ctx workflow.Context) {
		a.carryOut(ctx, g)
		g.Sending = nil
		a.busy--
		a.changed.Send(ctx, true)
	})
}

// carryOut asks what is to be told, and has it told.
func (a *alerts) carryOut(ctx workflow.Context, g *contract.AlertGroup) {
	s := g.Sending
	key := fmt.Sprintf("alert/%s/%d/%d/%d", a.Rule, g.Opened.UnixMilli(), g.Number, s.Message)
	if s.Step > 0 {
		key = fmt.Sprintf("alert/%s/%d/%d/step/%d", a.Rule, g.Opened.UnixMilli(), g.Number, s.Step)
	}
	var plan contract.AlertPlan
	err := workflow.ExecuteActivity(alerting(ctx, "what is to be told of "+g.Key), contract.PlanAlertActivity, contract.AlertPlanInput{
		Rule: a.Rule, Group: *s.Group, Key: key, Step: s.Step, Again: s.Planned,
	}).Get(ctx, &plan)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		plan.Failed = failure(err).Message
	}
	now := workflow.Now(ctx)
	switch {
	case plan.Gone:
		g.New, g.Next, g.Step = 0, time.Time{}, len(a.Policy.EscalateMS)
		return
	case s.Planned: // by an earlier run
	case !plan.Until.IsZero() && s.Step > 0:
		g.StepHeld = plan.Until
		return
	case !plan.Until.IsZero():
		g.Next, g.Held = plan.Until, true
		return
	case plan.Recovered && s.Step > 0:
		g.Step = len(a.Policy.EscalateMS)
		return
	case plan.Recovered:
		a.forget(g, *s.Group)
		g.Next, g.Held = now, false
		return
	case s.Step > 0:
		g.Step, g.StepHeld = s.Step, time.Time{}
	default:
		a.told(g, *s.Group, now)
	}
	if plan.Group != nil {
		s.Group = plan.Group
	}
	s.Planned = true
	a.deliver(ctx, g, plan, key)
}

// told notes that people are told of what a group had then, and opens its next window.
func (a *alerts) told(g *contract.AlertGroup, then contract.AlertGroup, now time.Time) {
	for _, s := range then.Samples {
		if len(g.Watched) < contract.AlertSamples {
			g.Watched = append(g.Watched, s)
		}
	}
	a.forget(g, then)
	g.Messages++
	g.Held = false
	if g.ToldAt.IsZero() {
		g.ToldAt = now
	}
	g.Next = now.Add(milliseconds(a.Policy.WindowMS))
	if g.Test {
		g.Next = now.Add(keptTests)
	}
}

// forget takes what a group had then from what is new of it.
func (a *alerts) forget(g *contract.AlertGroup, then contract.AlertGroup) {
	g.New -= then.New
	g.Instances -= then.Instances
	g.Samples = slices.Clone(g.Samples[min(len(then.Samples), len(g.Samples)):])
	g.Since = then.Until
	if len(g.Samples) > 0 {
		g.Since = g.Samples[0].At
	}
	for i, part := range then.Parts {
		g.Parts[i].Count -= part.Count
	}
	g.Parts = slices.DeleteFunc(g.Parts, func(o contract.AlertOther) bool { return o.Count <= 0 })
	g.More -= then.More
}

// deliver sends the mails of a message and does what else the rule says, and waits for all of it.
func (a *alerts) deliver(ctx workflow.Context, g *contract.AlertGroup, plan contract.AlertPlan, key string) {
	mails := make([]workflow.Future, len(plan.Notices))
	for i, n := range plan.Notices {
		mails[i] = workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			TaskQueue:              contract.NoticeQueue,
			StartToCloseTimeout:    5 * time.Minute,
			ScheduleToCloseTimeout: noticeLasts,
			HeartbeatTimeout:       contract.CallHeartbeat,
			RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 2 * time.Second, MaximumInterval: 2 * time.Minute, MaximumAttempts: noticeTries},
			Summary:                clip(g.Key),
		}), contract.NotifyActivity, n)
	}
	var acted contract.AlertActed
	failures := []string{plan.Failed}
	if plan.Acts > 0 {
		err := workflow.ExecuteActivity(alerting(ctx, "what a rule does besides"), contract.ActOnAlertActivity, contract.AlertAct{
			Rule: a.Rule, Group: *g.Sending.Group, Key: key,
		}).Get(ctx, &acted)
		if err != nil {
			failures = append(failures, failure(err).Message)
		}
		failures = append(failures, acted.Failed...)
	}
	sent := 0
	for _, f := range mails {
		var n contract.Notified
		if err := f.Get(ctx, &n); err != nil {
			failures = append(failures, "a mail: "+cause(err))
			continue
		}
		sent += len(n.Sent)
		a.mailed(ctx, n)
		if n.Suppressed != "" {
			failures = append(failures, "not sent: "+n.Suppressed)
		}
		failures = append(append(failures, n.Refused...), n.Problems...)
		if n.Omitted > 0 {
			failures = append(failures, fmt.Sprintf("%d people beyond those whom one mail goes to: give the group the address of a mailing list", n.Omitted))
		}
		if len(n.Unknown) > 0 {
			failures = append(failures, "without an address: "+strings.Join(n.Unknown, ", "))
		}
	}
	a.diary.flush(ctx)
	failures = slices.DeleteFunc(failures, func(text string) bool { return text == "" })
	g.Failed = len(failures) > 0
	var result []string
	if len(mails) > 0 {
		result = append(result, fmt.Sprintf("mails sent: %d", sent))
	}
	if len(acted.Done) > 0 {
		result = append(result, "done: "+strings.Join(acted.Done, ", "))
	}
	if g.Failed {
		result = append(result, "failed: "+strings.Join(failures, "; "))
	}
	g.Result = cmp.Or(strings.Join(result, "; "), "nothing was to be done") // of a rule that is about nothing any more
	if g.Failed {
		a.Failed++
		workflow.GetLogger(ctx).Error("an alert was not told to everybody", "rule", a.Rule, "group", g.Key, "cause", g.Result)
	} else {
		a.Told++
	}
	g.Result = strings.ToValidUTF8(g.Result[:min(len(g.Result), 1000)], "")
}

// cause is why a mail was given up, which behind a timeout is the error of its last try.
func cause(err error) string {
	text := failure(err).Message
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		if application, ok := inner.(*temporal.ApplicationError); ok {
			text = application.Message()
		}
	}
	return text
}

// alerting is the context of activities of the queue of alerts: they are tried until they succeed.
func alerting(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           contract.AlertQueue,
		StartToCloseTimeout: time.Minute,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: time.Minute},
		Summary:             clip(summary),
	})
}
