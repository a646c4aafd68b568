package smtp

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/message"
)

// written composes a mail and reads it again.
func written(t *testing.T, m Mail) (raw string, parsed *message.Message, files map[string]string) {
	t.Helper()
	require.NoError(t, m.Validate())
	c, err := compose(m)
	require.NoError(t, err)
	var out bytes.Buffer
	readErr, writeErr := c.write(&out)
	require.NoError(t, readErr)
	require.NoError(t, writeErr)
	files = map[string]string{}
	parsed, err = message.Parse(bytes.NewReader(out.Bytes()), message.Limits{}, func(a message.Attachment, r io.Reader) error {
		content, err := io.ReadAll(r)
		files[a.Name] = a.ContentType + ":" + string(content)
		return err
	})
	require.NoError(t, err)
	require.Empty(t, parsed.Defects)
	for line := range strings.SplitSeq(out.String(), "\r\n") {
		require.LessOrEqual(t, len(line), 998)
		require.NotContains(t, line, "\n", "every line ends with CRLF")
	}
	return out.String(), parsed, files
}

func content(text string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
}

func TestComposeEverything(t *testing.T) {
	m := Mail{
		From:    mail.Address{Name: "Größe, Support", Address: "support@example.org"},
		To:      []mail.Address{{Name: "Ann", Address: "ann@example.com"}, {Address: "bob@example.com"}},
		Cc:      []mail.Address{{Address: "cc@example.com"}},
		Bcc:     []mail.Address{{Name: "Hidden", Address: "hidden@example.com"}},
		ReplyTo: []mail.Address{{Address: "answers@example.org"}},
		Subject: "Re: Überraschung 🎉 " + strings.Repeat("long ", 40) + "end",
		Text:    "Hallo Ann,\n.\nGrüße\n\n" + strings.Repeat("lang ", 300),
		HTML:    "<p>Hallo <b>Ann</b> ä</p>",

		MessageID:     "<run-1.task-2@example.org>",
		InReplyTo:     "parent@example.com",
		References:    []string{"<root@example.com>", "parent@example.com"},
		AutoSubmitted: "auto-replied",
		Date:          time.Date(2025, 9, 15, 10, 30, 0, 0, time.FixedZone("", 7200)),
		Headers:       []Header{{"X-Process", "Prüfung 7"}, {"importance", "high"}},
		Attachments: []Attachment{
			{Name: "Rechnung März.pdf", ContentType: "application/pdf", Open: content("%PDF")},
			{Name: "notes.txt", ContentType: "text/plain; charset=utf-8", Content: []byte(strings.Repeat("note ", 1000))},
			{Name: "empty", Content: []byte{}},
		},
	}
	raw, got, files := written(t, m)

	require.Equal(t, []message.Address{m.From}, got.From)
	require.Equal(t, m.To, got.To)
	require.Equal(t, m.Cc, got.Cc)
	require.Equal(t, m.ReplyTo, got.ReplyTo)
	require.NotContains(t, strings.ToLower(raw), "hidden")
	require.NotContains(t, strings.ToLower(raw), "\nbcc:") // boundaries are random, and may have it, too
	require.Equal(t, m.Subject, got.Subject)
	require.Equal(t, m.Text, got.Text)
	require.Equal(t, m.HTML, got.HTML)
	require.Equal(t, "<run-1.task-2@example.org>", got.MessageID)
	require.Equal(t, "<parent@example.com>", got.InReplyTo)
	require.Equal(t, []string{"<root@example.com>", "<parent@example.com>"}, got.References)
	require.True(t, m.Date.Equal(got.Date))
	automatic, _ := message.Automatic(got.Headers)
	require.True(t, automatic)
	require.Contains(t, got.Headers, message.Header{Key: "X-Process", Value: "Prüfung 7"})
	require.Contains(t, got.Headers, message.Header{Key: "Importance", Value: "high"})
	require.Contains(t, raw, "multipart/alternative")
	require.NotContains(t, raw, "go-mail")
	require.Equal(t, map[string]string{
		"Rechnung März.pdf": "application/pdf:%PDF",
		"notes.txt":         "text/plain; charset=utf-8:" + strings.Repeat("note ", 1000),
		"empty":             "application/octet-stream:",
	}, files)
}

func TestComposeLittle(t *testing.T) {
	m := simple("a@x.org")
	m.MessageID = ""
	raw, got, _ := written(t, m)
	require.NotContains(t, raw, "multipart")
	require.Regexp(t, `^<\S+@\S+>$`, got.MessageID)
	require.WithinDuration(t, time.Now(), got.Date, time.Minute)

	m.Text, m.HTML, m.InReplyTo = "", "<p>only</p>", "<p@x>"
	raw, got, _ = written(t, m)
	require.NotContains(t, raw, "multipart")
	require.Equal(t, "<p>only</p>", got.HTML)
	require.Equal(t, []string{"<p@x>"}, got.References)
}

func TestCharset(t *testing.T) {
	for charset, wants := range map[string]string{"": "charset=UTF-8", "utf-8": "charset=UTF-8", "ISO-8859-15": "charset=iso-8859-15", "us-ascii": "charset=UTF-8", "klingon": "charset=UTF-8"} {
		m := simple("a@x.org")
		m.Text, m.Charset = "10 € für Zoë", charset
		if charset == "us-ascii" {
			m.Text += " 漢字" // the web's us-ascii is windows-1252, which lacks these
		}
		raw, got, _ := written(t, m)
		require.Contains(t, raw, wants, charset)
		require.Equal(t, m.Text, got.Text, charset)
	}
}

func TestValidateRefusesInjection(t *testing.T) {
	const bad = "x\r\nBcc: victim@example.com"
	file := func(change func(*Attachment)) func(*Mail) {
		return func(m *Mail) {
			a := Attachment{Name: "a.txt", Open: content("")}
			change(&a)
			m.Attachments = []Attachment{a}
		}
	}
	for name, change := range map[string]func(*Mail){
		"from":              func(m *Mail) { m.From.Address = bad },
		"from name":         func(m *Mail) { m.From.Name = bad },
		"from, null":        func(m *Mail) { m.From.Address = "" },
		"from, two":         func(m *Mail) { m.From.Address = "a@x.org, b@x.org" },
		"from, brackets":    func(m *Mail) { m.From.Address = "a@x.org> SIZE=1 <b@x.org" },
		"to":                func(m *Mail) { m.To[0].Address = "a@x.org\r\nRCPT TO:<b@x.org>" },
		"to name":           func(m *Mail) { m.To[0].Name = bad },
		"cc":                func(m *Mail) { m.Cc = []mail.Address{address(bad)} },
		"bcc":               func(m *Mail) { m.Bcc = []mail.Address{address("no address")} },
		"reply-to":          func(m *Mail) { m.ReplyTo = []mail.Address{{Name: bad, Address: "a@x.org"}} },
		"nobody":            func(m *Mail) { m.To = nil },
		"subject":           func(m *Mail) { m.Subject = bad },
		"subject, LF":       func(m *Mail) { m.Subject = "a\nb" },
		"charset":           func(m *Mail) { m.Charset = bad },
		"message id":        func(m *Mail) { m.MessageID = bad },
		"message id, two":   func(m *Mail) { m.MessageID = "<a@x> <b@x>" },
		"in-reply-to":       func(m *Mail) { m.InReplyTo = bad },
		"references":        func(m *Mail) { m.References = []string{"<ok@x>", bad} },
		"auto-submitted":    func(m *Mail) { m.AutoSubmitted = bad },
		"header value":      func(m *Mail) { m.Headers = []Header{{"X-A", bad}} },
		"header name":       func(m *Mail) { m.Headers = []Header{{"X-A: b\r\nBcc", "x"}} },
		"header, empty":     func(m *Mail) { m.Headers = []Header{{"X-", "x"}} },
		"header Bcc":        func(m *Mail) { m.Headers = []Header{{"Bcc", "x@x.org"}} },
		"header From":       func(m *Mail) { m.Headers = []Header{{"from", "x@x.org"}} },
		"header MIME":       func(m *Mail) { m.Headers = []Header{{"Content-Type", "text/html"}} },
		"header trace":      func(m *Mail) { m.Headers = []Header{{"Received", "by x"}} },
		"file name":         file(func(a *Attachment) { a.Name = bad }),
		"file without name": file(func(a *Attachment) { a.Name = "" }),
		"file, long name":   file(func(a *Attachment) { a.Name = strings.Repeat("x", 201) }),
		"file type":         file(func(a *Attachment) { a.ContentType = "text/plain" + bad }),
		"file type, odd":    file(func(a *Attachment) { a.ContentType = "text plain" }),
		"file, no content":  file(func(a *Attachment) { a.Open = nil }),
	} {
		t.Run(name, func(t *testing.T) {
			m := simple("a@x.org")
			require.NoError(t, m.Validate())
			change(&m)
			require.Error(t, m.Validate())
			_, err := send(t, Config{Host: "127.0.0.1", Port: 1}, m)
			requireStage(t, StageCompose, 0, false, err)
		})
	}
}
