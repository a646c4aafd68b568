package mailserver

import (
	"net/mail"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
)

// Search knows numbers, flags, sizes, arrival and Message-IDs, which is what programs search by. For words, its files would
// have to be decoded; it says so rather than find nothing.
func (s *imapSession) Search(kind imapserver.NumKind, criteria *imap.SearchCriteria, _ *imap.SearchOptions) (*imap.SearchData, error) {
	if asksContent(criteria) {
		return nil, no(imap.ResponseCodeCannot, "No search by header fields or text here; fetch the messages")
	}
	rows := s.view.rows()
	var data imap.SearchData
	var seqs imap.SeqSet
	var uids imap.UIDSet
	for _, r := range rows {
		number := uint32(r.uid)
		if kind == imapserver.NumKindSeq {
			number = r.seq
		}
		if number == 0 || !(query{files: s.view.box.files, rows: rows, row: r}).matches(criteria) {
			continue
		}
		uids.AddNum(r.uid)
		if r.seq != 0 {
			seqs.AddNum(r.seq)
		}
		if data.Min == 0 {
			data.Min = number
		}
		data.Max = number
		data.Count++
	}
	data.All = uids
	if kind == imapserver.NumKindSeq {
		data.All = seqs
	}
	return &data, nil
}

// messageID is the only field whose text is found as it stands in the file.
const messageID = "Message-Id"

func asksContent(c *imap.SearchCriteria) bool {
	return len(c.Text)+len(c.Body) > 0 || slices.ContainsFunc(c.Header, func(h imap.SearchCriteriaHeaderField) bool { return !strings.EqualFold(h.Key, messageID) }) || !c.SentSince.IsZero() || !c.SentBefore.IsZero() ||
		slices.ContainsFunc(c.Not, func(not imap.SearchCriteria) bool { return asksContent(&not) }) ||
		slices.ContainsFunc(c.Or, func(or [2]imap.SearchCriteria) bool { return asksContent(&or[0]) || asksContent(&or[1]) })
}

// pick returns the messages of a set.
func (v *view) pick(set imap.NumSet) []row {
	rows := v.rows()
	return slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return !contains(set, rows, r) })
}

// contains knows "*", which is the highest number in use and belongs to a range
// n:* even when n is higher (RFC 9051 section 9, seq-range).
func contains(set imap.NumSet, rows []row, r row) bool {
	switch set := set.(type) {
	case imap.UIDSet:
		return set.Contains(r.uid) || set.Dynamic() && r.uid == rows[len(rows)-1].uid
	case imap.SeqSet:
		return r.seq != 0 && (set.Contains(r.seq) || set.Dynamic() && r.seq == lastSeq(rows))
	}
	return false
}

func lastSeq(rows []row) (last uint32) {
	for _, r := range rows {
		last = max(last, r.seq)
	}
	return last
}

// query asks whether one message meets the criteria.
type query struct {
	files files
	rows  []row
	row   row
}

func (q query) matches(c *imap.SearchCriteria) bool {
	in := func(set imap.NumSet) bool { return contains(set, q.rows, q.row) }
	for _, set := range c.SeqNum {
		if !in(set) {
			return false
		}
	}
	for _, set := range c.UID {
		if !in(set) {
			return false
		}
	}
	for _, flag := range c.Flag {
		if !q.row.has(flag) {
			return false
		}
	}
	for _, flag := range c.NotFlag {
		if q.row.has(flag) {
			return false
		}
	}
	if c.Larger != 0 && q.row.size <= c.Larger || c.Smaller != 0 && q.row.size >= c.Smaller {
		return false
	}
	if !between(q.row.received, c.Since, c.Before) {
		return false
	}
	for _, h := range c.Header {
		if !strings.Contains(strings.ToLower(q.messageID()), strings.ToLower(h.Value)) {
			return false
		}
	}
	for i := range c.Not {
		if q.matches(&c.Not[i]) {
			return false
		}
	}
	for i := range c.Or {
		if !q.matches(&c.Or[i][0]) && !q.matches(&c.Or[i][1]) {
			return false
		}
	}
	return true
}

// messageID is "" for what is no mail.
func (q query) messageID() string {
	file, err := os.Open(q.files.path(q.row.message))
	if err != nil {
		return "" // expunged by another session in between
	}
	defer file.Close()
	m, err := mail.ReadMessage(file)
	if err != nil {
		return ""
	}
	return m.Header.Get(messageID)
}

// between compares dates without regard to the time zone (RFC 9051 section 6.4.4).
func between(t, since, before time.Time) bool {
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	return (since.IsZero() || !day.Before(since)) && (before.IsZero() || day.Before(before))
}
