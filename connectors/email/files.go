package email

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"path"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/mail/smtp"
)

// fileError is a file that could not be read. It travels through the transport when an attachment breaks off.
type fileError struct {
	name string
	err  error
}

var errTooLarge = errors.New("larger than allowed")

func (e *fileError) Error() string { return fmt.Sprintf("reading %q: %v", e.name, e.err) }
func (e *fileError) Unwrap() error { return e.err }

// classify: what is not there will not come, anything else may.
func (e *fileError) classify(code, input string) error {
	what := fmt.Sprintf("%s %q", input, e.name) // which may be a stranger's
	failure := &connectors.Error{Kind: connectors.Retryable, Code: code, Public: what + " cannot be read now", Err: e}
	switch {
	case errors.Is(e, fs.ErrNotExist):
		failure.Kind, failure.Public = connectors.BPMN, what+" does not exist"
	case errors.Is(e, errTooLarge):
		failure.Kind, failure.Public = connectors.BPMN, what+" is too large"
	}
	return failure
}

// read reads a whole file of at most limit bytes.
func (c *Connector) read(ctx context.Context, file connectors.File, limit int64) ([]byte, *fileError) {
	r, err := file.Open(ctx, c.files)
	if err != nil {
		return nil, &fileError{file.Name, err}
	}
	defer func() { _ = r.Close() }()
	content, err := io.ReadAll(&bounded{ReadCloser: r, name: file.Name, add: func(n int) bool { limit -= int64(n); return limit >= 0 }})
	if failed := (*fileError)(nil); errors.As(err, &failed) {
		return nil, failed
	}
	return content, nil
}

// parts open the inline and the attached files one after the other while the mail is written, so that none is held in memory. They share
// one limit, of which a file takes its share however often it is read.
func (c *Connector) parts(ctx context.Context, inline, attached []connectors.File) (shown, attachments []smtp.Attachment) {
	left := int64(maxAttachments)
	part := func(file connectors.File) smtp.Attachment {
		taken := int64(0)
		add := func(n int) bool {
			taken, left = taken+int64(n), left-int64(n)
			return left >= 0
		}
		mediaType := file.MediaType // of received mail this may be anything
		if _, _, err := mime.ParseMediaType(mediaType); err != nil {
			mediaType = ""
		}
		return smtp.Attachment{Name: file.Name, ContentType: mediaType, Open: func() (io.ReadCloser, error) {
			r, err := file.Open(ctx, c.files)
			if err != nil {
				return nil, &fileError{file.Name, err}
			}
			left, taken = left+taken, 0
			return &bounded{ReadCloser: r, name: file.Name, add: add}, nil
		}}
	}
	for _, file := range inline {
		p := part(file)
		if p.ContentType == "" { // what has no type of an image is not shown
			p.ContentType = mime.TypeByExtension(path.Ext(file.Name))
		}
		shown = append(shown, p)
	}
	for _, file := range attached {
		attachments = append(attachments, part(file))
	}
	return shown, attachments
}

// bounded fails with a *fileError once add says that it is too much.
type bounded struct {
	io.ReadCloser
	name string
	add  func(n int) (within bool)
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if !b.add(n) {
		return 0, &fileError{b.name, errTooLarge}
	}
	if err != nil && err != io.EOF {
		err = &fileError{b.name, err}
	}
	return n, err
}
