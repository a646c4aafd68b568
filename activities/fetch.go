package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/webhook"
)

// maxFetched bounds the mails of one answer together, as JSON: Temporal carries 2 MiB.
const maxFetched = 3 << 19

// FetchMails looks for mails by their Message-IDs: in the folders that are watched, where handled mail is moved to, and then in all
// others. It stores them and tells of them as a webhook does. It changes nothing in the mailbox, and no trigger fires.
func (w *Watcher) FetchMails(ctx context.Context, in contract.FetchMails) (contract.FetchedMails, error) {
	defer keepAlive(ctx, nil)()
	m, err := w.client.Mailbox(ctx, in.Mailbox)
	if err != nil {
		return contract.FetchedMails{}, err
	}
	subscription, err := w.subscription(ctx, m.Name, m.Config.Listener)
	if err != nil {
		return contract.FetchedMails{}, err
	}
	account, err := w.open(ctx, m.Config)
	if err != nil {
		return contract.FetchedMails{}, err
	}
	defer account.Close()
	folders, err := searched(ctx, account, m.Config)
	if err != nil {
		return contract.FetchedMails{}, err
	}
	f := &fetching{Watcher: w, config: m.Config, source: account, letters: map[string]*letter{}, reasons: map[string]string{}}
	for _, folder := range folders {
		for _, id := range in.MessageIDs {
			if f.letters[id] != nil {
				continue
			}
			if err := f.look(ctx, folder, id); err != nil && severityOf(err) != ofFolder {
				return contract.FetchedMails{}, err
			}
		}
	}
	return f.answer(subscription, in)
}

// subscription says who is told of the mail of a mailbox that an application has.
func (w *Watcher) subscription(ctx context.Context, mailbox string, l *contract.Listener) (s webhook.Subscription, err error) {
	if l == nil {
		return s, nil
	}
	entries, err := w.client.Webhooks(ctx, mailbox)
	for _, e := range entries {
		if s, err := webhook.Parse(e.Value); err != nil || s.ID == l.ID {
			return s, err
		}
	}
	return webhook.Subscription{ID: l.ID, SysAdminUnit: l.User}, err
}

// searched are the folders of an account, each once, those first where a mail is likely.
func searched(ctx context.Context, account source, c contract.MailboxConfig) (folders []string, err error) {
	all, err := account.Folders(ctx)
	for _, folder := range append(append(c.Folders(), c.MoveTo), all...) {
		if folder != "" && !slices.ContainsFunc(folders, func(f string) bool { return strings.EqualFold(f, folder) }) {
			folders = append(folders, folder)
		}
	}
	return folders, err
}

// fetching is one run of FetchMails.
type fetching struct {
	*Watcher
	config  contract.MailboxConfig
	source  source
	letters map[string]*letter // what was found, by Message-ID
	reasons map[string]string  // why not
}

// look fetches the mail with a Message-ID from a folder, if it is there.
func (f *fetching) look(ctx context.Context, folder, messageID string) error {
	items, err := f.source.Find(ctx, folder, messageID)
	if err != nil {
		return err
	}
	for _, item := range items {
		ref := contract.MailRef{ID: item.ID, Size: item.Size, InternalDate: item.Arrived, Blob: "mail/" + contract.Segment(f.config.Name) + "/fetched/" + hash(messageID) + "/raw.eml"}
		err := f.files.Write(ctx, ref.Blob, "message/rfc822", func(w io.Writer) error {
			_, err := f.source.Fetch(ctx, folder, item.ID, w, f.config.MaxBytes)
			return err
		})
		switch {
		case errors.Is(err, mail.ErrGone):
			continue
		case errors.Is(err, mail.ErrTooLarge):
			f.reasons[messageID] = fmt.Sprintf("larger than the limit of the mailbox: %d bytes, at most %d are taken", item.Size, f.config.MaxBytes)
			continue
		case err != nil:
			return err
		}
		l, err := read(ctx, f.files, ref, f.files.Write)
		if err != nil {
			return err
		}
		if l.MessageID == messageID { // a server may find what only holds it
			f.letters[messageID] = l
			return nil
		}
	}
	return nil
}

// answer tells of what was found, as far as there is room.
func (f *fetching) answer(s webhook.Subscription, in contract.FetchMails) (result contract.FetchedMails, err error) {
	var mails []webhook.Mail
	size := 0
	missing := func(id, reason string) {
		result.Missing = append(result.Missing, contract.MissingMail{MessageID: id, Reason: reason})
	}
	for _, id := range in.MessageIDs {
		l := f.letters[id]
		if reason, known := f.reasons[id]; l == nil && known {
			missing(id, reason)
			continue
		} else if l == nil {
			missing(id, "in no folder of the account")
			continue
		}
		m := l.told(s, in.Mailbox)
		one, err := json.Marshal(s.FullEmail(m))
		switch {
		case err != nil:
			return result, err
		case len(one) > maxFetched:
			missing(id, fmt.Sprintf("its text is larger than an answer may be, %d bytes", maxFetched))
		case size+len(one) > maxFetched:
			missing(id, "the answer is full: ask for it once more")
		default:
			size += len(one)
			mails = append(mails, m)
		}
	}
	result.Body, err = json.Marshal(s.FullEmail(mails...))
	return result, err
}
