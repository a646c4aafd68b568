package imap

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/emersion/go-imap/v2"
)

func between(first, last UID) imap.UIDSet {
	var set imap.UIDSet
	set.AddRange(first, last)
	return set
}

// search returns at most limit UIDs, ascending, of those that criteria.UID[0] holds. It walks the ranges of the answer,
// which are not expanded, so that an absurd answer costs nothing.
func (s *Session) search(ctx context.Context, criteria *imap.SearchCriteria, limit int) ([]UID, error) {
	var uids []UID
	err := s.do(ctx, "search "+s.folder, func(*watchdog) error {
		data, err := s.client.UIDSearch(criteria, nil).Wait()
		if err != nil {
			return err
		}
		set, _ := data.All.(imap.UIDSet)
		if set.Dynamic() {
			return fmt.Errorf("the answer to UID SEARCH holds an open range: %s", set)
		}
		for _, answered := range set {
			for _, asked := range criteria.UID[0] {
				last := uint64(min(answered.Stop, asked.Stop))
				for uid := uint64(max(answered.Start, asked.Start)); uid <= last && len(uids) < limit; uid++ {
					uids = append(uids, UID(uid))
				}
			}
		}
		return nil
	})
	return uids, err
}

// behind reports whether there is a message with this UID or a higher one.
func (s *Session) behind(ctx context.Context, uid UID) (bool, error) {
	found, err := s.search(ctx, &imap.SearchCriteria{UID: []imap.UIDSet{between(max(uid, 1), math.MaxUint32)}}, 1)
	return len(found) > 0, err
}

// last is the highest UID that the folder had when it was selected, 0 in one that never held a message.
func (s *Session) last(ctx context.Context) (UID, error) {
	if s.status.UIDNext > 0 {
		return s.status.UIDNext - 1, nil
	}
	var highest UID
	err := s.do(ctx, "search "+s.folder, func(*watchdog) error {
		data, err := s.client.UIDSearch(&imap.SearchCriteria{UID: []imap.UIDSet{between(1, math.MaxUint32)}}, nil).Wait()
		if err != nil {
			return err
		}
		set, _ := data.All.(imap.UIDSet)
		for _, answered := range set {
			highest = max(highest, answered.Start, answered.Stop)
		}
		return nil
	})
	return highest, err
}

// beforeArrival is the UID before the first message that arrived at a time or later; none is otherwise. Messages are numbered as
// they come into the folder, and not all come by arrival: what was moved in or imported keeps its older date. So halving the
// folder would pass some over; SEARCH SINCE (RFC 9051, section 6.4.4) finds them. It compares days, in whichever time zone.
func (s *Session) beforeArrival(ctx context.Context, at time.Time, none UID) (UID, error) {
	day := at.UTC().AddDate(0, 0, -2)
	for from := UID(1); ; {
		uids, err := s.search(ctx, &imap.SearchCriteria{UID: []imap.UIDSet{between(from, math.MaxUint32)}, Since: day}, window)
		if err != nil || len(uids) == 0 {
			return none, err
		}
		found, err := s.envelopes(ctx, imap.UIDSetNum(uids...))
		if err != nil {
			return none, err
		}
		for _, uid := range uids {
			if e, told := found[uid]; !told || !e.InternalDate.Before(at) {
				return uid - 1, nil
			}
		}
		if from = uids[len(uids)-1]; from == math.MaxUint32 {
			return none, nil
		}
		from++
	}
}
