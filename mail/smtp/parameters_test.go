package smtp

import (
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	gosmtp "github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
)

func TestSize(t *testing.T) {
	p := &peer{maxSize: 100_000}
	cfg := p.start(t)
	m := simple("a@x.org")
	file := func(size int64) []Attachment {
		return []Attachment{{Name: "zeros", Open: func() (io.ReadCloser, error) { return io.NopCloser(io.LimitReader(zeros{}, size)), nil }}}
	}
	m.Attachments = file(60_000)
	tr := transport(t, cfg)
	_, err := tr.Send(t.Context(), m)
	require.NoError(t, err)
	got := p.mails()[0]
	require.EqualValues(t, len(got.raw), got.options.Size)

	m.Attachments = file(90_000)
	receipt, err := tr.Send(t.Context(), m)
	requireStage(t, StageMail, 0, false, err)
	var size *SizeError
	require.ErrorAs(t, err, &size)
	require.EqualValues(t, 100_000, size.Limit)
	require.Greater(t, size.Size, int64(120_000))
	require.ErrorContains(t, err, "at most 100000")
	require.Empty(t, receipt.Accepted)

	_, err = tr.Send(t.Context(), simple("a@x.org"))
	require.NoError(t, err)
	_, _, total := p.counts()
	require.Equal(t, 1, total, "the connection is as good as before")
}

// commands are what a server without further capabilities, or with these, is told of a mail.
func commands(t *testing.T, m Mail, capabilities ...string) (said []string, err error) {
	t.Helper()
	var mu sync.Mutex
	s := serve(t, func(_, _ int, command string) string {
		if strings.HasPrefix(command, "EHLO") && len(capabilities) > 0 {
			return "250-hi\r\n250-" + strings.Join(capabilities[:len(capabilities)-1], "\r\n250-") + "\r\n250 " + capabilities[len(capabilities)-1]
		}
		mu.Lock()
		defer mu.Unlock()
		said = append(said, command)
		return fine(command)
	})
	tr, err := New(s.config)
	require.NoError(t, err)
	_, err = tr.Send(t.Context(), m)
	require.NoError(t, tr.Close()) // the server has answered for the last time
	mu.Lock()
	defer mu.Unlock()
	return said, err
}

func TestParametersOfAMail(t *testing.T) {
	all := []string{"HELP", "SIZE", "8BITMIME", "SMTPUTF8"}
	plain, local := simple("a@x.org"), simple("größe@x.org")
	plain.Text, plain.Subject = "Größe", "Größe"
	for name, c := range map[string]struct {
		mail         Mail
		capabilities []string
		want         string
	}{
		"nothing offered":      {plain, nil, `^MAIL FROM:<ann@example\.com>$`},
		"all offered":          {plain, all, `^MAIL FROM:<ann@example\.com> SIZE=\d+$`},
		"an address":           {local, all, `^MAIL FROM:<ann@example\.com> SIZE=\d+ BODY=8BITMIME SMTPUTF8$`},
		"SIZE without a limit": {plain, []string{"HELP", "SIZE 0"}, ` SIZE=\d+$`},
	} {
		said, err := commands(t, c.mail, c.capabilities...)
		require.NoError(t, err, name)
		require.Regexp(t, c.want, said[mailAt(said)], name)
	}
	said, err := commands(t, local, "HELP", "8BITMIME")
	requireStage(t, StageMail, 0, false, err)
	require.ErrorContains(t, err, "SMTPUTF8")
	require.Equal(t, -1, mailAt(said))

	field := simple("a@x.org")
	field.ReplyTo = []mail.Address{address("größe@x.org")}
	said, err = commands(t, field, "HELP", "8BITMIME")
	requireStage(t, StageMail, 0, false, err)
	require.ErrorContains(t, err, "SMTPUTF8")
	require.Equal(t, -1, mailAt(said))
	said, err = commands(t, field, all...)
	require.NoError(t, err)
	require.Regexp(t, ` SMTPUTF8$`, said[mailAt(said)])
}

func mailAt(said []string) int {
	for i, command := range said {
		if strings.HasPrefix(command, "MAIL") {
			return i
		}
	}
	return -1
}

// What is not an address goes as ASCII, whatever the server can do.
func TestContentNeedsNo8BitMIME(t *testing.T) {
	m := simple("a@x.org")
	m.From.Name, m.To[0].Name, m.Subject, m.Text, m.HTML = "Ärger", "Größe", "Grüße", "ä\nö", "<p>ü</p>"
	m.Headers = []Header{{"X-Prozess", "Prüfung"}}
	m.Attachments = []Attachment{{Name: "März.txt", ContentType: "text/plain", Content: []byte{0, 0x80, 0xff}}}
	raw, _, _ := written(t, m)
	require.True(t, ascii(raw))
	c, err := compose(m)
	require.NoError(t, err)
	require.NoError(t, c.measure(nil))
	require.False(t, c.eightBit || c.international)
	m.ReplyTo = []mail.Address{address("größe@x.org")}
	c, err = compose(m)
	require.NoError(t, err)
	require.NoError(t, c.measure(nil))
	require.True(t, c.eightBit && c.international, "an address that nobody can encode")
}

func TestInternationalAddresses(t *testing.T) {
	p := &peer{}
	m := simple("größe@x.org")
	_, err := send(t, p.start(t), m)
	require.NoError(t, err)
	got := p.mails()[0]
	require.Equal(t, []string{"größe@x.org"}, got.to)
	require.True(t, got.options.UTF8)
	require.Equal(t, gosmtp.Body8BitMIME, got.options.Body)
	require.Contains(t, got.raw, "größe@x.org")
}

func TestInternationalDomains(t *testing.T) {
	p := &peer{noUTF8: true, rcptError: map[string]error{"eve@xn--bcher-kva.example": refusal(550, gosmtp.EnhancedCode{5, 1, 1}, "unknown")}}
	m := simple("ann@bücher.example", "eve@bücher.example")
	m.From, m.ReplyTo = address("desk@größe.example"), []mail.Address{address("Answers@GRÖSSE.example")}
	receipt, err := send(t, p.start(t), m)
	require.NoError(t, err)
	require.Equal(t, []string{"ann@bücher.example"}, receipt.Accepted, "as the caller writes them")
	require.Equal(t, "eve@bücher.example", receipt.Refused[0].Address)
	got := p.mails()[0]
	require.Equal(t, []string{"ann@xn--bcher-kva.example"}, got.to)
	require.Regexp(t, `^desk@xn--gr\S+-\S+\.example$`, got.from)
	require.True(t, ascii(got.raw))
}

func TestMessageIDsOfInternationalDomains(t *testing.T) {
	p := &peer{noUTF8: true}
	m := simple("a@x.org")
	m.From = address("desk@bücher.example")
	tr := transport(t, p.start(t))
	for given, want := range map[string]string{
		"":                       `^<[a-z0-9]+@xn--bcher-kva\.example>$`,
		"order-7@bücher.example": `^<order-7@xn--bcher-kva\.example>$`,
		"<Order-7@example.com>":  `^<Order-7@example\.com>$`,
		"<7@xn--bcher-kva.test>": `^<7@xn--bcher-kva\.test>$`,
		"<no-domain-of-its-own>": `^<no-domain-of-its-own>$`,
		"<7@BÜCHER.example>":     `^<7@xn--bcher-kva\.example>$`,
	} {
		m.MessageID = given
		receipt, err := tr.Send(t.Context(), m)
		require.NoError(t, err)
		require.Regexp(t, want, receipt.MessageID)
		mails := p.mails()
		require.Contains(t, mails[len(mails)-1].raw, "\r\nMessage-ID: "+receipt.MessageID+"\r\n")
	}
}

func TestAnAttachmentThatChanges(t *testing.T) {
	p := &peer{}
	var opened atomic.Int64
	m := simple("a@x.org")
	m.Attachments = []Attachment{{Name: "log", Open: func() (io.ReadCloser, error) {
		return io.NopCloser(io.LimitReader(zeros{}, 1000+opened.Add(1))), nil
	}}}
	_, err := send(t, p.start(t), m)
	requireStage(t, StageCompose, 0, true, err)
	require.ErrorContains(t, err, "changed")
	require.Empty(t, p.mails())
}
