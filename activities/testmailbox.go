package activities

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	netmail "net/mail"
	"slices"
	"strings"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/preset"
	"github.com/waybill-io/waybill/mail/smtp"
)

const (
	// testSending bounds how long the mail server may take to accept a test mail.
	testSending = time.Minute
	// testLook and testPause are the shortest and the longest pause between two looks for it.
	testLook, testPause = 200 * time.Millisecond, 2 * time.Second
	// maxTestWait bounds how long it is waited for.
	maxTestWait = 10 * time.Minute
)

// TestMailbox sends a mail from a mailbox to itself, as applications send for it, or puts it into the first folder where nobody has said
// how mail is sent. It then looks for the mail over a connection of its own, until the mailbox has gone past it. The mail is marked as
// one of a machine (RFC 3834), so that nothing answers it. What is wrong is in the result.
func (w *Watcher) TestMailbox(ctx context.Context, in contract.TestMailbox) (result contract.TestedMailbox, err error) {
	defer keepAlive(ctx, nil)()
	m, err := w.client.Mailbox(ctx, in.Mailbox)
	if err != nil {
		return result, err
	}
	account, err := w.open(ctx, m.Config)
	if err != nil {
		result.Problem = "the mailbox cannot be looked into: " + err.Error()
		return result, nil
	}
	defer account.Close()
	t := &mailboxTest{source: account, config: m.Config, mail: testMail(m.Config)}
	if result.How, err = w.dispatch(ctx, t); err != nil {
		result.Problem = err.Error()
		return result, nil
	}
	result.MessageID, t.begun = t.mail.MessageID, time.Now()
	waiting, cancel := context.WithTimeout(ctx, min(max(in.Wait, time.Second), maxTestWait))
	defer cancel()
	t.follow(waiting, func() (client.Mailbox, error) { return w.client.Mailbox(waiting, in.Mailbox) }, &result)
	if ctx.Err() == nil && result.Folder == "" {
		t.elsewhere(ctx, &result)
	}
	if result.Folder == "" && result.Problem == "" && t.config.Delete {
		result.Problem = "handled mail is deleted from this mailbox, so it may have come and gone"
	}
	return result, ctx.Err()
}

// testMail is what is sent. What an account is called is not always an address.
func testMail(c contract.MailboxConfig) smtp.Mail {
	address := mail.Address{Address: c.Address()}
	if !strings.Contains(address.Address, "@") {
		address.Address += "@localhost"
	}
	return smtp.Mail{
		From: address, To: []mail.Address{address}, Subject: "Test of the mailbox " + c.Name, AutoSubmitted: "auto-generated",
		MessageID: smtp.MessageID("waybill-test-" + strings.ToLower(rand.Text()) + address.Address[strings.LastIndexByte(address.Address, '@'):]),
		Text:      "Somebody has this mailbox checked. This mail was sent to see that mail comes and is noticed; nobody needs to answer it.\r\n",
	}
}

// mailboxTest is one run of TestMailbox.
type mailboxTest struct {
	source source
	config contract.MailboxConfig
	mail   smtp.Mail
	begun  time.Time // when the mail server had taken it
	item   mail.Item
}

// appender is a source that a mail can be put into.
type appender interface {
	Append(ctx context.Context, folder string, raw []byte) error
}

// dispatch sends the mail and tells by which way.
func (w *Watcher) dispatch(ctx context.Context, t *mailboxTest) (how string, err error) {
	ctx, cancel := context.WithTimeout(ctx, testSending)
	defer cancel()
	server, err := preset.Outgoing(t.config.SMTP(), t.config.Address())
	_, addressed := netmail.ParseAddress(t.config.Address())
	if err == nil && addressed == nil {
		if err := w.sendOver(ctx, t.config.SMTPAccount(server.Host, server.Port, server.TLS), t.mail); err != nil {
			return "", fmt.Errorf("%s:%d does not send: %w", server.Host, server.Port, err)
		}
		return fmt.Sprintf("sent by %s:%d", server.Host, server.Port), nil
	}
	if err == nil {
		err = fmt.Errorf("%q is no address", t.config.Address())
	}
	into, able := t.source.(appender)
	if !able {
		return "", fmt.Errorf("%w, and nothing can be put into an Exchange mailbox", err)
	}
	raw, invalid := t.mail.Raw()
	if invalid != nil {
		return "", invalid
	}
	if err := into.Append(ctx, t.config.Folder, raw); err != nil {
		return "", fmt.Errorf("it cannot be put into the folder: %w", err)
	}
	return fmt.Sprintf("put into %s, since it cannot be sent (%v)", t.config.Folder, err), nil
}

// sendOver tries once.
func (w *Watcher) sendOver(ctx context.Context, account contract.SMTPAccount, m smtp.Mail) error {
	config, err := w.smtpConfig(account)
	if err != nil {
		return err
	}
	transport, err := smtp.New(config)
	if err != nil {
		return err
	}
	defer func() { _ = transport.Close() }()
	_, err = transport.Send(ctx, m)
	return err
}

// follow looks for the mail until the mailbox has gone past it.
func (t *mailboxTest) follow(ctx context.Context, state func() (client.Mailbox, error), result *contract.TestedMailbox) {
	for pause := testLook; ; pause = min(2*pause, testPause) {
		err := t.look(ctx, result)
		if err == nil && result.Folder != "" {
			var m client.Mailbox
			if m, err = state(); err == nil {
				result.Problem = m.Cause
				result.Handled, err = t.passed(ctx, result.Folder, m)
			}
		}
		if ctx.Err() != nil {
			return // what it knew before stays
		}
		if err != nil {
			result.Problem = err.Error()
		}
		if result.Handled {
			result.Problem, result.After = "", time.Since(t.begun)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// look finds the mail in the folders that are watched, and in that where handled mail is moved to.
func (t *mailboxTest) look(ctx context.Context, result *contract.TestedMailbox) error {
	var failures []error
	for _, folder := range append(t.config.Folders(), t.config.MoveTo) {
		if folder == "" {
			continue
		}
		items, err := t.source.Find(ctx, folder, t.mail.MessageID)
		if err != nil {
			if severityOf(err) != ofFolder {
				return err
			}
			if folder != t.config.MoveTo { // which is made when it is needed
				failures = append(failures, err)
			}
			continue
		}
		if len(items) > 0 {
			if result.Folder == "" {
				result.Arrived = time.Since(t.begun)
			}
			result.Folder, t.item = folder, items[0]
			return nil
		}
	}
	return errors.Join(failures...)
}

// passed tells whether a mailbox has gone past the mail: it is not among those that come behind its position.
func (t *mailboxTest) passed(ctx context.Context, folder string, m client.Mailbox) (bool, error) {
	if !contains(m.Config.Folders(), folder) {
		return true, nil // it was moved there
	}
	i := slices.IndexFunc(m.Places, func(p contract.Place) bool { return strings.EqualFold(p.Folder, folder) })
	if i < 0 || m.Places[i].Cursor == "" {
		return false, nil
	}
	at := m.Places[i]
	behind, err := t.source.Next(ctx, folder, mail.Position{Cursor: at.Cursor, Since: m.Config.Since, HighWater: at.HighWater}, batchSize)
	if err != nil || behind.More || behind.Lost {
		return false, err
	}
	return !slices.ContainsFunc(behind.Items, func(item mail.Item) bool { return item.ID == t.item.ID }), nil
}

// elsewhere tells of a mail that is in a folder that nobody watches: a rule or a filter of the server has put it there.
func (t *mailboxTest) elsewhere(ctx context.Context, result *contract.TestedMailbox) {
	ctx, cancel := context.WithTimeout(ctx, testSending)
	defer cancel()
	folders, err := t.source.Folders(ctx)
	if err != nil {
		return
	}
	for _, folder := range folders {
		if items, err := t.source.Find(ctx, folder, t.mail.MessageID); err == nil && len(items) > 0 {
			result.Problem = fmt.Sprintf("it is in the folder %s, which is not watched", folder)
			return
		}
	}
}
