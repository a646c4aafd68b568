package message

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func parse(t *testing.T, raw string, limits Limits) *Message {
	t.Helper()
	m, err := Parse(strings.NewReader(raw), limits, nil)
	require.NoError(t, err)
	return m
}

func TestDedupKey(t *testing.T) {
	const one = "Received: by a\r\nFrom: ann@example.com\r\nSubject: hi\r\nMessage-ID: <1@x>\r\nDate: Mon, 15 Sep 2025 10:30:00 +0200\r\n\r\nbody\r\n\r\nmore\r\n"
	key := parse(t, one, Limits{}).DedupKey
	require.Len(t, key, 32)
	same := map[string]string{
		"again":                one,
		"other trace and flag": "Received: by b\r\nX-Spam: no\r\n" + one,
		"LF":                   strings.ReplaceAll(one, "\r\n", "\n"),
		"lines at the end":     one + "\r\n\r\n",
		"no line end":          strings.TrimRight(one, "\r\n"),
		"refolded":             strings.Replace(one, "Subject: hi", "Subject:\r\n hi", 1),
	}
	for name, raw := range same {
		require.Equal(t, key, parse(t, raw, Limits{}).DedupKey, name)
	}
	require.Equal(t, key, parse(t, one, Limits{HeaderBytes: 150, TextBytes: 1}).DedupKey, "limits do not change it")
	for _, change := range [][2]string{{"ann@", "eve@"}, {"hi", "ho"}, {"<1@x>", "<2@x>"}, {"10:30", "10:31"}, {"more", "less"}, {"body\r\n\r\n", "body\r\n"}} {
		require.NotEqual(t, key, parse(t, strings.Replace(one, change[0], change[1], 1), Limits{}).DedupKey, change)
	}
}

func TestLimits(t *testing.T) {
	t.Run("header bytes", func(t *testing.T) {
		m := parse(t, "Subject: kept\r\n"+strings.Repeat("X-Long: x\r\n", 1000)+"Message-ID: <late@x>\r\n\r\nbody", Limits{HeaderBytes: 100})
		require.True(t, m.HeadersTruncated)
		require.Equal(t, "kept", m.Subject)
		require.Equal(t, "body", m.Text)
		require.Less(t, len(m.Headers), 12)
	})
	t.Run("parts", func(t *testing.T) {
		m := parse(t, "Content-Type: multipart/mixed; boundary=b\r\n\r\n"+strings.Repeat("--b\r\nContent-Type: a/b\r\n\r\nx\r\n", 1000)+"--b--\r\n", Limits{Parts: 10})
		require.Len(t, m.Attachments, 10)
		require.Contains(t, m.Defects, "more than 10 parts, the rest is left out")
	})
	t.Run("depth", func(t *testing.T) {
		var raw strings.Builder
		for i := range 1000 {
			fmt.Fprintf(&raw, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
		}
		raw.WriteString("\r\ninnermost\r\n")
		m := parse(t, raw.String(), Limits{Depth: 5})
		require.Len(t, m.Attachments, 1)
		require.Equal(t, "multipart/mixed", m.Attachments[0].ContentType)
		require.Equal(t, "1.1.1.1.1", m.Attachments[0].Part)
		require.Contains(t, m.Defects, "part 1.1.1.1.1: nested deeper than 5, kept as an attachment")
	})
	t.Run("text", func(t *testing.T) {
		m := parse(t, "Content-Type: text/plain; charset=utf-8\r\n\r\n"+strings.Repeat("ä", 100), Limits{TextBytes: 11})
		require.Equal(t, "äääää", m.Text)
		require.True(t, m.TextTruncated)
		require.NotContains(t, m.Defects, "the mail: bytes that are not UTF-8", "the cut is ours")
		m = parse(t, "Content-Type: text/plain; charset=koi8-r\r\n\r\n"+strings.Repeat("\xC1", 11), Limits{TextBytes: 11})
		require.Equal(t, "ааааа", m.Text, "bounded after conversion, too")
		require.True(t, m.TextTruncated)
	})
	t.Run("defects", func(t *testing.T) {
		require.Len(t, parse(t, strings.Repeat("no field\r\n", 1000), Limits{}).Defects, maxDefects)
	})
}

// repeated is a reader of n copies of a text.
func repeated(text string, n int) io.Reader {
	readers := make([]io.Reader, 0, n)
	for range n {
		readers = append(readers, strings.NewReader(text))
	}
	return io.MultiReader(readers...)
}

func TestMemoryIsBounded(t *testing.T) {
	const mib = 1 << 20
	block := strings.Repeat(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("x"), 57))+"\r\n", mib/78)
	cases := map[string]io.Reader{
		"100 MB attachment": io.MultiReader(strings.NewReader("Content-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n\r\n"), repeated(block, 100)),
		"100 MB header":     io.MultiReader(repeated("X-Header: "+strings.Repeat("x", mib-12)+"\r\n", 100), strings.NewReader("\r\nbody")),
		"100 MB header line": io.MultiReader(strings.NewReader("Subject: "), repeated(strings.Repeat("x", mib), 100),
			strings.NewReader("\r\n\r\nbody")),
		"100 MB text": io.MultiReader(strings.NewReader("Content-Type: text/html; charset=koi8-r\r\n\r\n"), repeated(block, 100)),
	}
	for name, raw := range cases {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			m, err := Parse(raw, Limits{}, nil)
			runtime.ReadMemStats(&after)
			require.NoError(t, err)
			require.Greater(t, m.Size, int64(95*mib))
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(24*mib), "all that was ever allocated")
		})
	}
}

func TestErrorsOfOthers(t *testing.T) {
	const raw = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: a/b\r\n\r\nx\r\n--b--\r\n"
	full := errors.New("store is full")
	_, err := Parse(strings.NewReader(raw), Limits{}, func(Attachment, io.Reader) error { return full })
	require.ErrorIs(t, err, full)
	require.ErrorContains(t, err, "store attachment 1")

	for n := range len(raw) {
		cut := errors.New("connection cut")
		_, err := Parse(io.MultiReader(strings.NewReader(raw[:n]), iotest.ErrReader(cut)), Limits{}, nil)
		require.ErrorIs(t, err, cut, "after %d bytes: what is cut must not pass for the whole", n)
	}
}

func TestReaderMayGiveSingleBytes(t *testing.T) {
	mails, err := filepath.Glob("testdata/*.eml")
	require.NoError(t, err)
	for _, name := range mails {
		raw, err := os.ReadFile(name)
		require.NoError(t, err)
		want, err := Parse(bytes.NewReader(raw), Limits{}, nil)
		require.NoError(t, err)
		got, err := Parse(iotest.OneByteReader(bytes.NewReader(raw)), Limits{}, nil)
		require.NoError(t, err)
		require.Equal(t, want, got, name)
	}
}

func TestAutomatic(t *testing.T) {
	cases := map[string]bool{
		"Auto-Submitted: auto-generated":                     true,
		"auto-submitted: Auto-Replied; owner=x":              true,
		"Auto-Submitted: no":                                 false,
		"List-Id: <a.example.com>":                           true,
		"List-Unsubscribe: <mailto:x@example.com>":           true,
		"Precedence: Bulk":                                   true,
		"Precedence: list":                                   true,
		"Precedence: junk":                                   true,
		"Precedence: first-class":                            false,
		"Return-Path: <>":                                    true,
		"Return-Path: <ann@example.com>":                     false,
		"From: Mail Delivery Subsystem <MAILER-DAEMON@mx.x>": true,
		"From: Ann <ann@example.com>":                        false,
		"Content-Type: Multipart/Report; boundary=x":         true,
		"Content-Type: multipart/mixed; boundary=report":     false,
		"X-Auto-Response-Suppress: OOF, AutoReply":           true,
		"X-Auto-Response-Suppress: None":                     false,
		"X-Autoreply: yes":                                   true,
		"Subject: Auto-Submitted: auto-replied":              false,
	}
	for field, want := range cases {
		got, reason := Automatic(parse(t, field+"\r\n\r\n", Limits{}).Headers)
		require.Equal(t, want, got, field)
		require.Equal(t, want, reason != "", field)
	}
}

func TestQuotedPrintableOverBufferEdges(t *testing.T) {
	for _, shift := range []int{4092, 4093, 4094, 4095, 4096, 4097} {
		text := strings.Repeat("x", shift) + "=C3=A4=E2=82=AC and on" // one line, longer than the decoder's buffer
		m := parse(t, "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"+text, Limits{})
		require.Equal(t, strings.Repeat("x", shift)+"ä€ and on", m.Text, shift)
	}
}

func FuzzParse(f *testing.F) {
	mails, err := filepath.Glob("testdata/*.eml")
	require.NoError(f, err)
	broken, err := filepath.Glob("testdata/malformed/*.eml")
	require.NoError(f, err)
	for _, name := range append(mails, broken...) {
		raw, err := os.ReadFile(name)
		require.NoError(f, err)
		if len(raw) < 8<<10 {
			f.Add(raw)
		}
	}
	f.Add([]byte("From: MAILER-DAEMON@x\nX-Failed-Recipients: a@x, b@x\n\nHi. This is the qmail-send program at x.\n\n<a@x>: 550 no\nwhy (#5.1.1)\n\n---\nMessage-ID: <1@x>\n"))
	f.Add([]byte("Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822;a+2Bb@x\nDiagnostic-Code: smtp;\n 451 4.2.0 x\n--b\nContent-Type: message/rfc822\n\nMessage-ID: <1@x>\n\n--b--"))
	limits := Limits{HeaderBytes: 4 << 10, Parts: 20, Depth: 4, TextBytes: 1 << 10}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var total int64
		m, err := Parse(bytes.NewReader(raw), limits, func(_ Attachment, r io.Reader) error {
			n, err := io.Copy(io.Discard, r)
			total += n
			return err
		})
		require.NoError(t, err)
		require.Equal(t, int64(len(raw)), m.Size)
		require.LessOrEqual(t, total, int64(len(raw)))
		require.LessOrEqual(t, len(m.Text), limits.TextBytes)
		require.LessOrEqual(t, len(m.HTML), limits.TextBytes)
		require.LessOrEqual(t, len(m.Attachments), limits.Parts+1)
		requireClean(t, "fuzzed", m)
	})
}
