package imap

import (
	"context"
	"time"

	"github.com/emersion/go-imap/v2"
)

// known is what makes news of a folder news: how it was when Next had read it to its end.
type known struct {
	validity uint32
	next     UID    // what is numbered from here on is new
	messages uint32 // where the server does not tell UIDNEXT, another number is the sign of something new
	cursor   string // that Next returned
	searched time.Time
}

// news reports whether a folder shows what Next has not seen.
func (a *Account) news(folder string, validity uint32, next UID, messages *uint32) bool {
	before, read := a.known[folder]
	switch {
	case !read || validity != 0 && validity != before.validity:
		return true
	case next != 0:
		return next > before.next
	}
	return messages != nil && *messages != before.messages
}

// Wait blocks until there may be something new in any of the folders, and at most for the longer of Config.IdleRestart and
// Config.PollInterval, so that every folder is searched that often whatever the server announces. The first folder is followed by IDLE (RFC 2177), the others by STATUS
// every Config.PollInterval; without IDLE the first is polled like them.
func (a *Account) Wait(ctx context.Context) error {
	first := a.folders[0]
	until := time.Now().Add(a.longest())
	for {
		again := a.s.folder != first || a.s.status.UIDValidity == 0
		status, err := a.enter(ctx, first)
		if err != nil {
			return err
		}
		if again && a.news(first, status.UIDValidity, status.UIDNext, &status.Messages) {
			return nil
		}
		lasting := min(a.s.quietTime(), time.Until(until))
		if len(a.folders) > 1 {
			lasting = min(lasting, time.Until(a.polled.Add(a.s.cfg.PollInterval)))
		}
		why, err := a.s.wait(ctx, max(lasting, 0))
		if err != nil || why == WhyChanged {
			return err
		}
		if found, err := a.s.behind(ctx, a.known[first].next); err != nil || found {
			return err
		}
		if news, err := a.poll(ctx); err != nil || news {
			return err
		}
		if !time.Now().Before(until) {
			return nil
		}
	}
}

// poll asks for the folders that are not selected, when their time has come.
func (a *Account) poll(ctx context.Context) (news bool, err error) {
	if len(a.folders) == 1 || time.Since(a.polled) < a.s.cfg.PollInterval {
		return false, nil
	}
	a.polled = time.Now()
	for _, folder := range a.folders[1:] {
		if changed, err := a.changed(ctx, folder); err != nil || changed {
			return changed, err
		}
	}
	return false, nil
}

// changed reports whether STATUS (RFC 9051, section 6.3.11) shows what Next has not seen.
func (a *Account) changed(ctx context.Context, folder string) (bool, error) {
	var data *imap.StatusData
	err := a.s.do(ctx, "ask for the status of "+folder, func(*watchdog) (err error) {
		data, err = a.s.client.Status(folder, &imap.StatusOptions{UIDNext: true, UIDValidity: true, NumMessages: true}).Wait()
		return err
	})
	if _, refused := isNo(err); refused {
		return true, nil // Next says what is wrong with it
	}
	if err != nil {
		return false, err
	}
	// Without a name the server answered for another spelling of the folder, and nothing is known.
	return data.Mailbox == "" || a.news(folder, data.UIDValidity, data.UIDNext, data.NumMessages), nil
}

// quiet reports whether a folder that is not selected is as Next left it. That keeps a busy folder from having all others selected
// with each of its mails. STATUS is believed for as long as Wait may last; then the folder is searched whatever it says.
func (a *Account) quiet(ctx context.Context, folder, cursor string) (bool, error) {
	before, read := a.known[folder]
	if !read || before.cursor != cursor || a.s.folder == folder || time.Since(before.searched) >= a.longest() {
		return false, nil
	}
	changed, err := a.changed(ctx, folder)
	return err == nil && !changed, err
}

// longest is how long Wait lasts without news.
func (a *Account) longest() time.Duration { return max(a.s.cfg.IdleRestart, a.s.cfg.PollInterval) }
