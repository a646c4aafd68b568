package imap

import (
	"context"
	"errors"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/waybill-io/waybill/mail"
)

// recheckAfter bounds how late a mail is found that came between a search and the confirmation of IDLE and that the
// server did not announce.
const recheckAfter = 2 * time.Second

// Why is the reason for which Wait returned.
type Why string

// The reasons. Whichever it is, Next tells what there is.
const (
	WhyChanged Why = "changed" // the server announced something
	WhyRestart Why = "restart" // IDLE was ended and proved alive
	WhyPoll    Why = "poll"    // the poll interval passed, on a server without IDLE
)

// Wait blocks until it is worth calling Next. It returns at once when something was announced since the last Next.
// When ctx ends the connection is closed.
func (s *Session) Wait(ctx context.Context) (Why, error) { return s.wait(ctx, s.quietTime()) }

// quietTime is the longest that a Wait lasts without news.
func (s *Session) quietTime() time.Duration {
	if s.status.Idle {
		return s.cfg.IdleRestart
	}
	return s.cfg.PollInterval
}

func (s *Session) wait(ctx context.Context, lasting time.Duration) (Why, error) {
	select {
	case <-s.changed:
		return WhyChanged, nil
	default:
	}
	if !s.status.Idle {
		changed, err := s.pause(ctx, lasting)
		return s.proved(ctx, WhyPoll, changed, err)
	}

	idle, err := s.idle(ctx)
	if err != nil {
		return "", err
	}
	if s.recheck {
		lasting = min(lasting, recheckAfter)
	}
	changed, err := s.pause(ctx, lasting)
	if err == nil {
		s.recheck = changed
		err = s.do(ctx, "end IDLE", func(*watchdog) error { return errors.Join(idle.Close(), idle.Wait()) })
	}
	return s.proved(ctx, WhyRestart, changed, err)
}

// idle returns when the server has confirmed, from when on it announces.
func (s *Session) idle(ctx context.Context) (*imapclient.IdleCommand, error) {
	var command *imapclient.IdleCommand
	err := s.do(ctx, "start IDLE", func(*watchdog) (err error) {
		command, err = s.client.Idle()
		return err
	})
	return command, err
}

// pause sleeps until a change is announced, which it reports, or the time has passed.
func (s *Session) pause(ctx context.Context, d time.Duration) (changed bool, err error) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-s.changed:
		return true, nil
	case <-timer.C:
		return false, nil
	case <-ctx.Done():
		_ = s.Close()
		return false, &Error{mail.KindNetwork, "wait for mail", ctx.Err()}
	case <-s.client.Closed():
		err := s.client.Close() // tells why the read loop ended, when it knows
		if err == nil || s.conn.err() != nil {
			err = errors.New("the server closed the connection")
		}
		return false, s.failed("wait for mail", err, false)
	}
}

// proved has the server answer a NOOP, unless an announcement has just proved that it is alive.
func (s *Session) proved(ctx context.Context, why Why, changed bool, err error) (Why, error) {
	if err != nil {
		return "", err
	}
	if changed {
		return WhyChanged, nil
	}
	if err := s.do(ctx, "send NOOP", func(*watchdog) error { return s.client.Noop().Wait() }); err != nil {
		return "", err
	}
	return why, nil
}
