package mailserver

import (
	"fmt"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/stretchr/testify/require"
)

func TestSearch(t *testing.T) {
	s := start(t, Options{})
	for n := range 3 {
		send(t, s, fmt.Sprintf("Message-ID: <m%d@example.com>\r\n", n+1)+mailText("x"), support)
	}
	c := dial(t, s, support, nil)
	selectBox(t, c, inbox)
	require.NoError(t, c.Store(imap.UIDSetNum(2), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{"Done"}}, nil).Close())
	require.NoError(t, c.Store(imap.UIDSetNum(1), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close())
	require.NoError(t, c.UIDExpunge(imap.UIDSetNum(9)).Close())

	from := func(uid imap.UID) (set imap.UIDSet) { set.AddRange(uid, 0); return set }
	day := func(d int) time.Time { return time.Date(2026, 1, d, 0, 0, 0, 0, time.UTC) }
	key := imap.SearchCriteria{Flag: []imap.Flag{"Done"}}
	tomorrow := time.Now().AddDate(0, 0, 1)
	for name, try := range map[string]struct {
		criteria imap.SearchCriteria
		want     []imap.UID
	}{
		"all":                        {imap.SearchCriteria{}, []imap.UID{1, 2, 3}},
		"range":                      {imap.SearchCriteria{UID: []imap.UIDSet{from(2)}}, []imap.UID{2, 3}},
		"range above holds the last": {imap.SearchCriteria{UID: []imap.UIDSet{from(4)}}, []imap.UID{3}},
		"sequence numbers":           {imap.SearchCriteria{SeqNum: []imap.SeqSet{imap.SeqSetNum(1, 3)}}, []imap.UID{1, 3}},
		"keyword":                    {imap.SearchCriteria{Flag: []imap.Flag{"done"}}, []imap.UID{2}},
		"no keyword":                 {imap.SearchCriteria{NotFlag: []imap.Flag{"Done"}}, []imap.UID{1, 3}},
		"deleted":                    {imap.SearchCriteria{Flag: []imap.Flag{imap.FlagDeleted}}, []imap.UID{1}},
		"received before":            {imap.SearchCriteria{Before: day(1)}, nil},
		"received since":             {imap.SearchCriteria{Since: tomorrow.AddDate(0, 0, -7), Before: tomorrow.AddDate(0, 0, 7)}, []imap.UID{1, 2, 3}},
		"larger":                     {imap.SearchCriteria{Larger: 1 << 20}, nil},
		"smaller":                    {imap.SearchCriteria{Smaller: 1 << 20}, []imap.UID{1, 2, 3}},
		"message id":                 {imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: "Message-ID", Value: "<M2@example.com>"}}}, []imap.UID{2}},
		"no such message id":         {imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: "Message-ID", Value: "<m4@example.com>"}}}, nil},
		"not":                        {imap.SearchCriteria{Not: []imap.SearchCriteria{key}}, []imap.UID{1, 3}},
		"or":                         {imap.SearchCriteria{Or: [][2]imap.SearchCriteria{{key, {Flag: []imap.Flag{imap.FlagDeleted}}}}}, []imap.UID{1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := c.UIDSearch(&try.criteria, nil).Wait()
			require.NoError(t, err)
			require.Equal(t, try.want, found.AllUIDs())
		})
	}

	text := imap.SearchCriteria{Text: []string{"x"}}
	for name, criteria := range map[string]imap.SearchCriteria{
		"field":    {Header: []imap.SearchCriteriaHeaderField{{Key: "Subject", Value: "x"}}},
		"text":     text,
		"body":     {Body: []string{"x"}},
		"sent":     {SentSince: day(1)},
		"in a not": {Not: []imap.SearchCriteria{text}},
		"in an or": {Or: [][2]imap.SearchCriteria{{key, text}}},
	} {
		_, err := c.UIDSearch(&criteria, nil).Wait()
		require.ErrorContains(t, err, "fetch the messages", name)
	}
}
