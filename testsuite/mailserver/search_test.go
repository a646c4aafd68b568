package mailserver

import (
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/stretchr/testify/require"
)

func TestSearch(t *testing.T) {
	s := start(t, Options{})
	send(t, s, "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <one@example.com>\r\nDate: Fri, 02 Jan 2026 23:30:00 -0800\r\n\r\nplain words\r\n", support)
	send(t, s, "Subject: two\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\naGlkZGVuIHdvcmRz\r\n", support)
	send(t, s, mailText("three"), support)
	c := dial(t, s, support, nil)
	selectBox(t, c, inbox)
	require.NoError(t, c.Store(imap.UIDSetNum(2), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{"Done"}}, nil).Close())
	require.NoError(t, c.Store(imap.UIDSetNum(1), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close())
	require.NoError(t, c.UIDExpunge(imap.UIDSetNum(9)).Close())

	from := func(uid imap.UID) (set imap.UIDSet) { set.AddRange(uid, 0); return set }
	day := func(d int) time.Time { return time.Date(2026, 1, d, 0, 0, 0, 0, time.UTC) }
	header := func(key, value string) imap.SearchCriteria {
		return imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: key, Value: value}}}
	}
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
		"decoded subject":            {header("Subject", "grüße"), []imap.UID{1}},
		"message id":                 {header("Message-ID", "<one@example.com>"), []imap.UID{1}},
		"field is there":             {header("From", ""), []imap.UID{3}},
		"decoded body":               {imap.SearchCriteria{Body: []string{"HIDDEN"}}, []imap.UID{2}},
		"text looks in headers":      {imap.SearchCriteria{Text: []string{"three"}}, []imap.UID{3}},
		"body does not":              {imap.SearchCriteria{Body: []string{"three"}}, nil},
		"sent on":                    {imap.SearchCriteria{SentSince: day(2), SentBefore: day(3)}, []imap.UID{1}},
		"received before":            {imap.SearchCriteria{Before: day(1)}, nil},
		"received since":             {imap.SearchCriteria{Since: tomorrow.AddDate(0, 0, -7), Before: tomorrow.AddDate(0, 0, 7)}, []imap.UID{1, 2, 3}},
		"larger":                     {imap.SearchCriteria{Larger: 1 << 20}, nil},
		"smaller":                    {imap.SearchCriteria{Smaller: 1 << 20}, []imap.UID{1, 2, 3}},
		"not":                        {imap.SearchCriteria{Not: []imap.SearchCriteria{header("Subject", "two")}}, []imap.UID{1, 3}},
		"or":                         {imap.SearchCriteria{Or: [][2]imap.SearchCriteria{{header("Subject", "two"), header("Subject", "three")}}}, []imap.UID{2, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := c.UIDSearch(&try.criteria, nil).Wait()
			require.NoError(t, err)
			require.Equal(t, try.want, found.AllUIDs())
		})
	}

}

// The client library speaks no SEARCHRES, so this test speaks for itself.
func TestSearchResult(t *testing.T) {
	s := start(t, Options{})
	for range 3 {
		send(t, s, mailText("x"), support)
	}
	store(t, s, imap.StoreFlagsAdd, "Done", 2, 3)
	c, err := textproto.Dial("tcp", s.IMAPAddr())
	require.NoError(t, err)
	defer c.Close()
	say := func(command string) (answers []string) {
		require.NoError(t, c.PrintfLine("a %s", command))
		for {
			line, err := c.ReadLine()
			require.NoError(t, err)
			answers = append(answers, line)
			if strings.HasPrefix(line, "a ") {
				return answers
			}
		}
	}
	say("LOGIN " + support + " " + password)
	say("SELECT INBOX")
	require.Equal(t, []string{`* ESEARCH (TAG "a") UID ALL 2:3 MIN 2 MAX 3 COUNT 2`, "a OK UID SEARCH completed"},
		say("UID SEARCH RETURN (SAVE COUNT MIN MAX ALL) KEYWORD done"))
	require.Equal(t, []string{"* 2 FETCH (UID 2)", "* 3 FETCH (UID 3)", "a OK FETCH completed"}, say("FETCH $ UID"))
	require.Equal(t, []string{"* SEARCH", "a OK UID SEARCH completed"}, say("UID SEARCH KEYWORD none"))
}
