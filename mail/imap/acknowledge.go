package imap

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/emersion/go-imap/v2"

	"github.com/waybill-io/waybill/mail"
)

// Ack is what is done to messages that were handled. A keyword holds letters, digits, $ . _ and -, and is skipped where
// the folder keeps no keywords.
type Ack = mail.Ack

var keyword = regexp.MustCompile(`^[A-Za-z0-9$._-]+$`)

// Acknowledge is idempotent: messages that are gone are passed over, and a call that was cut off in the middle may be
// repeated. On a server without UIDPLUS a deleted or moved message stays, flagged \Deleted, because a plain EXPUNGE
// would remove what others flagged.
func (s *Session) Acknowledge(ctx context.Context, uids []UID, ack Ack) error {
	if len(uids) == 0 {
		return nil
	}
	if ack.Keyword != "" && !keyword.MatchString(ack.Keyword) {
		return fmt.Errorf("imap: keyword %q may hold only letters, digits and $ . _ -", ack.Keyword)
	}
	set := imap.UIDSetNum(uids...)
	var flags []imap.Flag
	if ack.Seen {
		flags = append(flags, imap.FlagSeen)
	}
	if ack.Keyword != "" && s.permitted(imap.Flag(ack.Keyword)) {
		flags = append(flags, imap.Flag(ack.Keyword))
	}
	if len(flags) > 0 {
		if err := s.store(ctx, set, flags); err != nil {
			return err
		}
	}
	if ack.MoveTo == "" && !ack.Delete {
		return nil
	}
	left, err := s.search(ctx, &imap.SearchCriteria{UID: []imap.UIDSet{set}}, len(uids))
	if err != nil || len(left) == 0 {
		return err
	}
	if ack.MoveTo != "" {
		return s.move(ctx, left, ack.MoveTo)
	}
	return s.remove(ctx, imap.UIDSetNum(left...))
}

func (s *Session) permitted(flag imap.Flag) bool {
	return s.status.Keywords || slices.Contains(s.status.permanentFlags, flag)
}

func (s *Session) store(ctx context.Context, set imap.UIDSet, flags []imap.Flag) error {
	return s.do(ctx, fmt.Sprintf("flag messages %s", set), func(*watchdog) error {
		return s.client.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: flags}, nil).Close()
	})
}

// remove deletes exactly these messages.
func (s *Session) remove(ctx context.Context, set imap.UIDSet) error {
	if err := s.store(ctx, set, []imap.Flag{imap.FlagDeleted}); err != nil || !s.status.UIDPlus {
		return err
	}
	return s.do(ctx, fmt.Sprintf("expunge messages %s", set), func(*watchdog) error {
		return s.client.UIDExpunge(set).Close()
	})
}

func (s *Session) move(ctx context.Context, uids []UID, folder string) error {
	set := imap.UIDSetNum(uids...)
	op := fmt.Sprintf("move messages %s to %s", set, folder)
	if s.status.Move {
		return s.into(ctx, folder, op, func(*watchdog) error {
			_, err := s.client.Move(set, folder).Wait()
			return err
		})
	}
	// COPY, then \Deleted, then UID EXPUNGE. What is flagged \Deleted already was copied by a call that was cut off.
	pending, err := s.search(ctx, &imap.SearchCriteria{UID: []imap.UIDSet{set}, NotFlag: []imap.Flag{imap.FlagDeleted}}, len(uids))
	if err != nil {
		return err
	}
	if len(pending) > 0 {
		err := s.into(ctx, folder, op, func(*watchdog) error {
			_, err := s.client.Copy(imap.UIDSetNum(pending...), folder).Wait()
			return err
		})
		if err != nil {
			return err
		}
	}
	return s.remove(ctx, set)
}

// into runs a command that needs the folder, and when that is refused creates it and runs the command again. Not the
// other way round: some servers (Gmail) let no client create folders.
func (s *Session) into(ctx context.Context, folder, op string, command func(*watchdog) error) error {
	err := s.do(ctx, op, command)
	if _, refused := isNo(err); !refused {
		return err
	}
	created := s.do(ctx, "create folder "+folder, func(*watchdog) error { return s.client.Create(folder, nil).Wait() })
	if answer, refused := isNo(created); refused {
		if answer.Code == imap.ResponseCodeAlreadyExists {
			return err
		}
		return errors.Join(err, created)
	} else if created != nil {
		return created
	}
	return s.do(ctx, op, command)
}
