package activities

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/connectors/trigger"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/message"
)

// maxThread is how many of the mails that a mail refers to are looked at, the latest first.
const maxThread = 20

// answered hands a mail to the process whose mail it answers, if that waits for an answer: it catches the message EMAIL_REPLY. The
// Message-ID that comes back in In-Reply-To or References tells the process, see mail.MessageID. It returns the instance.
func (v *delivery) answered(ctx context.Context, l *letter) ([]string, error) {
	ids := thread(l)
	for _, id := range ids {
		call := mail.CallOf(id)
		instance := call[:max(strings.LastIndexByte(call, '/'), 0)]
		if instance == "" {
			continue
		}
		err := v.catch(ctx, instance, contract.CatchMessage{
			ID: hash(v.Mailbox, l.DedupKey), Name: answerMessage(l.event), Answers: ids, Variables: short(l.values),
		})
		switch {
		case err == nil:
			return []string{instance}, nil
		case paused(err):
			return nil, err // it gets its answer when it goes on
		case client.Refused(err) || errors.Is(err, client.ErrNotRunning): // it waits for no answer any more: the mail is one like any other
		default:
			return nil, err
		}
	}
	return nil, nil
}

func (v *delivery) catch(ctx context.Context, instance string, m contract.CatchMessage) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return v.client.Catch(ctx, instance, m)
}

func paused(err error) bool {
	refusal, ok := errors.AsType[*client.Error](err)
	return ok && refusal.Type == contract.PausedError
}

// answerMessage is the name of the message that a process catches when a mail answers one that it sent, or reports of one.
func answerMessage(event string) string {
	switch event {
	case trigger.EmailBounced:
		return "EMAIL_BOUNCE"
	case trigger.EmailAutoReply:
		return "EMAIL_AUTO_REPLY"
	}
	return "EMAIL_REPLY"
}

// thread are the Message-IDs that a mail answers or reports of, the one that it is about first.
func thread(l *letter) []string {
	var ids []string
	candidates := []string{message.Original(l.Message), l.InReplyTo}
	for _, id := range slices.Backward(l.References) {
		candidates = append(candidates, id)
	}
	for _, id := range candidates {
		if id != "" && !slices.Contains(ids, id) && len(ids) < maxThread {
			ids = append(ids, id)
		}
	}
	return ids
}

// short leaves out of an event what is too long for the variables of a process that asked for none of it in particular.
func short(values map[string]any) map[string]any {
	values = maps.Clone(values)
	for _, long := range []string{"text", "html", "htmlSafe", "headers"} {
		delete(values, long)
	}
	return values
}
