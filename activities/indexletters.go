package activities

import (
	"context"
	"fmt"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/analytics"
)

// Letters holds the dead letters of the index.
type Letters interface {
	DeadLetters(ctx context.Context, q analytics.DeadLetterQuery) (analytics.DeadLetterPage, error)
	RetryDeadLetters(ctx context.Context, ids ...string) (analytics.Written, error)
	DropDeadLetters(ctx context.Context, ids ...string) (int, error)
}

const (
	// maxLetterPage bounds an answer, with shownOfLetter bytes of each document, and reasons of 1,000, to 1 MiB.
	maxLetterPage = 500
	shownOfLetter = 800
)

// deadLetters answers questions about dead letters.
type deadLetters struct{ letters Letters }

// RegisterLetters makes a worker of the queue of reports answer questions about dead letters. A sink that holds none says so.
func RegisterLetters(r worker.ActivityRegistry, sink Sink) {
	letters, _ := sink.(Letters)
	d := &deadLetters{letters: letters}
	register(r, contract.IndexLettersActivity, d.List)
	register(r, contract.RetryLettersActivity, d.Retry)
	register(r, contract.DropLettersActivity, d.Drop)
}

func (d *deadLetters) check() error {
	if d.letters == nil {
		return temporal.NewNonRetryableApplicationError("there are no dead letters: elastic-search.server.type is not rest", "refused", nil)
	}
	return nil
}

// List lists dead letters.
func (d *deadLetters) List(ctx context.Context, q contract.IndexLettersQuery) (contract.IndexLetters, error) {
	out := contract.IndexLetters{Letters: []contract.IndexLetter{}}
	if err := d.check(); err != nil {
		return out, err
	}
	if q.Limit <= 0 || q.Limit > maxLetterPage {
		q.Limit = maxLetterPage
	}
	page, err := d.letters.DeadLetters(ctx, analytics.DeadLetterQuery{Tenant: q.Tenant, Index: q.Index, Size: q.Limit, After: q.After})
	if err != nil {
		return out, indexAway(err)
	}
	out.Total, out.Next = page.Total, page.Next
	for _, l := range page.Letters {
		out.Letters = append(out.Letters, contract.IndexLetter{
			ID: l.ID, Tenant: l.Tenant, Index: l.Index, DocumentID: l.DocumentID, Type: l.Type, Reason: l.Reason, Count: l.Count, First: l.First, Last: l.Last,
			Document: strings.ToValidUTF8(l.Document[:min(len(l.Document), shownOfLetter)], ""), Final: l.Cut,
		})
	}
	return out, nil
}

// Retry indexes documents of dead letters.
func (d *deadLetters) Retry(ctx context.Context, ids []string) (contract.IndexCount, error) {
	if err := d.check(); err != nil {
		return contract.IndexCount{}, err
	}
	w, err := d.letters.RetryDeadLetters(ctx, ids...)
	if err != nil {
		return contract.IndexCount{}, indexAway(fmt.Errorf("retry %d dead letters: %w", len(ids), err))
	}
	return contract.IndexCount{Written: int64(w.New), Known: int64(w.Known), Dead: int64(w.Dead)}, nil
}

// Drop deletes dead letters, and counts them.
func (d *deadLetters) Drop(ctx context.Context, ids []string) (int, error) {
	if err := d.check(); err != nil {
		return 0, err
	}
	n, err := d.letters.DropDeadLetters(ctx, ids...)
	return n, indexAway(err)
}

// indexAway tells those who ask, and wait, that the index does not answer.
func indexAway(err error) error {
	if err == nil || !analytics.Away(err) {
		return err
	}
	return temporal.NewApplicationErrorWithCause(err.Error(), contract.IndexUnavailable, err)
}
