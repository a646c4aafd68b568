package message

import (
	"regexp"
	"strings"
	"sync"
)

// Reports in free text. After the words by which one is known come the recipients, each at the beginning of a line, in
// brackets, quotes or bare, with what the other server said in the lines below; then, behind a line of dashes, the mail
// that was sent or its header.

// openings are the words after which a report names recipients, with what became of the mail. A run of space or a line
// end stands for each space.
var openings = []struct{ words, action string }{
	{"Hi. This is the qmail-send program", "failed"},                                              // qmail
	{"A message that you sent could not be delivered to one or more of its recipients", "failed"}, // Exim
	{"A message that you sent has not yet been delivered to one or more of its recipients", "delayed"},
	{"Delivery to the following recipient failed permanently", "failed"}, // Gmail
	{"Delivery to the following recipient has been delayed", "delayed"},
	{"Your message did not reach some or all of the intended recipients", "failed"}, // Exchange 5.5, 2003
	{"Delivery to the following recipients failed", "failed"},                       // Exchange 2000
	{"Delivery has failed to these recipients or", "failed"},                        // Exchange 2007 and later
	{"Delivery is delayed to these recipients or", "delayed"},
	{"The following addresses had permanent fatal errors", "failed"}, // sendmail
	{"The following addresses had transient non-fatal errors", "delayed"},
	{"I'm sorry to have to inform you that your message could not be delivered", "failed"}, // Postfix
}

var openingPatterns = sync.OnceValue(func() []*regexp.Regexp {
	var patterns []*regexp.Regexp
	for _, o := range openings {
		words := strings.Fields(o.words)
		for i, w := range words {
			words[i] = regexp.QuoteMeta(w)
		}
		patterns = append(patterns, regexp.MustCompile(`(?i)`+strings.Join(words, `\s+`)))
	}
	return patterns
})

// opening finds the words; rest is what follows them.
func opening(text string) (rest, action string, ok bool) {
	const head = 4 << 10 // bytes; what comes later was quoted by somebody
	for i, pattern := range openingPatterns() {
		if at := pattern.FindStringIndex(text[:min(len(text), head)]); at != nil {
			return text[at[1]:], openings[i].action, true
		}
	}
	return "", "", false
}

// recipientLine is an address at the beginning of a line, alone, before a colon, or with the time of Exchange.
var recipientLine = regexp.MustCompile(`^[<'"]?([^\s<>'"(),:;@]+@[^\s<>'"(),:;@]+)[>'"]?(?:<mailto:[^>]*>)?(?:$|:\s*(.*)$|\s+on\s.*$)`)

// textRecipients reads the recipients of a report. When their addresses are known from elsewhere these alone count.
func textRecipients(text string, known []string) []Recipient {
	rest, action, _ := opening(text)
	var found []Recipient
	wanted := map[string]bool{}
	for _, address := range known {
		wanted[strings.ToLower(address)] = true
	}
	inside := false // the lines belong to the last recipient
	_, rest, _ = strings.Cut(rest, "\n")
	for line := range strings.Lines(rest) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "---") {
			break
		}
		if m := recipientLine.FindStringSubmatch(line); m != nil {
			if inside = len(found) < maxRecipients && (len(known) == 0 || wanted[strings.ToLower(m[1])]); inside {
				wanted[strings.ToLower(m[1])] = false
				found = append(found, Recipient{Address: clean(m[1]), Action: action, Diagnostic: m[2]})
			}
			continue
		}
		if last := len(found) - 1; inside && line != "" && len(found[last].Diagnostic) < maxDiagnostic {
			found[last].Diagnostic = strings.TrimSpace(found[last].Diagnostic + " " + line)
		}
	}
	for _, address := range known {
		if wanted[strings.ToLower(address)] {
			found = append(found, Recipient{Address: address, Action: action})
		}
	}
	for i := range found {
		found[i] = complete(found[i])
	}
	return found
}

var messageIDLine = regexp.MustCompile(`(?im)^[> \t]*message-id:\s*(<[^<>\s]{1,900}>)`)

// originalInText finds the Message-ID in the copy of the mail that a report in free text has at its end.
func originalInText(text string) string {
	if m := messageIDLine.FindStringSubmatch(text); m != nil {
		return clean(m[1])
	}
	return ""
}

// readable is the text of a mail, made of the HTML when there is no other.
func (m *Message) readable() string {
	if m.Text == "" && m.HTML != "" {
		return PlainText(m.HTML)
	}
	return m.Text
}

// opens reports whether a mail begins as reports in free text do.
func (m *Message) opens() bool {
	_, _, ok := opening(m.readable())
	return ok
}
