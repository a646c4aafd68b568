package mailserver

import (
	"bytes"
	"io"
	"net/mail"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	gomessage "github.com/emersion/go-message"
)

// Search reads message files only for criteria that need them.
func (s *imapSession) Search(kind imapserver.NumKind, criteria *imap.SearchCriteria, options *imap.SearchOptions) (*imap.SearchData, error) {
	rows := s.view.rows()
	var data imap.SearchData
	var seqs imap.SeqSet
	var uids imap.UIDSet
	for _, r := range rows {
		number := uint32(r.uid)
		if kind == imapserver.NumKindSeq {
			number = r.seq
		}
		query := query{view: s.view, rows: rows, row: r, entity: sync.OnceValue(func() *gomessage.Entity { return s.view.parse(r.message) })}
		if number == 0 || !query.matches(criteria) {
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
	if options.ReturnSave {
		s.view.saved = uids
	}
	return &data, nil
}

// pick returns the messages of a set.
func (v *view) pick(set imap.NumSet) []row {
	rows := v.rows()
	return slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return !v.contains(set, rows, r) })
}

// contains knows "$" and "*", which is the highest number in use and belongs to
// a range n:* even when n is higher (RFC 9051 section 9, seq-range).
func (v *view) contains(set imap.NumSet, rows []row, r row) bool {
	if imap.IsSearchRes(set) {
		return v.saved.Contains(r.uid)
	}
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
	view   *view
	rows   []row
	row    row
	entity func() *gomessage.Entity
}

func (q query) matches(c *imap.SearchCriteria) bool {
	in := func(set imap.NumSet) bool { return q.view.contains(set, q.rows, q.row) }
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
	if !between(q.row.received, c.Since, c.Before) || !q.matchesContent(c) {
		return false
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

func (q query) matchesContent(c *imap.SearchCriteria) bool {
	for _, field := range c.Header {
		if !fieldsContain(q.header().FieldsByKey(field.Key), field.Value) {
			return false
		}
	}
	if !c.SentSince.IsZero() || !c.SentBefore.IsZero() {
		sent, err := mail.ParseDate(q.header().Get("Date"))
		if err != nil || !between(sent, c.SentSince, c.SentBefore) {
			return false
		}
	}
	for _, text := range c.Text {
		if !q.textContains(text, true) {
			return false
		}
	}
	for _, text := range c.Body {
		if !q.textContains(text, false) {
			return false
		}
	}
	return true
}

// textContains looks into the decoded text parts and, for TEXT, all headers.
func (q query) textContains(text string, headers bool) bool {
	found := false
	// What cannot be parsed cannot be found.
	_ = q.view.parse(q.row.message).Walk(func(_ []int, part *gomessage.Entity, _ error) error {
		if part == nil || found {
			return io.EOF
		}
		found = headers && fieldsContain(part.Header.Fields(), text)
		if kind, _, _ := part.Header.ContentType(); !found && strings.HasPrefix(kind, "text/") {
			body, _ := io.ReadAll(part.Body)
			found = containsFold(string(body), text)
		}
		return nil
	})
	return found
}

func (q query) header() *gomessage.Header { return &q.entity().Header }

// parse returns an empty message for one that is unreadable or gone.
func (v *view) parse(m message) *gomessage.Entity {
	raw, _ := os.ReadFile(v.box.files.path(m))
	entity, _ := gomessage.Read(bytes.NewReader(raw))
	if entity == nil {
		entity, _ = gomessage.New(gomessage.Header{}, strings.NewReader(""))
	}
	return entity
}

func fieldsContain(fields gomessage.HeaderFields, text string) bool {
	for fields.Next() {
		value, _ := fields.Text()
		if containsFold(value, text) {
			return true
		}
	}
	return false
}

func containsFold(s, part string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(part))
}

// between compares dates without regard to the time zone (RFC 9051 section 6.4.4).
func between(t, since, before time.Time) bool {
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	return (since.IsZero() || !day.Before(since)) && (before.IsZero() || day.Before(before))
}
