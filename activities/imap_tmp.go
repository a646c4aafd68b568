package activities

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/imap"
)

type tmpAccount struct {
	s      *imap.Session
	status imap.Status
}

func openTmp(ctx context.Context, c imap.Config, folders []string) (*tmpAccount, error) {
	c.Folder = folders[0]
	s, err := imap.Dial(ctx, c)
	if err != nil {
		return nil, err
	}
	st, err := s.Select(ctx)
	if err != nil {
		s.Close()
		return nil, err
	}
	return &tmpAccount{s, st}, nil
}

func (a *tmpAccount) Next(ctx context.Context, folder string, p mail.Position, max int) (mail.Batch, error) {
	var validity, uid, rescan uint32
	fmt.Sscanf(p.Cursor, "%d:%d:%d", &validity, &uid, &rescan)
	cur := func() string { return fmt.Sprintf("%d:%d:%d", a.status.UIDValidity, uid, rescan) }
	if p.Cursor == "" {
		low, high := imap.UID(0), a.status.UIDNext-1
		if p.Since.IsZero() || a.status.UIDNext == 0 {
			high = 0
		}
		for low < high {
			middle := low + (high-low)/2
			next, err := a.s.Next(ctx, middle, 1)
			if err != nil {
				return mail.Batch{}, err
			}
			if len(next) == 0 || next[0].UID > high || !next[0].InternalDate.Before(p.Since.Add(-2*time.Minute)) {
				high = middle
			} else {
				low = next[0].UID
			}
		}
		uid = uint32(low)
		return mail.Batch{Cursor: cur()}, nil
	}
	if validity != a.status.UIDValidity {
		uid, rescan = 0, uint32(a.status.UIDNext)-1
		return mail.Batch{Cursor: cur(), Lost: true}, nil
	}
	found, err := a.s.Next(ctx, imap.UID(uid), max)
	if err != nil {
		return mail.Batch{}, err
	}
	b := mail.Batch{}
	for _, e := range found {
		uid = uint32(e.UID)
		b.Items = append(b.Items, mail.Item{ID: fmt.Sprintf("%d-%d", validity, uid), Size: e.Size, Arrived: e.InternalDate,
			Old: uid <= rescan && e.InternalDate.Before(p.HighWater.Add(-24*time.Hour))})
	}
	b.Cursor = cur()
	return b, nil
}
func (a *tmpAccount) Wait(ctx context.Context) error { _, err := a.s.Wait(ctx); return err }
func uidOf(id string) imap.UID {
	_, t, _ := strings.Cut(id, "-")
	n, _ := strconv.ParseUint(t, 10, 32)
	return imap.UID(n)
}
func (a *tmpAccount) Fetch(ctx context.Context, folder, id string, w io.Writer, limit int64) (int64, error) {
	return a.s.Fetch(ctx, uidOf(id), w, limit)
}
func (a *tmpAccount) Acknowledge(ctx context.Context, folder string, ids []string, ack mail.Ack) error {
	var l []imap.UID
	for _, id := range ids {
		l = append(l, uidOf(id))
	}
	return a.s.Acknowledge(ctx, l, imap.Ack{Seen: ack.Seen, Keyword: ack.Keyword, MoveTo: ack.MoveTo, Delete: ack.Delete})
}
func (a *tmpAccount) LastAlive() time.Time { return a.s.LastAlive() }
func (a *tmpAccount) Pushes() bool         { return a.status.Idle }
func (a *tmpAccount) Close() error         { return a.s.Close() }
