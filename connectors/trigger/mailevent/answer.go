package mailevent

import (
	"regexp"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/mail/message"
)

// unattended are the addresses behind which no person reads.
var unattended = regexp.MustCompile(`(?i)^(no|do-?not|never)[-._]?reply|^(mailer-daemon|postmaster|bounces?|listserv|majordomo)\b|-(request|owner|bounces?)@|^owner-`)

// AnswerTo is whom an echo to a mail goes to; "" when it must not be answered: what no person wrote, what comes from an address that nobody
// reads, and what has more than one sender or came from one of those that it went to, which may be ourselves.
func AnswerTo(m *message.Message) string {
	if message.Classify(m) != message.Person || len(m.From) != 1 {
		return ""
	}
	sender := m.From[0]
	if len(m.ReplyTo) == 1 {
		sender = m.ReplyTo[0]
	}
	same := func(a message.Address) bool {
		return strings.EqualFold(a.Address, sender.Address) || strings.EqualFold(a.Address, m.From[0].Address)
	}
	switch {
	case !strings.Contains(sender.Address, "@"), strings.ContainsAny(sender.Address, ",; \t\r\n"),
		unattended.MatchString(sender.Address), unattended.MatchString(m.From[0].Address),
		slices.ContainsFunc(m.To, same), slices.ContainsFunc(m.Cc, same):
		return ""
	}
	return sender.Address
}
