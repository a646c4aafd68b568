package ews

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	netmail "github.com/emersion/go-message/mail"

	"github.com/waybill-io/waybill/mail"
)

// incomplete is the header of a mail made of properties.
const incomplete = "X-Waybill-Incomplete"

// unknownAddress stands for senders without an address of the Internet.
const unknownAddress = "unknown@exchange.invalid"

type mailProperties struct {
	XMLName    xml.Name
	Subject    string    `xml:"Subject"`
	Body       string    `xml:"Body"`
	Received   string    `xml:"DateTimeReceived"`
	Sent       string    `xml:"DateTimeSent"`
	InReplyTo  string    `xml:"InReplyTo"`
	References string    `xml:"References"`
	MessageID  string    `xml:"InternetMessageId"`
	Class      string    `xml:"ItemClass"`
	From       []mailbox `xml:"From>Mailbox"`
	Organizer  []mailbox `xml:"Organizer>Mailbox"`
	Sender     []mailbox `xml:"Sender>Mailbox"`
	To         []mailbox `xml:"ToRecipients>Mailbox"`
	Cc         []mailbox `xml:"CcRecipients>Mailbox"`
}

type mailbox struct {
	Name    string `xml:"Name"`
	Address string `xml:"EmailAddress"`
}

type propertiesMessage struct {
	status
	Items struct {
		Each []mailProperties `xml:",any"`
	} `xml:"Items"`
}

// fetchProperties makes a mail of what the server tells about it, code being why it did not give the mail itself.
func (a *Account) fetchProperties(ctx context.Context, op, id, code string, w io.Writer, limit int64) (int64, error) {
	request := getItem{IDs: refs{[]*ref{itemID(id)}}, Shape: properties("item:Subject", "item:Body", "item:DateTimeReceived",
		"item:DateTimeSent", "item:InReplyTo", "item:ItemClass", "message:References", "message:InternetMessageId", "message:From",
		"message:Sender", "message:ToRecipients", "message:CcRecipients")}
	request.Shape.Body = "Text"
	answer, err := askOne[propertiesMessage](ctx, a, op, request)
	if codeOf(err) == errItemNotFound {
		return 0, fmt.Errorf("ews: %s: %w", op, mail.ErrGone)
	}
	if err != nil {
		return 0, err
	}
	if len(answer.Items.Each) != 1 {
		return 0, &Error{Kind: mail.KindProtocol, Op: op, Err: errors.New("the answer holds no mail")}
	}
	raw, err := answer.Items.Each[0].compose(code)
	if err != nil {
		return 0, &Error{Kind: mail.KindProtocol, Op: op, Err: fmt.Errorf("make a mail of its properties: %w", err)}
	}
	if int64(len(raw)) > limit {
		return 0, fmt.Errorf("ews: %s: %w (%d bytes, limit %d)", op, mail.ErrTooLarge, len(raw), limit)
	}
	n, err := w.Write(raw)
	if err != nil {
		err = fmt.Errorf("ews: %s: %w: %w", op, errStore, err)
	}
	return int64(n), err
}

func (p mailProperties) compose(code string) ([]byte, error) {
	var h netmail.Header
	h.Set(incomplete, fmt.Sprintf("made of properties, without attachments: Exchange could not convert the %s (%s)", oneLine(p.Class), oneLine(code)))
	for _, stamp := range []string{p.Sent, p.Received} {
		if at, err := time.Parse(time.RFC3339, stamp); err == nil {
			h.SetDate(at)
			break
		}
	}
	for _, from := range [][]mailbox{p.From, p.Organizer, p.Sender} {
		if len(from) > 0 {
			h.SetAddressList("From", addresses(from))
			break
		}
	}
	h.SetAddressList("To", addresses(p.To))
	h.SetAddressList("Cc", addresses(p.Cc))
	h.SetSubject(oneLine(p.Subject))
	for field, text := range map[string]string{"Message-Id": p.MessageID, "In-Reply-To": p.InReplyTo, "References": p.References} {
		if text = oneLine(text); text != "" {
			h.Set(field, text)
		}
	}
	h.SetContentType("text/plain", map[string]string{"charset": "utf-8"})
	h.Set("Content-Transfer-Encoding", "quoted-printable")
	var raw bytes.Buffer
	body, err := netmail.CreateSingleInlineWriter(&raw, netmail.Header{Header: h.Header})
	if err != nil {
		return nil, err
	}
	_, err = io.WriteString(body, p.Body)
	return raw.Bytes(), errors.Join(err, body.Close())
}

func addresses(boxes []mailbox) []*netmail.Address {
	list := make([]*netmail.Address, 0, len(boxes))
	for _, box := range boxes {
		a := &netmail.Address{Name: oneLine(box.Name), Address: oneLine(box.Address)}
		if !strings.Contains(a.Address, "@") { // an address inside Exchange, or none
			a.Address = unknownAddress
		}
		list = append(list, a)
	}
	return list
}

// oneLine keeps a property from adding header fields.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
