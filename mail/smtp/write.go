package smtp

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/emersion/go-msgauth/dkim"
)

// measure reads the mail once before it is sent: a server is told its size, and a signature stands before what it signs. options are nil
// for a mail that is not signed. The error is of an attachment, or of the signature.
func (c *composed) measure(options *dkim.SignOptions) error {
	g := &gauge{w: io.Discard}
	var signer *dkim.Signer
	if options != nil {
		var err error
		if signer, err = dkim.NewSigner(options); err != nil {
			return fmt.Errorf("sign the mail: %w", err)
		}
		g.w = signer
	}
	readErr, writeErr := c.write(g)
	if signer != nil {
		// What the library has begun must end, whatever has gone wrong.
		if err := signer.Close(); readErr == nil && (err != nil || writeErr != nil) {
			return fmt.Errorf("sign the mail: %w", errors.Join(err, writeErr))
		}
	}
	if readErr != nil {
		return readErr
	}
	if signer != nil {
		c.signature = signer.Signature()
	}
	fields, _, _ := bytes.Cut(c.text, []byte("\r\n\r\n"))
	c.size, c.sum, c.eightBit, c.international = g.size+int64(len(c.signature)), g.sum, g.eightBit, !ascii(string(fields))
	return nil
}

// gauge takes the measures of what goes through.
type gauge struct {
	w        io.Writer
	size     int64
	sum      uint32
	eightBit bool
}

// Write implements io.Writer.
func (g *gauge) Write(p []byte) (int, error) {
	g.size += int64(len(p))
	g.sum = crc32.Update(g.sum, crc32.IEEETable, p)
	g.eightBit = g.eightBit || slices.ContainsFunc(p, func(b byte) bool { return b >= 0x80 })
	return g.w.Write(p)
}

// writeTo writes the mail that has been measured.
func (c *composed) writeTo(w io.Writer) (readErr, writeErr error) {
	if _, err := io.WriteString(w, c.signature); err != nil {
		return nil, err
	}
	g := &gauge{w: w}
	readErr, writeErr = c.write(g)
	if readErr == nil && writeErr == nil && g.sum != c.sum {
		readErr = errors.New("an attachment has changed while it was being sent")
	}
	return readErr, writeErr
}

// write writes the mail with its attachments. A failure to read one is told apart from a failure of w.
func (c *composed) write(w io.Writer) (readErr, writeErr error) {
	rest := c.text
	for i, marker := range c.markers {
		before, after, _ := bytes.Cut(rest, marker)
		if _, err := w.Write(before); err != nil {
			return nil, err
		}
		if readErr, writeErr := writeAttachment(w, c.attachments[i]); readErr != nil || writeErr != nil {
			return readErr, writeErr
		}
		rest = after
	}
	_, err := w.Write(rest)
	return nil, err
}

func writeAttachment(w io.Writer, a Attachment) (readErr, writeErr error) {
	content := io.NopCloser(bytes.NewReader(a.Content))
	if a.Open != nil {
		var err error
		if content, err = a.Open(); err != nil {
			return fmt.Errorf("open attachment %q: %w", a.Name, err), nil
		}
	}
	defer func() { _ = content.Close() }()
	const width = 57 // bytes that make a line of 76 characters
	raw := make([]byte, 512*width)
	var encoded []byte
	for {
		n, err := io.ReadFull(content, raw)
		encoded = encoded[:0]
		for line := range slices.Chunk(raw[:n], width) {
			encoded = append(base64.StdEncoding.AppendEncode(encoded, line), "\r\n"...)
		}
		if _, writeErr := w.Write(encoded); writeErr != nil {
			return nil, writeErr
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil, nil
		}
		if err != nil {
			return fmt.Errorf("read attachment %q: %w", a.Name, err), nil
		}
	}
}
