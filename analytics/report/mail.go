package report

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/waybill-io/waybill/events"
)

const (
	byType    = source("type")
	byMailbox = source("mailbox")
	byOutcome = source("outcome")
)

// traffic counts mails.
type traffic struct{ received, sent float64 }

// mails is the report of mail.
func mails(ctx context.Context, q *question) error {
	f := filter{term("kind", events.KindMail), q.within("timeStamp")}
	if q.mailbox != "" {
		f = append(f, term("mailbox", q.mailbox))
	}
	var all traffic
	boxes := map[string]*traffic{}
	outcomes := map[string]float64{}
	err := q.groups(ctx, events.Activities, f, []source{byType, byMailbox, byOutcome}, nil, func(g group) error {
		box := known(g.text(byMailbox), noCode)
		if boxes[box] == nil {
			boxes[box] = &traffic{}
		}
		if g.text(byType) == string(events.MailSent) {
			all.sent += g.Count
			boxes[box].sent += g.Count
			return nil
		}
		all.received += g.Count
		boxes[box].received += g.Count
		outcomes[known(g.text(byOutcome), noCode)] += g.Count
		return nil
	})
	if err != nil {
		return err
	}
	var lines []line
	for _, side := range []struct {
		name string
		of   events.Type
	}{{"Received", events.MailReceived}, {"Sent", events.MailSent}} {
		found, err := q.histogram(ctx, events.Activities, append(f[:len(f):len(f)], term("type", side.of)), "timeStamp", nil)
		if err != nil {
			return err
		}
		lines = append(lines, found.counts(side.name))
	}
	var rows, became [][]any
	for _, name := range slices.SortedFunc(maps.Keys(boxes), func(a, b string) int {
		x, y := boxes[a], boxes[b]
		return cmp.Or(cmp.Compare(y.received+y.sent, x.received+x.sent), cmp.Compare(a, b))
	}) {
		rows = append(rows, []any{name, boxes[name].received, boxes[name].sent})
	}
	for _, name := range largest(outcomes) {
		became = append(became, []any{name, outcomes[name]})
	}
	q.add(
		q.figures("general-table", "Overview", "Mails received", all.received, "Mails sent", all.sent),
		q.overTime("mail-histogram", "Mails received and sent", Count, lines...),
		q.table("mailboxes", "By mailbox", []column{{"Mailbox", Text}, {"Received", Count}, {"Sent", Count}}, rows),
		q.table("outcomes", "What became of mails received", []column{{"Outcome", Text}, {"Mails", Count}}, became),
	)
	return nil
}
