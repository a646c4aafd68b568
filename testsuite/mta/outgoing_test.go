package mta_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/smtp"
	"github.com/waybill-io/waybill/testsuite/mta"
)

const patience = time.Minute

// each runs a test against every kind of server.
func each(t *testing.T, o mta.Options, test func(t *testing.T, s *mta.Server)) {
	t.Helper()
	for _, kind := range mta.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			test(t, mta.Start(t, kind, o))
		})
	}
}

// settings are those for a server's port with STARTTLS.
func settings(s *mta.Server) smtp.Config {
	return smtp.Config{Host: s.Host, Port: s.Port, TLS: smtp.TLSStartTLS, Username: mta.Username, Password: mta.Password, RootCAs: s.RootCAs}
}

func transport(t *testing.T, config smtp.Config) *smtp.Transport {
	t.Helper()
	tr, err := smtp.New(config)
	require.NoError(t, err)
	return tr
}

// delivered waits for the mails of a recipient.
func delivered(t *testing.T, s *mta.Server, recipient string) (mails []mta.Delivered) {
	t.Helper()
	require.Eventually(t, func() bool {
		mails = slices.DeleteFunc(s.Delivered(), func(d mta.Delivered) bool { return d.Recipient != recipient })
		return len(mails) > 0
	}, patience, 20*time.Millisecond, "no mail for %s", recipient)
	return mails
}

func someone(name string) []mail.Address { return []mail.Address{{Address: name + "@example.com"}} }

// corpus are mails of all sorts, by their names, which their recipients have, too.
func corpus() map[string]smtp.Mail {
	everyByte := make([]byte, 256*400)
	for i := range everyByte {
		everyByte[i] = byte(i)
	}
	mails := map[string]smtp.Mail{
		"plain": {Subject: "Hello", Text: "one line\n"},
		"empty": {Subject: "Nothing to say"},
		"both":  {Subject: "Both", Text: "Guten Tag,\nes grüßt\nAnn\n", HTML: "<p>Guten Tag,<br>es grüßt<br><b>Ann</b> €</p>\n"},
		"html":  {Subject: "HTML alone", HTML: "<p>日本語</p>\n"},
		"inline": {
			Subject: "Inline", Text: "a logo\n", HTML: `<img src="cid:logo@example.com"><img src="cid:two@example.com">` + "\n",
			Inline: []smtp.Attachment{
				{Name: "logo.png", ContentID: "logo@example.com", ContentType: "image/png", Content: []byte("\x89PNG\r\n\x1a\n")},
				{Name: "größe.gif", ContentID: "two@example.com", ContentType: "image/gif", Content: everyByte},
			},
			Attachments: []smtp.Attachment{{Name: "terms.pdf", ContentType: "application/pdf", Content: everyByte}},
		},
		"files": {
			Subject: "Files", Text: "see attached\n",
			Attachments: []smtp.Attachment{
				{Name: "Angebot für Zürich – 2026.pdf", ContentType: "application/pdf", Content: everyByte},
				{Name: "見積書.xlsx", Content: []byte("x")},
				{Name: `quoted "name"; and=more.txt`, ContentType: "text/plain; charset=utf-8", Content: []byte("dots\r\n.\r\n..\r\nend\r\n")},
				{Name: "empty", Content: []byte{}},
				{Name: strings.Repeat("long-", 38) + ".txt", Content: []byte("long")},
			},
		},
		"dots":    {Subject: ".", Text: ".\n..\n.hidden\nQUIT\n.\n\nFrom the start\n>From\n.\n"},
		"lines":   {Subject: "Long lines", Text: strings.Repeat("word ", 4000) + "\n" + strings.Repeat("x", 20_000) + "\n" + strings.Repeat("ü", 5_000) + "\n"},
		"blanks":  {Subject: "Blanks", Text: "  before\nafter  \n\ttab\t\n\n\n   \nend\n"},
		"subject": {Subject: "Ünïcödé – " + strings.Repeat("日本語のとても長い件名 ", 12) + "🚚", Text: "subject\n"},
		"charset": {Subject: "Latin 1", Charset: "iso-8859-1", Text: "déjà vu\n", HTML: "<p>déjà vu</p>\n"},
		"thread":  {Subject: "Re: Hello", Text: "reply\n", MessageID: "<reply@example.com>", InReplyTo: "<two@example.com>", References: []string{"<one@example.com>", "<two@example.com>"}},
		"longids": {Subject: "Re: Re: Hello", Text: "reply\n", InReplyTo: "last@example.com", References: strings.Fields(strings.Repeat("some-very-long-message-id-of-a-thread-that-goes-on@mail.example.com ", 30))},
		"names":   {Subject: "Names", Text: "names\n", From: mail.Address{Name: `Jürgen "Jo" Müller, Dr.`, Address: "jo@example.com"}, ReplyTo: []mail.Address{{Name: "Bestellungen (Österreich)", Address: "orders@example.com"}}},
		"no-end":  {Subject: "Trailing", Text: "no line end at the end"},
	}
	for name, m := range mails {
		if m.From.Address == "" {
			m.From = mail.Address{Name: "Waybill", Address: "waybill@example.com"}
		}
		m.To = []mail.Address{{Name: "Empfänger " + name, Address: name + "@example.com"}}
		m.Cc = someone("cc-" + name)
		m.Bcc = someone("bcc-" + name)
		mails[name] = m
	}
	return mails
}

// requireSame compares what was delivered with what was sent.
func requireSame(t *testing.T, receipt smtp.Receipt, want smtp.Mail, got mta.Mail) {
	t.Helper()
	addresses := func(list ...mail.Address) (all []mta.Address) {
		all = []mta.Address{}
		for _, a := range list {
			all = append(all, mta.Address(a))
		}
		return all
	}
	ids := func(list ...string) (all []string) {
		all = []string{}
		for _, id := range list {
			if id != "" {
				all = append(all, "<"+strings.Trim(id, "<>")+">")
			}
		}
		return all
	}
	line := func(text string) string { return strings.TrimSuffix(text, "\n") } // some parts end with one more
	require.Empty(t, got.Defects)
	require.Equal(t, want.Subject, got.Subject)
	require.Equal(t, addresses(want.From), got.From)
	require.Equal(t, addresses(want.To...), got.To)
	require.Equal(t, addresses(want.Cc...), got.Cc)
	require.Equal(t, addresses(want.ReplyTo...), got.ReplyTo)
	require.Empty(t, got.Bcc, "who gets a hidden copy stays hidden")
	require.Equal(t, line(want.Text), line(got.Text))
	require.Equal(t, line(want.HTML), line(got.HTML))
	require.Equal(t, receipt.MessageID, got.MessageID)
	if want.MessageID != "" {
		require.Equal(t, want.MessageID, got.MessageID)
	}
	require.Equal(t, ids(want.InReplyTo), ids(got.InReplyTo))
	require.Equal(t, ids(want.References...), got.References)
	var files []mta.File
	for i, a := range slices.Concat(want.Inline, want.Attachments) {
		sum := sha256.Sum256(a.Content)
		contentType, _, _ := strings.Cut(a.ContentType, ";")
		if contentType == "" {
			contentType = "application/octet-stream"
		}
		file := mta.File{Name: a.Name, Type: contentType, Disposition: "attachment", SHA256: hex.EncodeToString(sum[:])}
		if i < len(want.Inline) {
			file.Disposition, file.ID = "inline", "<"+a.ContentID+">"
		}
		files = append(files, file)
	}
	require.ElementsMatch(t, files, got.Files)
}

// TestCorpus sends mails of all sorts through every server, and has what was delivered read by a parser that is not ours.
func TestCorpus(t *testing.T) {
	each(t, mta.Options{}, func(t *testing.T, s *mta.Server) {
		tr := transport(t, settings(s))
		receipts := map[string]smtp.Receipt{}
		for name, m := range corpus() {
			receipt, err := tr.Send(t.Context(), m)
			require.NoError(t, err, name)
			require.Len(t, receipt.Accepted, 3, name)
			receipts[name] = receipt
		}
		want := len(receipts) * 3
		require.Eventually(t, func() bool { return len(s.Delivered()) == want }, patience, 20*time.Millisecond)
		all := s.Delivered()
		seen := map[string]int{}
		for i, got := range mta.Read(t, all...) {
			name := strings.TrimPrefix(strings.TrimPrefix(strings.TrimSuffix(all[i].Recipient, "@example.com"), "bcc-"), "cc-")
			require.True(t, t.Run(all[i].Recipient, func(t *testing.T) { requireSame(t, receipts[name], corpus()[name], got) }), "%.2000s", all[i].Raw)
			require.NotContains(t, string(all[i].Raw)[strings.Index(string(all[i].Raw), "Message-ID:"):], "bcc-"+name)
			seen[name]++
		}
		for name, n := range seen {
			require.Equal(t, 3, n, name)
		}
	})
}

// TestRecipientsRefused has a server refuse some recipients of a mail, which the others get.
func TestRecipientsRefused(t *testing.T) {
	each(t, mta.Options{}, func(t *testing.T, s *mta.Server) {
		m := smtp.Mail{From: someone("waybill")[0], Subject: "many", Text: "many\n"}
		for n := range 100 {
			name := fmt.Sprintf("customer-%d", n)
			if n%20 == 7 {
				name = fmt.Sprintf("unknown-%d", n)
			}
			m.To = append(m.To, someone(name)...)
		}
		receipt, err := transport(t, settings(s)).Send(t.Context(), m)
		require.NoError(t, err)
		require.Len(t, receipt.Accepted, 95)
		var refused []string
		for _, r := range receipt.Refused {
			require.Equal(t, 550, r.Code)
			require.False(t, r.Temporary())
			require.NotEmpty(t, r.Message)
			refused = append(refused, r.Address)
		}
		require.Equal(t, []string{"unknown-7@example.com", "unknown-27@example.com", "unknown-47@example.com", "unknown-67@example.com", "unknown-87@example.com"}, refused)
		require.Eventually(t, func() bool { return len(s.Delivered()) == 95 }, patience, 20*time.Millisecond)
	})
}
