package report

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/waybill-io/waybill/events"
)

// log makes events of some instances at random, between the middle of March and today, so that summer time begins in between.
type log struct {
	*rand.Rand
	documents map[string]events.Document
}

func randomLog(seed uint64, instances int) []events.Document {
	l := &log{rand.New(rand.NewPCG(seed, 7)), map[string]events.Document{}}
	for i := range instances {
		l.instance(i)
	}
	var all []events.Document
	for _, d := range l.documents {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b events.Document) int { // a map has no order
		return slices.Compare([]byte(a.Index()+a.ID()), []byte(b.Index()+b.ID()))
	})
	return all
}

func one[T any](l *log, of ...T) T { return of[l.IntN(len(of))] }

func (l *log) between(from, to time.Time) time.Time {
	return from.Add(time.Duration(l.Int64N(to.Sub(from).Milliseconds()+1)) * time.Millisecond)
}

// over lets something end, or not.
func (l *log) over(e *events.Event) {
	e.Status = one(l, events.Active, events.Completed, events.Completed, events.Completed, events.Cancelled, events.Failed)
	if e.Status == events.Active {
		return
	}
	e.End = l.between(e.Start, e.Start.Add(one(l, time.Second, time.Hour, 4*24*time.Hour)))
	took := e.End.Sub(e.Start).Milliseconds()
	e.Duration = &took
	e.Time = e.End
}

func (l *log) instance(i int) {
	began := l.between(time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC), today)
	key := one(l, "order", "order", "claim", "hire")
	version := l.IntN(3) + 1
	b := events.Batch{Process: events.Process{
		Instance: fmt.Sprintf("%s/%d", key, i), Key: key, DefinitionVersion: version, Name: one(l, "", "The "+key, "Process"), BusinessKey: one(l, "", fmt.Sprint("K-", i)), Began: began,
	}}
	if version > 1 { // so that the name of the latest is one name
		b.Name = fmt.Sprint("The ", key)
	}
	add := func(e events.Event) {
		e.Sequence = int64(len(b.Events) + 1)
		if e.Type.Kind() != events.KindProcess {
			e.Ref = fmt.Sprint(e.Sequence)
		}
		if e.Time.IsZero() {
			e.Time = e.Start
		}
		b.Events = append(b.Events, e)
	}
	process := events.Event{Type: events.ProcessEnded, Start: began}
	l.over(&process)
	add(process)
	for range l.IntN(9) {
		start := l.between(began, began.Add(48*time.Hour))
		e := events.Event{Start: start}
		l.over(&e)
		switch l.IntN(5) {
		case 0:
			e.Type, e.Name, e.TaskKey = events.TaskCompleted, one(l, "Check", "Approve", "Pay", ""), one(l, "check", "approve")
			e.Assignee = one(l, "", "ann", "bob", "cem")
		case 1:
			e.Type, e.ActivityID = events.ActivityCompleted, one(l, "start", "check", "ship", "end")
			e.ActivityName, e.ActivityType = "At "+e.ActivityID, "task"
		case 2:
			e.Type, e.ActivityID, e.ErrorCode = events.IncidentResolved, one(l, "ship", "pay"), one(l, "", "SEND", "TIMEOUT")
			if e.Status != events.Active {
				e.Action = one(l, "retry", "resolve", "skip")
			}
		case 3:
			e.Type, e.Implementation, e.Attempts = events.IntegrationResult, one(l, "email.SEND", "rest.CALL", "sql.QUERY"), l.IntN(4)
		case 4:
			e.Type, e.Mailbox = one(l, events.MailReceived, events.MailSent), one(l, "support", "orders", "")
			e.Status, e.End, e.Duration, e.Time = events.Completed, time.Time{}, nil, e.Start
			if e.Type == events.MailReceived {
				e.Outcome = one(l, "started", "continued", "posted", "")
			}
		}
		add(e)
	}
	for _, d := range b.Documents() {
		l.documents[d.Index()+" "+d.ID()] = d
	}
}
