package gateway

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/preset"
	"github.com/waybill-io/waybill/mail/smtp"
)

const (
	// sendWait is how long an application waits for the mail server; then it is told that the mail is under way.
	sendWait = 30 * time.Second
	// maxEmail bounds a mail that is sent, as it goes to the worker: Temporal carries 2 MiB.
	maxEmail = 3 << 19
	// maxAsked bounds the mails that are asked for at a time.
	maxAsked = 50
)

// email is a mail that an application sends, in the shape in which it gets mail.
type email struct {
	MessageID   string   `json:"MessageId"` // the same once more sends nothing twice; "": one is made
	Sender      string   `json:"Sender"`    // "": the address of the mailbox
	To          string   `json:"To"`
	Cc          string   `json:"Cc"`
	Bcc         string   `json:"Bcc"`
	ReplyTo     string   `json:"ReplyTo"`
	Subject     string   `json:"Subject"`
	Body        string   `json:"Body"`
	IsHTMLBody  bool     `json:"IsHtmlBody"`
	InReplyTo   string   `json:"InReplyTo"`
	References  []string `json:"References"`
	Attachments []struct {
		Name        string `json:"Name"`
		ContentType string `json:"ContentType"`
		Content     []byte `json:"Content"`
	} `json:"Attachments"`
}

// mail makes a mail of it and tells everything that is wrong.
func (e email) mail(from string) (smtp.Mail, error) {
	m := smtp.Mail{Subject: e.Subject, MessageID: e.MessageID, InReplyTo: e.InReplyTo, References: e.References}
	var errs []error
	addresses := func(field, text string) []mail.Address {
		if strings.TrimSpace(text) == "" {
			return nil
		}
		list, err := mail.ParseAddressList(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("the field Email.%s: a list of addresses such as Ann <ann@example.com>, bob@example.com is expected", field))
		}
		return list
	}
	sender := addresses("Sender", e.Sender)
	if e.Sender == "" {
		sender = []mail.Address{{Address: from}}
	}
	if len(sender) == 1 {
		m.From = sender[0]
	}
	m.To, m.Cc, m.Bcc, m.ReplyTo = addresses("To", e.To), addresses("Cc", e.Cc), addresses("Bcc", e.Bcc), addresses("ReplyTo", e.ReplyTo)
	if m.Text = e.Body; e.IsHTMLBody {
		m.Text, m.HTML = "", e.Body
	}
	for _, a := range e.Attachments {
		m.Attachments = append(m.Attachments, smtp.Attachment{Name: a.Name, ContentType: a.ContentType, Content: append([]byte{}, a.Content...)})
	}
	if m.MessageID = strings.Trim(m.MessageID, "<> "); m.MessageID != "" {
		m.MessageID = "<" + m.MessageID + ">"
	} else {
		m.MessageID = "<" + strings.ToLower(rand.Text()) + m.From.Address[max(strings.LastIndexByte(m.From.Address, '@'), 0):] + ">"
	}
	if len(errs) == 0 {
		if err := m.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("the Email: %w", err))
		}
	}
	return m, errors.Join(errs...)
}

// send sends a mail for a mailbox. It is durable: what the server does not take within sendWait is tried on for hours, and the same call
// tells what became of it. Nothing but a reference or a sealed password goes to Temporal.
func (l *listeners) send(r *http.Request) (any, error) {
	in, err := read[struct {
		Email       email       `json:"Email"`
		Credentials credentials `json:"Credentials"`
	}](r)
	if err != nil {
		return nil, err
	}
	account, who, address, err := l.smtpAccount(r.Context(), in.Credentials)
	if err != nil {
		return nil, err
	}
	m, err := in.Email.mail(address)
	if err != nil {
		return nil, badRequest{err}
	}
	document, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	if len(document) > maxEmail {
		return nil, badRequest{fmt.Errorf("the Email: it has %d bytes as JSON, at most %d are taken: send a link to what is larger", len(document), maxEmail)}
	}
	sending, err := l.Client.SendMail(r.Context(), who+" "+m.MessageID, contract.SendMail{Account: account, Mail: document}, cmp.Or(l.sendWait, sendWait))
	if err != nil {
		return nil, err
	}
	if sending.Pending {
		return accepted{map[string]any{"MessageId": m.MessageID, "State": "sending", "Message": sending.Cause}}, nil
	}
	refused := []map[string]any{}
	for _, one := range sending.Refused {
		refused = append(refused, map[string]any{"Address": one.Address, "Code": one.Code, "Message": one.Message})
	}
	return map[string]any{"MessageId": sending.MessageID, "State": "sent", "Accepted": list(sending.Accepted), "Refused": refused}, nil
}

// smtpAccount is the account that mail is sent over: that of a mailbox which is watched, or a given one. who tells it from others,
// and address is its own.
func (l *listeners) smtpAccount(ctx context.Context, c credentials) (account contract.SMTPAccount, who, address string, err error) {
	config := contract.MailboxConfig{Username: c.UserName, Listener: &contract.Listener{Sender: c.SenderEmailAddress, SMTP: c.SMTPURL}}
	switch {
	case c.UserName == "" && c.ID == "":
		return account, "", "", badRequest{errors.New("the Credentials: the Id of a mailbox that is watched is expected, or UserName and Password")}
	case c.UserName == "" && c.SMTPURL != "":
		return account, "", "", badRequest{errors.New("the field Credentials.smtpUrl: give it when the mailbox is created or updated, together with its password, which would go to whatever server a caller names")}
	case c.UserName == "":
		m, err := l.mailbox(ctx, c.ID)
		if err != nil {
			return account, "", "", err
		}
		config, who = m.Config, m.Name
	case l.Access.Wanted() && internal(c.SMTPURL):
		return account, "", "", badRequest{errors.New("the field Credentials.smtpUrl: this machine is no place for a server of yours")}
	default:
		if err := l.logIn(&config, c); err != nil {
			return account, "", "", badRequest{err}
		}
	}
	if account, err = sendsFor(config); err != nil {
		return account, "", "", badRequest{err}
	}
	if who == "" { // the same user name may be another's elsewhere; the password may be a token, which changes
		who = fmt.Sprintf("%s %s:%d", c.UserName, account.Host, account.Port)
	}
	return account, who, config.Address(), nil
}

// sendsFor is the account that sends the mail of a mailbox: at the server that an application named for it, or that of its provider.
func sendsFor(config contract.MailboxConfig) (account contract.SMTPAccount, err error) {
	server, err := preset.Outgoing(config.SMTP(), config.Address())
	if errors.Is(err, preset.ErrUnknown) {
		return account, fmt.Errorf("the field Credentials.smtpUrl is required (of a mailbox that is watched: when it is created or updated): the server that sends the mail of %q is not known", config.Address())
	} else if err != nil {
		return account, fmt.Errorf("smtpUrl: %w", err)
	}
	return config.SMTPAccount(server.Host, server.Port, server.TLS), nil
}

// fetch asks for mails of a mailbox again.
func (l *listeners) fetch(r *http.Request) (any, error) {
	in, err := read[struct {
		Credentials credentials `json:"Credentials"`
		MessageIDs  []string    `json:"MessageIds"`
	}](r)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, id := range in.MessageIDs {
		if id = strings.Trim(id, "<> "); id == "" || strings.ContainsAny(id, "<>\r\n") {
			return nil, badRequest{errors.New("MessageIds: Message-IDs such as <1234@example.com> are expected")}
		}
		if id = "<" + id + ">"; !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 || len(ids) > maxAsked {
		return nil, badRequest{fmt.Errorf("MessageIds: 1 to %d are expected, not %d", maxAsked, len(ids))}
	}
	m, err := l.mailbox(r.Context(), in.Credentials.ID) // what a worker tells of it has no status of its own
	if err != nil {
		return nil, err
	}
	result, err := l.Client.FetchMails(r.Context(), contract.FetchMails{Mailbox: m.Name, MessageIDs: ids})
	if err != nil {
		return nil, err
	}
	content := map[string]any{}
	if err := json.Unmarshal(result.Body, &content); err != nil {
		return nil, fmt.Errorf("read the mails that were fetched: %w", err)
	}
	missing := []map[string]any{}
	for _, m := range result.Missing {
		missing = append(missing, map[string]any{"MessageId": m.MessageID, "Reason": m.Reason})
	}
	content["Missing"] = missing
	return content, nil
}
