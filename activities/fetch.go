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

// maxAnswer bounds the mails of one answer together, as JSON: Temporal carries 2 MiB.
const maxAnswer = 3 << 19

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
	f := newFetching(w.files, m.Config, func(ctx context.Context) (source, error) { return w.open(ctx, m.Config) })
	defer f.close()
	if err := f.run(ctx, in.MessageIDs); err != nil {
		return contract.FetchedMails{}, err
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

// fetching is one run of FetchMails.
type fetching struct {
	files   *Files
	config  contract.MailboxConfig
	open    func(context.Context) (source, error)
	source  source             // nil: not connected
	letters map[string]*letter // what was found, by Message-ID
	reasons map[string]string  // why it was found and is not there
	skipped []string           // folders that were not searched
	cause   error              // why the first of them was not
}

func newFetching(files *Files, config contract.MailboxConfig, open func(context.Context) (source, error)) *fetching {
	return &fetching{files: files, config: config, open: open, letters: map[string]*letter{}, reasons: map[string]string{}}
}

// run looks for mails in one folder after the other, those first where they are likely.
func (f *fetching) run(ctx context.Context, ids []string) error {
	if err := f.connect(ctx); err != nil {
		return err
	}
	listed, err := f.source.Folders(ctx)
	if err != nil {
		return err
	}
	var done []string
	for _, folder := range append(append(f.config.Folders(), f.config.MoveTo), listed...) {
		if folder == "" || contains(done, folder) {
			continue
		}
		done = append(done, folder)
		refused, err := f.search(ctx, folder, ids)
		if err != nil {
			return err
		}
		if refused != nil && contains(listed, folder) { // else there is none of this name (yet)
			if f.skipped = append(f.skipped, folder); f.cause == nil {
				f.cause = refused
			}
		}
	}
	return nil
}

func contains(folders []string, name string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return strings.EqualFold(f, name) })
}

// connect makes a connection, in place of the one that there is.
func (f *fetching) connect(ctx context.Context) (err error) {
	f.close()
	f.source, err = f.open(ctx)
	return err
}

func (f *fetching) close() {
	if f.source != nil {
		_ = f.source.Close() // nothing is written
		f.source = nil
	}
}

// sourceError is an error of the mail server, about a mail or, with an empty id, a folder.
type sourceError struct {
	error
	id string
}

func (e sourceError) Unwrap() error { return e.error }

// search looks for mails in a folder. When the folder is refused it returns why; a mail that is refused is no other's fault.
func (f *fetching) search(ctx context.Context, folder string, ids []string) (refused, err error) {
	for _, id := range ids {
		if f.letters[id] != nil {
			continue
		}
		err := f.insist(ctx, folder, id)
		failure, ok := errors.AsType[sourceError](err)
		switch {
		case err == nil:
		case !ok:
			return nil, err
		case failure.id == "" || severityOf(err) == ofFolder:
			return failure, nil
		default:
			f.reasons[id] = fmt.Sprintf("in folder %s, but cannot be fetched: %s", folder, cut(err.Error(), maxCause))
		}
	}
	return nil, nil
}

// insist looks once more, over a new connection, when the mail server fails: the old one may be of no more use. It leaves one that works.
func (f *fetching) insist(ctx context.Context, folder, id string) (err error) {
	for range 2 {
		err = f.look(ctx, folder, id)
		if _, ok := errors.AsType[sourceError](err); !ok || severityOf(err) == ofFolder {
			return err
		}
		if err := f.connect(ctx); err != nil {
			return err
		}
	}
	return err
}

// look fetches the mail with a Message-ID from a folder, if it is there.
func (f *fetching) look(ctx context.Context, folder, messageID string) error {
	items, err := f.source.Find(ctx, folder, messageID)
	if err != nil {
		return sourceError{err, ""}
	}
	for _, item := range items {
		ref := contract.MailRef{ID: item.ID, Size: item.Size, InternalDate: item.Arrived, Blob: "mail/" + contract.Segment(f.config.Name) + "/fetched/" + hash(messageID) + "/raw.eml"}
		var refused error // by the source: what the store does is not the mail's fault
		err := f.files.Write(ctx, ref.Blob, "message/rfc822", func(w io.Writer) error {
			store := &noting{Writer: w}
			_, err := f.source.Fetch(ctx, folder, item.ID, store, f.config.MaxBytes)
			if store.err == nil {
				refused = err
			}
			return err
		})
		switch {
		case errors.Is(err, mail.ErrGone):
			continue
		case errors.Is(err, mail.ErrTooLarge):
			f.reasons[messageID] = fmt.Sprintf("larger than the limit of the mailbox: %d bytes, at most %d are taken", item.Size, f.config.MaxBytes)
			continue
		case refused != nil:
			return sourceError{refused, messageID}
		case err != nil:
			return err
		}
		l, err := read(ctx, f.files, ref, f.files.Write)
		if err != nil {
			return err // of the store: any mail can be read
		}
		if l.MessageID == messageID { // a server may find what only holds it
			f.letters[messageID] = l
			return nil
		}
	}
	return nil
}

// unfound is why a mail is not there that was found nowhere.
func (f *fetching) unfound() string {
	if len(f.skipped) == 0 {
		return "in no folder of the account"
	}
	return fmt.Sprintf("in no folder of the account that could be searched; not searched: %s (%s)", cut(strings.Join(f.skipped, ", "), maxCause), cut(f.cause.Error(), maxCause))
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
			missing(id, f.unfound())
			continue
		}
		m := l.told(s, in.Mailbox)
		one, err := json.Marshal(s.FullEmail(m))
		switch {
		case err != nil:
			return result, err
		case len(one) > maxAnswer:
			missing(id, fmt.Sprintf("its text is larger than an answer may be, %d bytes", maxAnswer))
		case size+len(one) > maxAnswer:
			missing(id, "the answer is full: ask for it once more")
		default:
			size += len(one)
			mails = append(mails, m)
		}
	}
	result.Body, err = json.Marshal(s.FullEmail(mails...))
	return result, err
}
