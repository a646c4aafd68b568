package mta_test

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/smtp"
	"github.com/waybill-io/waybill/testsuite/mta"
)

const (
	patience = time.Minute
	tick     = 20 * time.Millisecond
)

// maxSize is the largest mail that the servers of TestOutgoing take, in bytes.
const maxSize = 400_000

// TestOutgoing sends to every kind of server what there is to be sent.
func TestOutgoing(t *testing.T) {
	for _, kind := range mta.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := mta.Start(t, kind, mta.Options{MaxSize: maxSize})
			for _, test := range []struct {
				name string
				run  func(*testing.T, *mta.Server)
			}{
				{"corpus", testCorpus},
				{"connector", testConnector},
				{"signatures", testSignatures},
				{"recipients", testRecipients},
				{"large mails", testLargeMails},
				{"international addresses", testInternationalAddresses},
				{"log-ins", testLogins},
				{"STARTTLS stripped", testStartTLSStripped},
			} {
				s.Empty()
				t.Run(test.name, func(t *testing.T) { test.run(t, s) })
			}
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

// arrived waits until so many mails are delivered.
func arrived(t *testing.T, s *mta.Server, n int) []mta.Delivered {
	t.Helper()
	require.Eventually(t, func() bool { return len(s.Delivered()) == n }, patience, tick, "%d mails", n)
	return s.Delivered()
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
	require.Empty(t, got.Defects, want.Subject)
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

// testCorpus sends mails of all sorts, and has what was delivered read by a parser that is not ours.
func testCorpus(t *testing.T, s *mta.Server) {
	tr := transport(t, settings(s))
	receipts := map[string]smtp.Receipt{}
	for name, m := range corpus() {
		receipt, err := tr.Send(t.Context(), m)
		require.NoError(t, err, name)
		require.Len(t, receipt.Accepted, 3, name)
		receipts[name] = receipt
	}
	all := arrived(t, s, len(receipts)*3)
	seen := map[string]int{}
	for i, got := range mta.Read(t, all...) {
		name := strings.TrimPrefix(strings.TrimPrefix(strings.TrimSuffix(all[i].Recipient, "@example.com"), "bcc-"), "cc-")
		requireSame(t, receipts[name], corpus()[name], got)
		_, ours, _ := strings.Cut(string(all[i].Raw), "Message-ID:") // what is before it is the server's
		require.NotContains(t, ours, "bcc-"+name)
		seen[name]++
	}
	for name, n := range seen {
		require.Equal(t, 3, n, name)
	}
}
