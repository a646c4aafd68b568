package imap

import (
	"context"
	"math"

	"github.com/emersion/go-imap/v2"
)

// maxFound bounds the mails of one Message-ID, which are copies of each other.
const maxFound = 10

// Find returns the ids of the mails of a folder whose Message-ID, with angle brackets, holds this one (SEARCH HEADER, RFC 9051,
// section 6.4.4): whether it is the same is for the caller to see in the mail.
func (a *Account) Find(ctx context.Context, folder, messageID string) ([]string, error) {
	status, err := a.enter(ctx, folder)
	if err != nil {
		return nil, err
	}
	uids, err := a.s.search(ctx, &imap.SearchCriteria{
		UID: []imap.UIDSet{between(1, math.MaxUint32)}, Header: []imap.SearchCriteriaHeaderField{{Key: "Message-Id", Value: messageID}},
	}, maxFound)
	ids := make([]string, len(uids))
	for i, uid := range uids {
		ids[i] = id(status.UIDValidity, uid)
	}
	return ids, err
}
