package imap

import (
	"context"
	"math"
	"time"

	"github.com/emersion/go-imap/v2"
)

// window is the first range that Next searches. It keeps the answer small while a backlog is worked off.
const window = 1024

// Envelope is what is known of a message without its content.
type Envelope struct {
	UID          UID       `json:"uid"`
	Size         int64     `json:"size"` // as told; some servers only estimate
	InternalDate time.Time `json:"internalDate"`
	Flags        []string  `json:"flags,omitempty"`
}

// Next returns the messages with a UID above after, ascending, at most max. When it returns max of them there may
// be more, and Wait returns at once.
func (s *Session) Next(ctx context.Context, after UID, max int) ([]Envelope, error) {
	select { // what was announced until here is seen by the search
	case <-s.changed:
	default:
	}
	if after == math.MaxUint32 || max <= 0 {
		return nil, nil
	}
	first, edge := after+1, after
	if edge < math.MaxUint32-window {
		edge += window
	} else {
		edge = math.MaxUint32
	}
	// Closed ranges: "n:*" also answers with the last message when that is older than n.
	uids, err := s.search(ctx, &imap.SearchCriteria{UID: []imap.UIDSet{between(first, edge)}}, max)
	if err == nil && len(uids) == 0 && edge < math.MaxUint32 {
		uids, err = s.search(ctx, &imap.SearchCriteria{UID: []imap.UIDSet{between(edge+1, math.MaxUint32)}}, max)
	}
	if err != nil || len(uids) == 0 {
		return nil, err
	}
	found, err := s.envelopes(ctx, imap.UIDSetNum(uids...))
	if err != nil {
		return nil, err
	}
	if len(found) < len(uids) {
		// Gone meanwhile, or the library took another client's flag change for the answer. Only a search tells.
		still, err := s.search(ctx, &imap.SearchCriteria{UID: []imap.UIDSet{imap.UIDSetNum(uids...)}}, max)
		if err != nil {
			return nil, err
		}
		for _, uid := range still {
			if _, ok := found[uid]; !ok {
				found[uid] = Envelope{UID: uid}
			}
		}
	}
	envelopes := make([]Envelope, 0, len(uids))
	s.sizes = make(map[UID]int64, len(uids))
	for _, uid := range uids {
		if envelope, ok := found[uid]; ok {
			envelopes = append(envelopes, envelope)
			s.sizes[uid] = envelope.Size
		}
	}
	s.recheck = true
	if len(uids) == max {
		s.wake()
	}
	return envelopes, nil
}

// envelopes asks for the four items that no server gets wrong in a way that the library cannot read.
func (s *Session) envelopes(ctx context.Context, set imap.UIDSet) (map[UID]Envelope, error) {
	found := map[UID]Envelope{}
	err := s.do(ctx, "list messages of "+s.folder, func(dog *watchdog) error {
		command := s.client.Fetch(set, &imap.FetchOptions{UID: true, Flags: true, InternalDate: true, RFC822Size: true})
		for message := command.Next(); message != nil; message = command.Next() {
			buffer, err := message.Collect()
			if err != nil {
				_ = command.Close()
				return err
			}
			dog.feed()
			flags := make([]string, 0, len(buffer.Flags))
			for _, flag := range buffer.Flags {
				flags = append(flags, string(flag))
			}
			found[buffer.UID] = Envelope{buffer.UID, buffer.RFC822Size, buffer.InternalDate, flags}
		}
		return command.Close()
	})
	return found, err
}
