package message

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Bounce is a report of what became of a mail that was sent (RFC 3464). Whoever wants may forge one: believe it only of
// an OriginalMessageID that is known.
type Bounce struct {
	OriginalMessageID string      `json:"originalMessageId,omitempty"` // see Original
	Recipients        []Recipient `json:"recipients"`                  // empty when the report does not name them
}

// Recipient is what became of a mail for one of those it was sent to.
type Recipient struct {
	Address    string `json:"address"`              // as it was written to: Original-Recipient, else Final-Recipient
	Action     string `json:"action"`               // failed, delayed, delivered, relayed or expanded (RFC 3464 section 2.3.3)
	Status     string `json:"status"`               // RFC 3463, "5.1.1"; "5.0.0", "4.0.0" and "2.0.0" when only the action is known
	Diagnostic string `json:"diagnostic,omitempty"` // what the other server said, as text
}

// Bounds of a bounce.
const (
	maxRecipients = 1000
	maxDiagnostic = 1000 // bytes
)

// Failed reports whether the mail did not and will not reach one of its recipients.
func (b *Bounce) Failed() bool {
	return slices.ContainsFunc(b.Recipients, func(r Recipient) bool { return r.Action == "failed" })
}

// BounceOf reads a bounce; nil when the mail is none (see Classify). At most 1000 recipients are read. Reports in forms
// of their own, older than the RFC, are read as far as their words are known; see bouncetext.go.
func BounceOf(m *Message) *Bounce {
	if Classify(m) != DeliveryReport {
		return nil
	}
	b := &Bounce{OriginalMessageID: Original(m), Recipients: statusRecipients(m.report.status)}
	if len(b.Recipients) == 0 {
		b.Recipients = textRecipients(m.readable(), m.failedRecipients())
	}
	if b.Recipients == nil {
		b.Recipients = []Recipient{}
	}
	return b
}

func (m *Message) isDeliveryReport(reportType string) bool {
	switch reportType {
	case "delivery-status":
		return true
	case "?":
		if len(m.report.status) > 0 {
			return true
		}
	}
	if m.field("X-Failed-Recipients") != "" {
		return true
	}
	switch m.sender() {
	case mailerDaemon:
		return !m.saysList() // some lists write under that name
	case perhapsDaemon:
		return len(m.report.status) > 0 || m.opens() || bounceSubject(m.Subject)
	}
	return false
}

// Senders as far as bounces go.
const (
	anybody       = iota
	perhapsDaemon // a null sender (RFC 5321 section 4.5.5), the postmaster, a machine
	mailerDaemon
)

func (m *Message) sender() int {
	sender := anybody
	if strings.TrimSpace(m.field("Return-Path")) == "<>" {
		sender = perhapsDaemon
	}
	if auto := m.word("Auto-Submitted"); auto != "" && auto != "no" {
		sender = perhapsDaemon
	}
	for _, a := range m.From {
		local, _, _ := strings.Cut(strings.ToLower(a.Address), "@")
		name := strings.ToLower(a.Name)
		switch {
		case local == "mailer-daemon", local == "mailerdaemon":
			return mailerDaemon
		case local == "postmaster", local == "mail-daemon", name == "mail delivery subsystem", name == "mail delivery system", name == "system administrator",
			strings.HasPrefix(local, "microsoftexchange329e71ec88ae4615bbc36ab6ce41109e"): // the sender of all Exchange organisations
			sender = perhapsDaemon
		}
	}
	return sender
}

var bounceSubjects = []string{
	"undelivered mail returned to sender", "mail delivery failed", "mail delivery failure", "delivery status notification", "undeliverable:",
	"undelivered:", "failure notice", "returned mail:", "delivery failure", "delivery failed", "message delivery delayed",
	"delayed mail (still being retried)", "mail system error", "unzustellbar:", "non remis", "no se puede entregar:",
}

func bounceSubject(subject string) bool {
	subject = strings.ToLower(subject)
	return slices.ContainsFunc(bounceSubjects, func(s string) bool { return strings.HasPrefix(subject, s) })
}

// failedRecipients is what Exim and Gmail write into a field of its own.
func (m *Message) failedRecipients() []string {
	var list []string
	for _, h := range m.Headers {
		if h.Key != "X-Failed-Recipients" {
			continue
		}
		for _, item := range strings.FieldsFunc(h.Value, func(r rune) bool { return r == ',' || r == ' ' }) {
			if address := looseAddress(item).Address; address != "" && !slices.Contains(list, address) && len(list) < maxRecipients {
				list = append(list, address)
			}
		}
	}
	return list
}

// statusRecipients reads a message/delivery-status. By the RFC each recipient has a group of fields of its own; some
// servers forget the empty line between two.
func statusRecipients(raw []byte) []Recipient {
	var recipients []Recipient
	var final, original, action, status, diagnostic string
	end := func() {
		if address := cmp.Or(original, final); address != "" && len(recipients) < maxRecipients {
			recipients = append(recipients, complete(Recipient{Address: address, Action: action, Status: status, Diagnostic: diagnostic}))
		}
		final, original, action, status, diagnostic = "", "", "", "", ""
	}
	for _, group := range fieldGroups(raw) {
		for _, f := range group {
			switch f.key {
			case "Final-Recipient":
				if final != "" {
					end()
				}
				final = typedAddress(f.value)
			case "Original-Recipient":
				if original != "" || final != "" && diagnostic != "" {
					end()
				}
				original = typedAddress(f.value)
			case "Action":
				action, _, _ = strings.Cut(strings.ToLower(clean(f.value)), " ")
			case "Status":
				status = f.value
			case "Diagnostic-Code":
				diagnostic = f.value
				if kind, text, ok := strings.Cut(f.value, ";"); ok && strings.EqualFold(strings.TrimSpace(kind), "smtp") {
					diagnostic = text
				}
			}
		}
		end()
	}
	return recipients
}

// typedAddress reads "rfc822; someone@example.com", in which xtext (RFC 3461 section 4) may hide characters.
func typedAddress(value string) string {
	if _, address, ok := strings.Cut(value, ";"); ok {
		value = address
	}
	value = strings.Trim(strings.TrimSpace(value), "<>")
	return clean(xtext.ReplaceAllStringFunc(value, func(s string) string {
		c, _ := strconv.ParseUint(s[1:], 16, 8)
		return string(rune(c))
	}))
}

// xtext escapes "+", "=" and what is not printable, and no others: "joe+AB@example.com" is an address of its own.
var xtext = regexp.MustCompile(`\+(?:2B|3D|[01][0-9A-F]|20|7F)`)

var (
	statusCode = regexp.MustCompile(`(?:^|[^\d.])([245]\.\d{1,3}\.\d{1,3})(?:$|[^\d.]|\.(?:$|\D))`)
	// A status in free text counts only behind "#" or an SMTP code: a version or an address looks alike.
	statusInText = regexp.MustCompile(`(?:#|\b[245]\d\d[ -]#?)([245]\.\d{1,3}\.\d{1,3})\b`)
	smtpCode     = regexp.MustCompile(`(?:^|[^\d.])([245])\d\d(?:$|[ -])`)
	actions      = map[string]string{"5": "failed", "4": "delayed", "2": "delivered"}
)

// complete brings a recipient into the form that is promised, and has status and action tell each other.
func complete(r Recipient) Recipient {
	r.Address = shorten(r.Address, maxDiagnostic)
	r.Diagnostic = shorten(clean(r.Diagnostic), maxDiagnostic)
	status := ""
	for _, found := range [][]string{statusCode.FindStringSubmatch(r.Status), statusInText.FindStringSubmatch(r.Diagnostic)} {
		if found != nil && status == "" {
			status = found[1]
		}
	}
	if !slices.Contains([]string{"failed", "delayed", "delivered", "relayed", "expanded"}, r.Action) {
		class := status
		if found := smtpCode.FindStringSubmatch(r.Diagnostic); class == "" && found != nil {
			class = found[1]
		}
		class, _, _ = strings.Cut(class, ".")
		r.Action = cmp.Or(actions[class], "failed")
	}
	if status == "" {
		status = map[string]string{"failed": "5.0.0", "delayed": "4.0.0"}[r.Action]
	}
	r.Status = cmp.Or(status, "2.0.0")
	return r
}
