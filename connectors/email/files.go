package email

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/mail/smtp"
)

// fileError is a file that could not be read. It travels through the transport when an attachment breaks off.
type fileError struct {
	name string
	err  error
}

var errTooLarge = errors.New("larger than allowed")

func (e *fileError) Error() string { return fmt.Sprintf("reading %s: %v", e.name, e.err) }
func (e *fileError) Unwrap() error { return e.err }

// classify: what is not there will not come, anything else may.
func (e *fileError) classify(code, input string) error {
	failure := &connectors.Error{Kind: connectors.Retryable, Code: code, Public: input + " " + e.name + " cannot be read now", Err: e}
	switch {
	case errors.Is(e, fs.ErrNotExist):
		failure.Kind, failure.Public = connectors.BPMN, input+" "+e.name+" does not exist"
	case errors.Is(e, errTooLarge):
		failure.Kind, failure.Public = connectors.BPMN, input+" "+e.name+" is too large"
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
	content, err := io.ReadAll(&bounded{ReadCloser: r, name: file.Name, left: &limit})
	if failed := (*fileError)(nil); errors.As(err, &failed) {
		return nil, failed
	}
	return content, nil
}

// attachments open their files one after the other while the mail is written, so that none is held in memory. They
// share one limit.
func (c *Connector) attachments(ctx context.Context, files []connectors.File) []smtp.Attachment {
	left := int64(maxAttachments)
	var attachments []smtp.Attachment
	for _, file := range files {
		mediaType := file.MediaType // of received mail this may be anything
		if _, _, err := mime.ParseMediaType(mediaType); err != nil {
			mediaType = ""
		}
		attachments = append(attachments, smtp.Attachment{Name: file.Name, ContentType: mediaType, Open: func() (io.ReadCloser, error) {
			r, err := file.Open(ctx, c.files)
			if err != nil {
				return nil, &fileError{file.Name, err}
			}
			return &bounded{ReadCloser: r, name: file.Name, left: &left}, nil
		}})
	}
	return attachments
}

// bounded fails with a *fileError once more than left bytes have been read.
type bounded struct {
	io.ReadCloser
	name string
	left *int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if *b.left -= int64(n); *b.left < 0 {
		return 0, &fileError{b.name, errTooLarge}
	}
	if err != nil && err != io.EOF {
		err = &fileError{b.name, err}
	}
	return n, err
}
