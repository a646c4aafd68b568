package message

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	netmail "net/mail"
	"strings"
	"time"

	"github.com/waybill-io/waybill/mail"
)

// Address is a mailbox named in a mail.
type Address = mail.Address

// Header is one field: the key in canonical form (Message-Id), the value unfolded and decoded.
type Header struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Message is a mail without its attachments' content. All strings are valid UTF-8 without NUL.
type Message struct {
	MessageID  string    `json:"messageId,omitempty"` // with angle brackets, as it is
	InReplyTo  string    `json:"inReplyTo,omitempty"` // likewise, the first one
	References []string  `json:"references,omitempty"`
	From       []Address `json:"from,omitempty"`
	To         []Address `json:"to,omitempty"`
	Cc         []Address `json:"cc,omitempty"`
	ReplyTo    []Address `json:"replyTo,omitempty"`
	Subject    string    `json:"subject"`
	Date       time.Time `json:"date,omitzero"` // zero when missing or broken

	Headers          []Header `json:"headers"` // in the order of the mail
	HeadersTruncated bool     `json:"headersTruncated,omitempty"`

	// Text and HTML are the bodies, lines ended by LF. Several inline parts of one kind are joined.
	Text          string `json:"text,omitempty"`
	TextTruncated bool   `json:"textTruncated,omitempty"`
	HTML          string `json:"html,omitempty"`
	HTMLTruncated bool   `json:"htmlTruncated,omitempty"`

	Attachments []Attachment `json:"attachments,omitempty"`

	// Size is the number of bytes of the raw mail.
	Size int64 `json:"size"`
	// DedupKey is the same for the same mail seen twice (moved, re-uploaded, with other line ends or other trace
	// fields), and differs for two mails that share a Message-ID: a hash of Message-ID, Date, From, Subject and the
	// raw body.
	DedupKey string `json:"dedupKey"`
	// Defects says in words what was not as the RFCs ask.
	Defects []string `json:"defects,omitempty"`

	report report // for Classify and BounceOf
}

// Attachment describes one part that is not a body. Text parts keep their charset, which ContentType names.
type Attachment struct {
	Part        string `json:"part"`           // position as in IMAP: "2.1"
	Name        string `json:"name,omitempty"` // as the sender gave it, without folders; not unique
	ContentType string `json:"contentType"`
	ContentID   string `json:"contentId,omitempty"` // without angle brackets
	Inline      bool   `json:"inline,omitempty"`
	Size        int64  `json:"size"` // decoded; 0 in the sink's argument
}

// Sink takes the decoded content of an attachment. It need not read to the end. Its error ends Parse.
type Sink func(attachment Attachment, content io.Reader) error

// Limits bound what a mail may make Parse hold. Zero values mean the defaults.
type Limits struct {
	HeaderBytes int // of the mail and of each part; 256 KiB
	Parts       int // 500; what comes after is passed over
	Depth       int // of nested multiparts; 30; what is deeper stays raw
	TextBytes   int // of each of Text and HTML; 1 MiB
}

func (l Limits) withDefaults() Limits {
	set := func(field *int, value int) {
		if *field <= 0 {
			*field = value
		}
	}
	set(&l.HeaderBytes, 256<<10)
	set(&l.Parts, 500)
	set(&l.Depth, 30)
	set(&l.TextBytes, 1<<20)
	return l
}

// Parse reads one mail to its end. A nil sink throws attachments away; they are listed all the same.
func Parse(r io.Reader, limits Limits, sink Sink) (*Message, error) {
	if sink == nil {
		sink = func(Attachment, io.Reader) error { return nil }
	}
	p := &parser{lines: newLines(r), limits: limits.withDefaults(), sink: sink, message: &Message{}}
	h := p.header("the header")
	p.fields(h)
	p.lines.body = newBodyHash()
	for line := range bytes.Lines(h.body) {
		p.lines.body.add(line)
	}
	if err := p.part(h, "", 0, "text/plain"); err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, p.lines); err != nil {
		return nil, err
	}
	if p.lines.err != nil {
		return nil, fmt.Errorf("read mail: %w", p.lines.err)
	}
	p.message.Size = p.lines.size
	p.message.DedupKey = dedupKey(h, p.lines.body.sum())
	return p.message, nil
}

type parser struct {
	lines   *lines
	limits  Limits
	sink    Sink
	message *Message
	parts   int
}

const maxDefects = 50

func (p *parser) defect(format string, args ...any) {
	if len(p.message.Defects) < maxDefects {
		p.message.Defects = append(p.message.Defects, clean(fmt.Sprintf(format, args...)))
	}
}

// fields fills what comes from the header of the mail.
func (p *parser) fields(h header) {
	m := p.message
	m.HeadersTruncated = h.truncated
	m.Headers = make([]Header, 0, len(h.fields))
	for _, f := range h.fields {
		m.Headers = append(m.Headers, Header{Key: f.key, Value: decodeWords(f.value)})
	}
	for _, key := range []string{"From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-Id", "In-Reply-To", "References", "Content-Type", "Content-Transfer-Encoding"} {
		if n := h.count(key); n > 1 {
			p.defect("%d fields %s, the first is used", n, key)
		}
	}
	m.From = p.addresses(h, "From")
	m.To = p.addresses(h, "To")
	m.Cc = p.addresses(h, "Cc")
	m.ReplyTo = p.addresses(h, "Reply-To")
	m.Subject = decodeWords(h.get("Subject"))
	m.MessageID = firstID(h.get("Message-Id"))
	m.InReplyTo = firstID(h.get("In-Reply-To"))
	m.References = ids(h.get("References"))
	if m.MessageID == "" {
		p.defect("no Message-ID")
	}
	if raw := h.get("Date"); raw != "" {
		date, err := netmail.ParseDate(raw)
		if err != nil {
			p.defect("Date cannot be read: %.80s", raw)
		} else {
			m.Date = date
		}
	} else {
		p.defect("no Date")
	}
}

// ids are the message identifiers of a field, with angle brackets; without any, its words.
func ids(raw string) []string {
	var found []string
	for rest := raw; ; {
		_, after, ok := strings.Cut(rest, "<")
		if !ok {
			break
		}
		id, tail, ok := strings.Cut(after, ">")
		if !ok {
			break
		}
		found, rest = append(found, clean("<"+id+">")), tail
	}
	if found == nil {
		for _, word := range strings.Fields(raw) {
			found = append(found, clean(word))
		}
	}
	return found
}

func firstID(raw string) string {
	if found := ids(raw); len(found) > 0 && strings.HasPrefix(found[0], "<") {
		return found[0]
	}
	return clean(strings.TrimSpace(raw))
}

// dedupKey hashes the fields as they are in the mail, so that it does not change when decoding gets better.
func dedupKey(h header, body []byte) string {
	sum := sha256.New()
	for _, key := range []string{"Message-Id", "Date", "From", "Subject"} {
		value := h.get(key)
		_, _ = fmt.Fprintf(sum, "%d:%s", len(value), value)
	}
	_, _ = sum.Write(body)
	return hex.EncodeToString(sum.Sum(nil)[:16])
}
