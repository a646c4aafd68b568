package ewsserver

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	_ "github.com/emersion/go-message/charset" // texts in other charsets than UTF-8
	"github.com/emersion/go-message/mail"
)

// header is what Exchange shows as properties of a mail.
type header struct {
	subject, messageID, from, fromName, text string
	inReplyTo, references                    string
	to, cc                                   []string
	date                                     time.Time
}

func readHeader(raw []byte) header {
	reader, err := mail.CreateReader(bytes.NewReader(raw))
	if reader == nil || err != nil {
		return header{}
	}
	defer func() { _ = reader.Close() }()
	h := header{
		messageID:  reader.Header.Get("Message-Id"),
		inReplyTo:  reader.Header.Get("In-Reply-To"),
		references: reader.Header.Get("References"),
	}
	h.subject, _ = reader.Header.Subject()
	h.date, _ = reader.Header.Date()
	if from, err := reader.Header.AddressList("From"); err == nil && len(from) > 0 {
		h.from, h.fromName = from[0].Address, from[0].Name
	}
	h.to, h.cc = addresses(reader.Header, "To"), addresses(reader.Header, "Cc")
	for {
		part, err := reader.NextPart()
		if err != nil {
			return h
		}
		if inline, ok := part.Header.(*mail.InlineHeader); ok {
			if kind, _, _ := inline.ContentType(); h.text == "" && kind == "text/plain" {
				text, _ := io.ReadAll(part.Body)
				h.text = string(text)
			}
		}
	}
}

func addresses(h mail.Header, field string) (texts []string) {
	list, _ := h.AddressList(field)
	for _, a := range list {
		texts = append(texts, a.Address)
	}
	return texts
}

// compose makes the MIME of a message that a client gave as properties.
func (s *Server) compose(sender string, message *node) ([]byte, error) {
	var h mail.Header
	h.SetDate(time.Now())
	h.SetSubject(message.value("Subject"))
	h.SetAddressList("From", []*mail.Address{{Address: sender}})
	for element, field := range map[string]string{"ToRecipients": "To", "CcRecipients": "Cc"} {
		var list []*mail.Address
		for _, box := range message.at(element).children() {
			list = append(list, &mail.Address{Name: box.value("Name"), Address: box.value("EmailAddress")})
		}
		h.SetAddressList(field, list)
	}
	h.Set("Message-Id", fmt.Sprintf("<%d.%d@ewsserver>", s.serial, time.Now().UnixNano()))
	kind := "text/plain"
	if body := message.at("Body"); body != nil && strings.EqualFold(body.attr("BodyType"), "HTML") {
		kind = "text/html"
	}
	h.SetContentType(kind, map[string]string{"charset": "utf-8"})
	var raw bytes.Buffer
	w, err := mail.CreateSingleInlineWriter(&raw, h)
	if err != nil {
		return nil, err
	}
	_, err = io.WriteString(w, message.value("Body"))
	return raw.Bytes(), errors.Join(err, w.Close())
}
