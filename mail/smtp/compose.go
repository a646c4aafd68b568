package smtp

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	netmail "net/mail"
	"net/textproto"
	"slices"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"golang.org/x/text/encoding/htmlindex"

	"github.com/waybill-io/waybill/mail"
)

// composed is a mail as it goes over the wire: the text that go-mail wrote, in which a marker stands for the content of
// each attachment. go-mail would hold the whole encoded file in memory, and twice while its buffer grows.
type composed struct {
	messageID   string // with angle brackets
	text        []byte
	markers     [][]byte
	attachments []Attachment

	// What measure finds out.
	size          int64
	eightBit      bool // there are bytes outside ASCII
	international bool // there are in fields (RFC 6532)
	sum           uint32
	signature     string // the field DKIM-Signature, which goes first
}

func compose(m Mail) (*composed, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithEncoding(gomail.EncodingQP))
	msg.FromMailAddress(netAddress(m.From))
	msg.ToMailAddress(netAddresses(m.To)...)
	msg.CcMailAddress(netAddresses(m.Cc)...)
	msg.ReplyToMailAddress(netAddresses(m.ReplyTo)...)
	msg.Subject(m.Subject)
	messageID := MessageID(m.MessageID)
	if m.MessageID == "" {
		// go-mail's own may begin with a dot, or have two in a row, which no identifier may (RFC 5322, section 3.6.4).
		messageID = MessageID(strings.ToLower(rand.Text()) + m.From.Address[strings.LastIndexByte(m.From.Address, '@'):])
	}
	msg.SetMessageIDWithValue(bare(messageID))
	date := m.Date
	if date.IsZero() {
		date = time.Now()
	}
	msg.SetDateWithValue(date)
	references := m.References
	if m.InReplyTo != "" {
		msg.SetGenHeader(gomail.HeaderInReplyTo, bracketed(m.InReplyTo))
		if len(references) == 0 {
			references = []string{m.InReplyTo}
		}
	}
	if len(references) > 0 {
		list := make([]string, 0, len(references))
		for _, id := range references {
			list = append(list, bracketed(id))
		}
		msg.SetGenHeader(gomail.HeaderReferences, strings.Join(list, " "))
	}
	if m.AutoSubmitted != "" {
		msg.SetGenHeader("Auto-Submitted", m.AutoSubmitted)
	}
	for _, h := range m.Headers {
		msg.SetGenHeader(gomail.Header(textproto.CanonicalMIMEHeaderKey(h.Key)), h.Value)
	}

	if m.Text != "" || m.HTML == "" {
		text, charset := encode(m.Text, m.Charset)
		msg.AddAlternativeString(gomail.TypeTextPlain, text, gomail.WithPartCharset(charset))
	}
	if m.HTML != "" {
		html, charset := encode(m.HTML, m.Charset)
		msg.AddAlternativeString(gomail.TypeTextHTML, html, gomail.WithPartCharset(charset))
	}

	c := &composed{messageID: messageID, attachments: slices.Concat(m.Inline, m.Attachments)} // in the order in which they are written
	var files []*gomail.File
	for i, a := range c.attachments {
		marker := make([]byte, 24)
		_, _ = rand.Read(marker)
		c.markers = append(c.markers, []byte(base64.StdEncoding.EncodeToString(marker)))
		files = append(files, &gomail.File{Name: a.Name, Header: attachmentHeader(a, i < len(m.Inline)), Writer: func(w io.Writer) (int64, error) {
			n, err := w.Write(marker)
			return int64(n), err
		}})
	}
	msg.SetEmbeds(files[:len(m.Inline)])
	msg.SetAttachments(files[len(m.Inline):])

	var text bytes.Buffer
	if _, err := msg.WriteTo(&text); err != nil {
		return nil, err
	}
	c.text = text.Bytes()
	if len(m.Inline) > 0 {
		c.text = typeRelated(c.text, m.Text != "")
	}
	for i, marker := range c.markers {
		if bytes.Count(c.text, marker) != 1 {
			return nil, fmt.Errorf("attachment %q has no place in the mail", c.attachments[i].Name)
		}
	}
	return c, nil
}

// typeRelated adds what go-mail leaves out of multipart/related: the type of its first part, which RFC 2387, section 3.1, requires. Only
// a field can begin behind a line end, whatever the subject or a body holds: both are folded or encoded.
func typeRelated(text []byte, alternative bool) []byte {
	const before, after = "\r\nContent-Type: multipart/related;", "\r\n boundary="
	root := "text/html"
	if alternative {
		root = "multipart/alternative"
	}
	return bytes.Replace(text, []byte(before+after), []byte(before+` type="`+root+`";`+after), 1)
}

func attachmentHeader(a Attachment, inline bool) textproto.MIMEHeader {
	mediaType, params, err := mime.ParseMediaType(a.ContentType)
	if err != nil {
		mediaType, params = "application/octet-stream", map[string]string{}
	}
	params["name"] = a.Name
	disposition := "attachment"
	if inline {
		disposition = "inline"
	}
	header := textproto.MIMEHeader{
		"Content-Type":              {mime.FormatMediaType(mediaType, params)},
		"Content-Disposition":       {mime.FormatMediaType(disposition, map[string]string{"filename": a.Name})}, // RFC 2231
		"Content-Transfer-Encoding": {"base64"},
	}
	if inline {
		header["Content-Id"] = []string{"<" + a.ContentID + ">"}
	}
	return header
}

// encode falls back to UTF-8, which every reader knows, rather than lose a character.
func encode(text, charset string) (string, gomail.Charset) {
	if charset != "" && !strings.EqualFold(charset, "utf-8") {
		if encoding, err := htmlindex.Get(charset); err == nil {
			if encoded, err := encoding.NewEncoder().String(text); err == nil {
				return encoded, gomail.Charset(strings.ToLower(charset))
			}
		}
	}
	return text, gomail.CharsetUTF8
}

func netAddress(a mail.Address) *netmail.Address {
	return &netmail.Address{Name: a.Name, Address: onWire(a.Address)}
}

func netAddresses(list []mail.Address) []*netmail.Address {
	converted := make([]*netmail.Address, 0, len(list))
	for _, a := range list {
		converted = append(converted, netAddress(a))
	}
	return converted
}
