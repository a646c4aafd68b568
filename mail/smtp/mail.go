package smtp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	netmail "net/mail"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/waybill-io/waybill/mail"
)

// Mail is what is to be sent. Line ends are refused everywhere but in Text and HTML.
type Mail struct {
	From    mail.Address   `json:"from"`
	To      []mail.Address `json:"to,omitempty"`
	Cc      []mail.Address `json:"cc,omitempty"`
	Bcc     []mail.Address `json:"bcc,omitempty"` // gets the mail, appears nowhere in it
	ReplyTo []mail.Address `json:"replyTo,omitempty"`

	Subject string `json:"subject,omitempty"`
	Text    string `json:"text,omitempty"` // with HTML: multipart/alternative
	HTML    string `json:"html,omitempty"`
	Charset string `json:"charset,omitempty"` // of Text and HTML; UTF-8, also when the charset lacks a character

	// MessageID is chosen by the caller, so that another try of the same mail can be recognised; it goes out as the function MessageID writes it.
	// Angle brackets may be left out, of InReplyTo and References, too; References may be empty, InReplyTo is then added to it.
	MessageID  string   `json:"messageId,omitempty"`
	InReplyTo  string   `json:"inReplyTo,omitempty"`
	References []string `json:"references,omitempty"`
	// AutoSubmitted is the value of RFC 3834: "auto-generated", "auto-replied"; empty for mail that a person wrote.
	AutoSubmitted string    `json:"autoSubmitted,omitempty"`
	Date          time.Time `json:"date,omitzero"` // now, when zero
	// Headers are further fields: those that begin with X-, and those of allowedHeaders.
	Headers     []Header     `json:"headers,omitempty"`
	Attachments []Attachment `json:"attachments,omitempty"`
	// Inline are what HTML shows, such as images, to which it refers as cid:CONTENTID (RFC 2392): multipart/related (RFC 2387).
	Inline []Attachment `json:"inline,omitempty"`
}

// Header is one further field.
type Header struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Attachment is a file: its content, or Open, which is called each time that the file is read, twice for a mail
// that is sent: before, for its size and signature, and when its turn comes. What it returns is read once and closed, and must be the same.
type Attachment struct {
	Name        string                        `json:"name"`
	ContentID   string                        `json:"contentId,omitempty"`   // of an inline one, as LEFT@RIGHT
	ContentType string                        `json:"contentType,omitempty"` // application/octet-stream
	Content     []byte                        `json:"content"`               // counts when Open is nil
	Open        func() (io.ReadCloser, error) `json:"-"`
}

// allowedHeaders leaves out all that routes a mail or describes its structure.
var allowedHeaders = []string{
	"Comments", "Content-Language", "Disposition-Notification-To", "Feedback-Id", "Importance", "Keywords", "List-Help",
	"List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Organization", "Precedence", "Priority", "Sensitivity",
	"Thread-Index", "Thread-Topic",
}

const maxName = 200 // bytes of an attachment's name: encoded, it must fit into one line

// Validate reports everything that keeps the mail from being sent.
func (m Mail) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	line := func(what, value string) {
		if strings.ContainsFunc(value, unicode.IsControl) || !utf8.ValidString(value) {
			bad("%s %q must not hold line ends or other control characters", what, value)
		}
	}
	address := func(what string, a mail.Address) {
		line(what+" name", a.Name)
		parsed, err := netmail.ParseAddress("<" + a.Address + ">")
		if err != nil || parsed.Address != a.Address || strings.ContainsFunc(a.Address, unicode.IsSpace) {
			bad("%s %q is not a mail address", what, a.Address)
		}
	}
	address("from", m.From)
	for what, list := range map[string][]mail.Address{"to": m.To, "cc": m.Cc, "bcc": m.Bcc, "reply-to": m.ReplyTo} {
		for _, a := range list {
			address(what, a)
		}
	}
	if len(m.To)+len(m.Cc)+len(m.Bcc) == 0 {
		bad("no recipient")
	}
	line("subject", m.Subject)
	line("charset", m.Charset)
	switch m.AutoSubmitted {
	case "", "no", "auto-generated", "auto-replied", "auto-notified":
	default:
		bad("auto-submitted %q is not one of no, auto-generated, auto-replied, auto-notified", m.AutoSubmitted)
	}
	for _, id := range slices.Concat([]string{m.MessageID, m.InReplyTo}, m.References) {
		line("message id", id)
		if strings.ContainsAny(id, " ") || strings.ContainsAny(bare(id), "<>") {
			bad("message id %q must be one identifier", id)
		}
	}
	for _, h := range m.Headers {
		line("header "+h.Key, h.Value)
		if !headerAllowed(h.Key) {
			bad("header %q cannot be set: allowed are X-... and %s", h.Key, strings.Join(allowedHeaders, ", "))
		}
	}
	for _, a := range slices.Concat(m.Inline, m.Attachments) {
		line("attachment name", a.Name)
		if a.Name == "" || len(a.Name) > maxName || a.Open == nil && a.Content == nil {
			bad("attachment %.40q needs a name of at most %d bytes and its content", a.Name, maxName)
		}
		if _, _, err := mime.ParseMediaType(a.ContentType); a.ContentType != "" && err != nil {
			bad("attachment %.40q: content type %q: %w", a.Name, a.ContentType, err)
		}
		line("content type", a.ContentType)
	}
	if len(m.Inline) > 0 && m.HTML == "" {
		bad("inline files without HTML that shows them")
	}
	known := map[string]bool{}
	for _, a := range m.Inline {
		if !contentID.MatchString(a.ContentID) || known[a.ContentID] {
			bad("content id %q: one of its own is expected, such as logo@example.com", a.ContentID)
		}
		known[a.ContentID] = true
	}
	return errors.Join(errs...)
}

// contentID is what every reader finds again in a URL (RFC 2045, section 7; RFC 2392).
var contentID = regexp.MustCompile(`^[A-Za-z0-9._-]+@[A-Za-z0-9._-]+$`)

func headerAllowed(key string) bool {
	for _, c := range key {
		if c <= ' ' || c > '~' || c == ':' {
			return false
		}
	}
	if len(key) > 2 && strings.EqualFold(key[:2], "X-") {
		return true
	}
	return slices.ContainsFunc(allowedHeaders, func(allowed string) bool { return strings.EqualFold(allowed, key) })
}

// Raw is the mail as it goes over the wire, for small ones: it holds the attachments. The error says what is wrong with it.
func (m Mail) Raw() ([]byte, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	content, err := compose(m)
	if err != nil {
		return nil, err
	}
	var raw bytes.Buffer
	readErr, writeErr := content.write(&raw)
	return raw.Bytes(), errors.Join(readErr, writeErr)
}

// recipients are the addresses of the envelope, each once.
func (m Mail) recipients() []string {
	var list []string
	for _, a := range slices.Concat(m.To, m.Cc, m.Bcc) {
		if !slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, a.Address) }) {
			list = append(list, a.Address)
		}
	}
	return list
}

// MessageID is an identifier as it goes over the wire, where it stands in angle brackets and its domain in ASCII: go-mail encodes a field that
// is not ASCII, and an encoded identifier is none.
func MessageID(id string) string { return bracketed(onWire(bare(id))) }

func bare(id string) string { return strings.TrimSuffix(strings.TrimPrefix(id, "<"), ">") }

func bracketed(id string) string { return "<" + bare(id) + ">" }
