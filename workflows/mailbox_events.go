package workflows

import (
	"crypto/sha256"
	"encoding/hex"

	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/events"
)

// Mailboxes runs mailboxes.
type Mailboxes struct{ recording Recording }

// What became of a mail, as its event says.
const (
	mailStarted   = "started"   // a process, or several
	mailContinued = "continued" // an instance that waited for it
	mailPosted    = "posted"    // to webhooks, now or as soon as they take it
	mailDuplicate = "duplicate"
	mailIgnored   = "ignored"
	mailSkipped   = "skipped" // seen again after the server renumbered the folder
	mailDead      = "dead"
)

// received records what became of the mails of a batch, without who wrote them and what about. outcomes are those of the deliverable ones.
func (m *mailbox) received(ctx workflow.Context, b contract.MailBatch, outcomes []contract.MailOutcome) {
	if m.diary == nil {
		return
	}
	for _, r := range b.Mails {
		e := events.Event{
			Type: events.MailReceived, Status: events.Completed, Ref: mailRef(b.Folder, r.ID), Mailbox: m.Config.Name, Outcome: mailDead,
		}
		switch {
		case r.Skip:
			e.Outcome = mailSkipped
		case r.Reason == "":
			e.Outcome, e.MessageID = became(outcomes[0]), events.Cut(outcomes[0].MessageID)
			outcomes = outcomes[1:]
		}
		if e.Outcome == mailDead {
			e.Status = events.Failed
		}
		m.diary.write(workflow.Now(ctx), e)
	}
	m.diary.flush(ctx)
}

func became(o contract.MailOutcome) string {
	switch {
	case o.Dead != nil:
		return mailDead
	case o.Duplicate:
		return mailDuplicate
	case len(o.Started) > 0 && o.Continued:
		return mailContinued
	case len(o.Started) > 0:
		return mailStarted
	case o.Told:
		return mailPosted
	}
	return mailIgnored
}

// maxMailRef keeps the id of a document within the 512 bytes that Elasticsearch takes, behind the name of the mailbox.
const maxMailRef = 200

// mailRef names a mail within its mailbox: its folder, and its id there, which for IMAP is made of UIDVALIDITY and UID.
func mailRef(folder, id string) string {
	ref := folder + "/" + id
	if len(ref) > maxMailRef {
		sum := sha256.Sum256([]byte(ref))
		ref = hex.EncodeToString(sum[:])
	}
	return ref
}
