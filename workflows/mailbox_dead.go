package workflows

import (
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
)

func (m *mailbox) bury(d contract.DeadLetter) {
	m.Dead++
	d.N = m.Dead
	m.DeadLetters = append(m.DeadLetters, d)
	m.DeadLetters = slices.Clone(m.DeadLetters[max(len(m.DeadLetters)-contract.DeadLetterLimit, 0):])
}

// exhume takes dead letters out that are chosen, and of which may says that they may go.
func (m *mailbox) exhume(c contract.DeadLetterChoice, may func(contract.DeadLetter) bool) (taken []contract.DeadLetter, answer contract.DeadLetterAnswer) {
	answer = contract.DeadLetterAnswer{Done: []int64{}, Kept: []int64{}}
	m.DeadLetters = slices.DeleteFunc(m.DeadLetters, func(d contract.DeadLetter) bool {
		if !c.All && !slices.Contains(c.Numbers, d.N) {
			return false
		}
		if !may(d) {
			answer.Kept = append(answer.Kept, d.N)
			return false
		}
		taken, answer.Done = append(taken, d), append(answer.Done, d.N)
		return true
	})
	return taken, answer
}

func (m *mailbox) dropDead(_ workflow.Context, c contract.DeadLetterChoice) (contract.DeadLetterAnswer, error) {
	_, answer := m.exhume(c, func(contract.DeadLetter) bool { return true })
	return answer, nil
}

// retryDead delivers dead letters again, from what is stored of them. What fails again is a dead letter again.
func (m *mailbox) retryDead(ctx workflow.Context, c contract.DeadLetterChoice) (contract.DeadLetterAnswer, error) {
	if err := m.turn.Lock(ctx); err != nil {
		return contract.DeadLetterAnswer{}, err
	}
	defer m.turn.Unlock()
	letters, answer := m.exhume(c, func(d contract.DeadLetter) bool { return d.Blob != "" })
	for _, d := range letters {
		if m.Paused || m.removed {
			m.bury(d)
			continue
		}
		ref := contract.MailRef{ID: d.ID, Size: d.Size, InternalDate: d.Arrived, Blob: d.Blob}
		if d.Webhook != "" {
			m.Pending = append(m.Pending, contract.Pending{Webhook: d.Webhook, Folder: d.Folder, Mail: ref, Since: workflow.Now(ctx)})
			continue
		}
		if _, _, err := m.handle(ctx, contract.MailBatch{Folder: d.Folder, Mails: []contract.MailRef{ref}}); err != nil {
			m.bury(d)
		}
	}
	m.offer()
	return answer, nil
}
