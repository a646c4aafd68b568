package imap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/waybill-io/waybill/mail"
)

// maxPartial bounds a size on the wire, which is a 32-bit number.
const maxPartial = math.MaxUint32

// Fetch writes the raw message to w and returns its size. It does not set \Seen. A limit of 0 means
// Config.MaxMessageBytes. The error is ErrGone when the message has vanished, ErrTooLarge when it is larger than
// limit (not downloaded; where the server understated the size, cut after limit+1 bytes, so what w got must be thrown
// away), the error of w when that failed, else *Error.
func (s *Session) Fetch(ctx context.Context, uid UID, w io.Writer, limit int64) (int64, error) {
	if limit <= 0 {
		limit = s.cfg.MaxMessageBytes
	}
	limit = min(limit, maxPartial-1)
	size, known := s.sizes[uid]
	if !known {
		found, err := s.envelopes(ctx, imap.UIDSetNum(uid))
		if err != nil {
			return 0, err
		}
		envelope, there := found[uid]
		if !there {
			return 0, s.missing(ctx, uid, nil)
		}
		size = envelope.Size
	}
	if size > limit {
		return 0, fmt.Errorf("imap: fetch message %d: %w (%d bytes, limit %d)", uid, ErrTooLarge, size, limit)
	}

	out := &sink{w: w, limit: limit}
	there := false
	err := s.do(ctx, fmt.Sprintf("fetch message %d", uid), func(dog *watchdog) error {
		out.dog = dog
		command := s.client.Fetch(imap.UIDSetNum(uid), &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{
			{Peek: true, Partial: &imap.SectionPartial{Size: limit + 1}},
		}})
		for message := command.Next(); message != nil; message = command.Next() {
			for item := message.Next(); item != nil; item = message.Next() {
				body, ok := item.(imapclient.FetchItemDataBodySection)
				if !ok || body.Literal == nil || there {
					continue
				}
				there = true
				// The literal is read to its end whatever happens: the library reads nothing else before.
				_, err := io.Copy(out, body.Literal)
				if err == nil && out.n != body.Literal.Size() {
					err = io.ErrUnexpectedEOF
				}
				if err != nil {
					// The connection is at its end. Next and Close would read the literal again, together with the
					// library's read loop.
					return errors.Join(err, s.Close())
				}
			}
		}
		return command.Close()
	})
	if _, refused := isNo(err); refused || err == nil && !there {
		return 0, s.missing(ctx, uid, err)
	}
	switch {
	case err != nil:
		return out.n, err
	case out.n > limit:
		return out.n, fmt.Errorf("imap: fetch message %d: %w (more than the %d bytes that the server told, limit %d)", uid, ErrTooLarge, size, limit)
	case out.err != nil:
		return out.n, fmt.Errorf("store message %d: %w", uid, out.err)
	}
	return out.n, nil
}

// missing tells a message that has vanished, which the caller gives up, from one that the server did not hand out this
// time.
func (s *Session) missing(ctx context.Context, uid UID, cause error) error {
	left, err := s.search(ctx, &imap.SearchCriteria{UID: []imap.UIDSet{imap.UIDSetNum(uid)}}, 1)
	switch {
	case err != nil:
		return err
	case len(left) == 0:
		return fmt.Errorf("imap: fetch message %d: %w", uid, ErrGone)
	case cause != nil:
		return cause
	}
	return &Error{mail.KindProtocol, fmt.Sprintf("fetch message %d", uid), errors.New("the message is there but the server did not send it")}
}

// sink passes the message on and never fails, so that the literal is drained when the writer behind it does.
type sink struct {
	w     io.Writer
	dog   *watchdog
	limit int64
	n     int64
	err   error
}

func (s *sink) Write(p []byte) (int, error) {
	s.n += int64(len(p))
	if s.err == nil && s.n <= s.limit+1 {
		s.dog.pause()
		_, s.err = s.w.Write(p)
	}
	s.dog.feed()
	return len(p), nil
}
