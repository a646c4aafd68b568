package message

import (
	"slices"
	"strings"
)

// Kind is who or what wrote a mail.
type Kind string

// Kinds of mail.
const (
	Person         Kind = "person"     // nothing says that a machine wrote it
	Bulk           Kind = "bulk"       // a mailing list, bulk mail, a notice that a machine sent on its own
	AutoReply      Kind = "auto-reply" // a machine answered: absent, received, read (RFC 3834, RFC 8098)
	DeliveryReport Kind = "bounce"     // what became of a mail: not delivered, late, delivered (RFC 3464)
)

// Classify tells the kind of a mail. It looks for, in this order:
//
//   - a bounce: multipart/report with a delivery status (RFC 3464, RFC 6522), X-Failed-Recipients, or a mail system as
//     the sender with words that qmail, Exim, Gmail, Exchange and sendmail have in their reports;
//   - an answer by a machine: Auto-Submitted: auto-replied (RFC 3834 section 5), X-Autoreply and the like, a receipt
//     (RFC 8098);
//   - lists and bulk mail: List-* (RFC 2369, RFC 2919), Precedence;
//   - any other mark of a machine (see Automatic), which is an answer when the mail names the one it answers, as
//     absence notes of Exchange do, or has a subject that only answers of machines have;
//   - as a last resort, such a subject alone.
//
// A mail of which Automatic is true is never of a Person. All marks can be forged by whoever writes the mail.
func Classify(m *Message) Kind {
	automatic, _ := Automatic(m.Headers)
	reportType := m.reportType()
	switch {
	case m.isDeliveryReport(reportType):
		return DeliveryReport
	case reportType == "disposition-notification", len(m.report.receipt) > 0 && automatic, m.saysAutoReply():
		return AutoReply
	case m.saysList():
		return Bulk
	case automatic && (m.InReplyTo != "" || m.field(exchangeParent) != "" || m.field(exchangeSource) != ""),
		autoReplySubject(m.Subject):
		return AutoReply
	case automatic:
		return Bulk
	}
	return Person
}

// Fields of Exchange: the Message-ID of the mail that is answered, and the rule or agent that answered.
const (
	exchangeParent = "X-Ms-Exchange-Parent-Message-Id"
	exchangeSource = "X-Ms-Exchange-Generated-Message-Source"
)

// Original is the Message-ID, with angle brackets, of the mail that a bounce, a receipt or another answer is about; ""
// when the mail does not say. The mail that came along with a bounce counts first, then a receipt's
// Original-Message-ID, In-Reply-To, the last of References, and what Exchange writes.
func Original(m *Message) string {
	kind := Classify(m)
	if kind == DeliveryReport {
		if id := m.report.original; id != "" {
			return id
		}
		if id := originalInText(m.readable()); id != "" {
			return id
		}
	}
	if kind == AutoReply && len(m.report.receipt) > 0 {
		for _, group := range fieldGroups(m.report.receipt) {
			for _, f := range group {
				if f.key == "Original-Message-Id" && f.value != "" {
					return firstID(f.value)
				}
			}
		}
	}
	if m.InReplyTo != "" {
		return m.InReplyTo
	}
	if n := len(m.References); n > 0 {
		return m.References[n-1]
	}
	return firstID(m.field(exchangeParent))
}

// field is the first field of that name, in canonical form.
func (m *Message) field(key string) string {
	for _, h := range m.Headers {
		if h.Key == key {
			return h.Value
		}
	}
	return ""
}

// word is a field's value without parameters and comments, in lower case.
func (m *Message) word(key string) string {
	value := m.field(key)
	if i := strings.IndexAny(value, ";("); i >= 0 {
		value = value[:i]
	}
	return strings.ToLower(strings.TrimSpace(value))
}

// reportType is the report-type of a multipart/report (RFC 6522 section 3), "?" of one without, else "".
func (m *Message) reportType() string {
	mediaType, params := parseParams(m.field("Content-Type"))
	if mediaType != "multipart/report" {
		return ""
	}
	if t := strings.ToLower(strings.TrimSpace(params["report-type"])); t != "" {
		return t
	}
	return "?"
}

func (m *Message) saysAutoReply() bool {
	precedence := m.word("Precedence")
	for _, key := range []string{"X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Reply"} {
		if value := m.word(key); value != "" && value != "no" {
			return true
		}
	}
	return m.word("Auto-Submitted") == "auto-replied" || precedence == "auto_reply" || m.word("X-Precedence") == "auto_reply"
}

func (m *Message) saysList() bool {
	for _, key := range []string{"List-Id", "List-Unsubscribe", "List-Post"} {
		if value := m.field(key); value != "" && !strings.EqualFold(value, "no") {
			return true
		}
	}
	switch m.word("Precedence") {
	case "bulk", "list", "junk":
		return true
	}
	return false
}

// autoReplySubjects are what absence notes begin with where nobody has set another text.
var autoReplySubjects = []string{
	"automatic reply", "auto reply", "auto-reply", "autoreply", "automated reply", "auto response", "auto-response", "autoresponse",
	"out of office", "out-of-office", "out of the office", "vacation reply", "away from my mail",
	"automatische antwort", "abwesenheitsnotiz", "automatisch antwoord", "automatisch antwoordbericht", "afwezigheidsbericht",
	"réponse automatique", "absence du bureau", "message d'absence", "respuesta automática", "fuera de la oficina", "fuera de oficina",
	"risposta automatica", "fuori sede", "resposta automática", "automatiskt svar", "automatisk svar", "autosvar", "automaattinen vastaus",
	"automatyczna odpowiedź", "automatická odpověď", "automatikus válasz", "automat răspuns", "răspuns automat", "otomatik yanıt",
	"автоматический ответ", "автоответ", "автоматична відповідь", "αυτόματη απάντηση", "自動返信", "自动回复", "自動回覆", "자동 회신",
}

// autoReplySubject wants a colon behind the words, as mail programs write it: people write of their absence, too.
func autoReplySubject(subject string) bool {
	prefix, _, ok := strings.Cut(strings.ReplaceAll(subject, "：", ":"), ":")
	if !ok {
		return false
	}
	prefix = strings.ToLower(strings.TrimSpace(prefix)) // French has a space before the colon
	return slices.Contains(autoReplySubjects, prefix)
}
