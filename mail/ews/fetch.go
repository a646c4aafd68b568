package ews

import (
	"context"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/waybill-io/waybill/mail"
)

type getItem struct {
	XMLName xml.Name `xml:"m:GetItem"`
	Shape   shape    `xml:"m:ItemShape"`
	IDs     refs     `xml:"m:ItemIds"`
}

// unconvertible are the codes of a mail that the server cannot turn into MIME.
var unconvertible = map[string]bool{
	"ErrorMimeContentConversionFailed": true,
	"ErrorContentConversionFailed":     true,
	"ErrorUnsupportedMimeConversion":   true,
	"ErrorMimeContentInvalid":          true,
	"ErrorItemCorrupt":                 true,
	"ErrorCorruptData":                 true,
}

// tooLarge are the codes of a mail that is larger than the server hands out.
var tooLarge = map[string]bool{"ErrorMessageSizeExceeded": true, "ErrorDataSizeLimitExceeded": true}

// Fetch writes the raw message to w and returns its size. It does not mark the mail as read. A limit of 0 means
// Config.MaxMessageBytes. The error is mail.ErrGone when the mail has vanished, mail.ErrTooLarge when it is larger than
// limit (w got up to limit bytes of it, which must be thrown away), the error of w when that failed, else *Error.
//
// A mail that Exchange cannot convert to MIME is made of its properties, without attachments; the header
// X-Waybill-Incomplete tells it.
func (a *Account) Fetch(ctx context.Context, folder, id string, w io.Writer, limit int64) (int64, error) {
	if limit <= 0 {
		limit = a.cfg.MaxMessageBytes
	}
	op := fmt.Sprintf("fetch mail %s of %s", short(id), folder)
	n, err := a.fetchMIME(ctx, op, id, w, limit)
	code := codeOf(err)
	switch {
	case code == errItemNotFound:
		return 0, fmt.Errorf("ews: %s: %w", op, mail.ErrGone)
	case tooLarge[code]:
		return 0, fmt.Errorf("ews: %s: %w (the server says %s)", op, mail.ErrTooLarge, code)
	case unconvertible[code]:
		return a.fetchProperties(ctx, op, id, code, w, limit)
	}
	return n, err
}

func (a *Account) fetchMIME(ctx context.Context, op, id string, w io.Writer, limit int64) (int64, error) {
	request := getItem{Shape: shape{Base: "IdOnly", MIME: "true"}, IDs: refs{[]*ref{itemID(id)}}}
	answer, err := a.post(ctx, a.requests, op, request, a.cfg.RequestTimeout)
	if err != nil {
		return 0, err
	}
	defer answer.Close()
	bytes := newSource(answer, maxAnswerBytes)
	decoder := bytes.decoder()
	start, err := next(decoder, "GetItemResponseMessage")
	if err != nil {
		return 0, answer.broken(op, fmt.Errorf("read the answer: %w", err))
	}
	told := status{}
	for _, attribute := range start.Attr {
		if attribute.Name.Local == "ResponseClass" {
			told.Class = attribute.Value
		}
	}
	for {
		token, err := decoder.Token()
		if err != nil {
			return 0, answer.broken(op, fmt.Errorf("read the answer: %w", err))
		}
		switch token := token.(type) {
		case xml.StartElement:
			switch token.Name.Local {
			case "ResponseCode":
				err = decoder.DecodeElement(&told.Code, &token)
			case "MessageText":
				err = decoder.DecodeElement(&told.Text, &token)
			case "Value":
				var v value
				err = decoder.DecodeElement(&v, &token)
				told.Values = append(told.Values, v)
			case "MimeContent":
				if bytes.selfClosed() {
					continue
				}
				n, err := copyContent(w, &content{s: bytes, budget: 2*limit + 64<<10}, limit)
				switch {
				case errors.Is(err, mail.ErrTooLarge):
					return n, fmt.Errorf("ews: %s: %w (limit %d)", op, mail.ErrTooLarge, limit)
				case errors.Is(err, errStore):
					return n, fmt.Errorf("ews: %s: %w", op, err)
				case err != nil:
					return n, answer.broken(op, fmt.Errorf("read the content: %w", err))
				}
				_, _ = io.CopyN(io.Discard, bytes.r, 64<<10)
				return n, nil
			}
			if err != nil {
				return 0, answer.broken(op, fmt.Errorf("read the answer: %w", err))
			}
		case xml.EndElement:
			if token.Name.Local != "GetItemResponseMessage" {
				continue
			}
			_, _ = io.CopyN(io.Discard, bytes.r, 64<<10)
			if failure := told.failure(op); failure != nil {
				return 0, a.refusal(failure)
			}
			// Calendar items, which come into a folder of mail too, have no MIME.
			return 0, &Error{Kind: mail.KindProtocol, Op: op, Code: "ErrorUnsupportedMimeConversion", Err: errors.New("the answer holds no content")}
		}
	}
}

var (
	errStore     = errors.New("store the mail")
	errNotBase64 = errors.New("the content is not base64")
)

// copyContent decodes base64 as it comes.
func copyContent(w io.Writer, from io.Reader, limit int64) (n int64, err error) {
	decoded := base64.NewDecoder(base64.StdEncoding, from)
	buffer := make([]byte, 32<<10)
	for {
		got, err := decoded.Read(buffer)
		fits := min(int64(got), limit-n)
		if fits > 0 {
			written, err := w.Write(buffer[:fits])
			n += int64(written)
			if err != nil {
				return n, fmt.Errorf("%w: %w", errStore, err)
			}
		}
		switch {
		case int64(got) > fits:
			return n, mail.ErrTooLarge
		case err == io.EOF:
			return n, nil
		case err != nil:
			return n, err
		}
	}
}

// content is the text of the element whose start was just read. The decoder would hold all of it in memory.
type content struct {
	s      *source
	budget int64 // white space counts too
	padded bool  // the last bytes have come; the decoder would overlook others
}

func (c *content) Read(p []byte) (int, error) {
	for {
		if _, err := c.s.r.Peek(1); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
		buffered, _ := c.s.r.Peek(min(c.s.r.Buffered(), len(p)))
		n, used, end := 0, 0, false
	scan:
		for _, b := range buffered {
			switch b {
			case '<':
				end = true
				break scan
			case '&':
				break scan
			case ' ', '\t', '\r', '\n':
			default:
				if c.padded && b != '=' {
					return 0, errNotBase64
				}
				c.padded = b == '='
				p[n] = b
				n++
			}
			used++
		}
		_, _ = c.s.r.Discard(used)
		if c.budget -= int64(used); c.budget < 0 {
			return 0, mail.ErrTooLarge
		}
		switch {
		case n > 0:
			return n, nil
		case end:
			if after, err := c.s.r.Peek(2); err != nil || after[1] != '/' {
				return 0, errNotBase64
			}
			return 0, io.EOF
		case used == 0:
			if err := c.lineEnd(); err != nil {
				return 0, err
			}
		}
	}
}

// lineEnd passes over a line end that was written as a reference, the only one that base64 has room for.
func (c *content) lineEnd() error {
	for _, reference := range []string{"&#xD;", "&#xA;", "&#13;", "&#10;", "&#xd;", "&#xa;"} {
		if ahead, err := c.s.r.Peek(len(reference)); err == nil && string(ahead) == reference {
			c.budget -= int64(len(reference))
			_, err = c.s.r.Discard(len(reference))
			return err
		}
	}
	return errNotBase64
}

// short makes an id, of which only the end differs much, fit for a log.
func short(id string) string {
	if id = strings.TrimRight(id, "="); len(id) > 12 {
		return "…" + id[len(id)-12:]
	}
	return id
}
