package imap

import (
	"context"
	"math"

	"github.com/emersion/go-imap/v2"

	"github.com/waybill-io/waybill/mail"
)

// maxFound bounds the mails of one Message-ID, which are copies of each other.
const maxFound = 10

// Find returns the mails of a folder whose Message-ID, with angle brackets, holds this one (SEARCH HEADER, RFC 9051, section
// 6.4.4): whether it is the same is for the caller to see in the mail.
func (a *Account) Find(ctx context.Context, folder, messageID string) ([]mail.Item, error) {
	status, err := a.enter(ctx, folder)
	if err != nil {
		return nil, err
	}
	uids, err := a.s.search(ctx, &imap.SearchCriteria{
		UID: []imap.UIDSet{between(1, math.MaxUint32)}, Header: []imap.SearchCriteriaHeaderField{{Key: "Message-Id", Value: messageID}},
	}, maxFound)
	if err != nil || len(uids) == 0 {
		return nil, err
	}
	found, err := a.s.envelopes(ctx, imap.UIDSetNum(uids...))
	if err != nil {
		return nil, err
	}
	var items []mail.Item
	for _, uid := range uids {
		if e, there := found[uid]; there {
			items = append(items, mail.Item{ID: id(status.UIDValidity, uid), Size: e.Size, Arrived: e.InternalDate, Flags: e.Flags})
		}
	}
	return items, nil
}
