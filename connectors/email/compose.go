package email

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/mail"
)

// Limits of a mail. RFC 5321 section 4.5.3.1.8 has servers take 100 recipients.
const (
	maxRecipients = 100
	maxReferences = 50
	maxHeader     = 900 // bytes of one value; RFC 5322 section 2.1.1 allows lines of 998
)

// fields reads the inputs of a call and collects what is wrong with them.
type fields struct {
	inputs map[string]any
	errs   []string
}

func (f *fields) errorf(format string, args ...any) {
	f.errs = append(f.errs, fmt.Sprintf(format, args...))
}

func (f *fields) err() error {
	if len(f.errs) == 0 {
		return nil
	}
	return invalid(strings.Join(f.errs, "; "))
}

// text is an input as it is.
func (f *fields) text(name string) string {
	text, _ := f.inputs[name].(string)
	return text
}

// line is an input that goes into a header. A line break would begin another header, chosen by whoever wrote the value.
func (f *fields) line(name string) string {
	text := f.text(name)
	if strings.ContainsFunc(text, unicode.IsControl) {
		f.errorf("%s has a line break or another control character", name)
		return ""
	}
	if len(text) > maxHeader && name != "to" && name != "cc" && name != "bcc" && name != "subject" {
		f.errorf("%s is longer than %d bytes", name, maxHeader)
		return ""
	}
	return strings.TrimSpace(text)
}

// addresses reads an input that is a list separated by commas.
func (f *fields) addresses(name string) []mail.Address {
	line := f.line(name)
	if line == "" {
		return nil
	}
	list, err := mail.ParseAddressList(line)
	if err != nil {
		f.errorf("%s is not a list of addresses such as Ann <ann@example.com>, bob@example.com", name)
		return nil
	}
	return list
}

// sender is the input from, else the configured default.
func (f *fields) sender(fallback mail.Address) mail.Address {
	if strings.TrimSpace(f.text("from")) == "" {
		if fallback.Address == "" {
			f.errorf("from is empty and email.from.default (EMAIL_FROM) is not set")
		}
		return fallback
	}
	list := f.addresses("from")
	if len(list) > 1 {
		f.errorf("from must be one address")
	}
	if len(list) != 1 {
		return mail.Address{}
	}
	return list[0]
}

var messageIDs = regexp.MustCompile(`<[^<>\s]+>`)

// thread reads inReplyTo and references and returns what goes into the headers In-Reply-To and References of a reply,
// by RFC 5322 section 3.6.4; both empty when the mail is none.
func (f *fields) thread() (inReplyTo string, references []string) {
	inReplyTo = f.line("inReplyTo")
	if inReplyTo == "" {
		return "", nil
	}
	if id := messageIDs.FindString(inReplyTo); id != "" {
		inReplyTo = id
	} else if inReplyTo = "<" + inReplyTo + ">"; !messageIDs.MatchString(inReplyTo) {
		f.errorf("inReplyTo is not a Message-ID such as <1234@example.com>")
		return "", nil
	}
	switch given := f.inputs["references"].(type) {
	case nil:
	case string:
		references = messageIDs.FindAllString(given, -1)
	case []any:
		for _, item := range given {
			id, ok := item.(string)
			if !ok {
				f.errorf("references must be a list of Message-IDs")
				return "", nil
			}
			references = append(references, messageIDs.FindAllString(id, -1)...)
		}
	default:
		f.errorf("references must be a list of Message-IDs")
		return "", nil
	}
	references = slices.DeleteFunc(references, func(id string) bool { return id == inReplyTo || len(id) > maxHeader })
	if len(references) >= maxReferences { // the first one and the latest keep the thread together
		references = append(references[:1:1], references[len(references)-maxReferences+2:]...)
	}
	return inReplyTo, append(references, inReplyTo)
}

var replyPrefix = regexp.MustCompile(`^(?i:\s*re\s*:)+\s*`)

// person tells whether a person wrote the text.
func (f *fields) person() bool {
	by := f.line("writtenBy")
	if by != "" && by != "machine" && by != "person" {
		f.errorf("writtenBy %q: machine or person is expected", by)
	}
	return by == "person"
}

// subject is the input subject; a reply's has "Re: " before it exactly once. It may be a stranger's, so a long one is cut.
func (f *fields) subject(reply bool) string {
	subject := f.line("subject")
	if len(subject) > maxHeader {
		subject = strings.ToValidUTF8(subject[:maxHeader], "") + "..."
	}
	if reply {
		return "Re: " + replyPrefix.ReplaceAllString(subject, "")
	}
	return subject
}

// files reads an input of type file.
func (f *fields) files(name string) []connectors.File {
	files, err := connectors.ParseFiles(f.inputs[name])
	if err != nil {
		f.errorf("%s: %v", name, err)
	}
	return files
}

// messageID is the same for the same call and sender. Answers to it tell the call, unless that is too long.
func messageID(idempotencyKey string, from mail.Address) string {
	domain := from.Address[strings.LastIndexByte(from.Address, '@')+1:]
	if id := mail.MessageID(idempotencyKey, domain); id != "" {
		return id
	}
	sum := sha256.Sum256([]byte(idempotencyKey))
	return "<" + hex.EncodeToString(sum[:16]) + "@" + domain + ">"
}
