package message

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// summary is what a malformed mail must be parsed to, as far as it tells one from another.
type summary struct {
	From      string     `json:"from,omitempty"`
	Subject   string     `json:"subject,omitempty"`
	MessageID string     `json:"messageId,omitempty"`
	Date      *time.Time `json:"date,omitempty"`
	Headers   int        `json:"headers"`
	Text      string     `json:"text,omitempty"`
	HTML      string     `json:"html,omitempty"` // sanitized
	Parts     []string   `json:"parts,omitempty"`
	Kind      Kind       `json:"kind,omitempty"` // unless a person's
	Bounce    *Bounce    `json:"bounce,omitempty"`
	Defects   []string   `json:"defects,omitempty"`
}

func summarize(m *Message) summary {
	s := summary{Subject: shorten(m.Subject, 60), MessageID: m.MessageID, Headers: len(m.Headers), Text: shorten(m.Text, 120),
		HTML: shorten(Sanitize(m.HTML), 120), Bounce: BounceOf(m), Defects: m.Defects}
	if kind := Classify(m); kind != Person {
		s.Kind = kind
	}
	if !m.Date.IsZero() {
		s.Date = &m.Date
	}
	var from []string
	for _, a := range m.From {
		from = append(from, strings.TrimSpace(a.Name+" <"+a.Address+">"))
	}
	s.From = strings.Join(from, ", ")
	for _, a := range m.Attachments[:min(len(m.Attachments), 5)] {
		s.Parts = append(s.Parts, fmt.Sprintf("%s %s %q %d", a.Part, a.ContentType, shorten(a.Name, 60), a.Size))
	}
	return s
}

// TestMalformed parses every mail of the corpus. What each must be parsed to is in testdata/malformed.json.
func TestMalformed(t *testing.T) {
	made := malformed()
	if *update {
		require.NoError(t, os.RemoveAll("testdata/malformed"))
		require.NoError(t, os.MkdirAll("testdata/malformed", 0o755))
		for name, raw := range made {
			require.NoError(t, os.WriteFile(filepath.Join("testdata/malformed", name+".eml"), []byte(raw), 0o644))
		}
	}
	files, err := filepath.Glob("testdata/malformed/*.eml")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 200)
	require.Len(t, files, len(made))

	got := map[string]summary{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".eml")
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, made[name], string(raw), "%s is not as it is made; run with -update", name)
		m, allocated := parseCounting(t, bytes.NewReader(raw))
		require.Less(t, allocated, uint64(4<<20), name)
		require.Equal(t, int64(len(raw)), m.Size, name)
		requireClean(t, name, m)
		got[name] = summarize(m)
	}
	text := &bytes.Buffer{}
	encoder := json.NewEncoder(text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	require.NoError(t, encoder.Encode(got))
	if *update {
		require.NoError(t, os.WriteFile("testdata/malformed.json", text.Bytes(), 0o644))
	}
	golden, err := os.ReadFile("testdata/malformed.json")
	require.NoError(t, err)
	var want, have map[string]any
	require.NoError(t, json.Unmarshal(golden, &want))
	require.NoError(t, json.Unmarshal(text.Bytes(), &have))
	for _, name := range slices.Sorted(maps.Keys(have)) {
		require.Equal(t, want[name], have[name], name)
	}
	require.Len(t, want, len(have))
}

// parseCounting parses and reports all bytes that were ever allocated.
func parseCounting(t *testing.T, r io.Reader) (*Message, uint64) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m, err := Parse(r, Limits{}, nil)
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	return m, after.TotalAlloc - before.TotalAlloc
}

// requireClean checks what holds for the result of any mail.
func requireClean(t *testing.T, name string, m *Message) {
	t.Helper()
	strs := append([]string{m.MessageID, m.InReplyTo, m.Subject, m.Text, m.HTML, Original(m), Sanitize(m.HTML), PlainText(m.HTML)}, m.References...)
	strs = append(strs, m.Defects...)
	lines := append([]string{m.MessageID, m.InReplyTo, m.Subject, Original(m)}, m.References...)
	for _, h := range m.Headers {
		lines = append(lines, h.Key, h.Value)
	}
	for _, a := range slices.Concat(m.From, m.To, m.Cc, m.ReplyTo) {
		lines = append(lines, a.Name, a.Address)
	}
	for _, a := range m.Attachments {
		lines = append(lines, a.Part, a.Name, a.ContentType, a.ContentID)
		require.NotContains(t, a.Name, "/", name)
		require.NotContains(t, a.Name, `\`, name)
		require.NotContains(t, []string{".", ".."}, a.Name, name)
		for _, r := range a.Name {
			require.False(t, '\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069', "%s: %q", name, a.Name)
		}
	}
	if b := BounceOf(m); b != nil {
		require.LessOrEqual(t, len(b.Recipients), maxRecipients)
		lines = append(lines, b.OriginalMessageID)
		for _, r := range b.Recipients {
			lines = append(lines, r.Address, r.Action, r.Status, r.Diagnostic)
			require.Regexp(t, `^(failed|delayed|delivered|relayed|expanded)$`, r.Action, name)
			require.Regexp(t, `^[245]\.\d{1,3}\.\d{1,3}$`, r.Status, name)
		}
	}
	if automatic, _ := Automatic(m.Headers); automatic {
		require.NotEqual(t, Person, Classify(m), name)
	}
	for _, s := range lines {
		require.False(t, strings.ContainsAny(s, "\r\n"), "%s: %q", name, s)
	}
	for _, s := range append(strs, lines...) {
		require.True(t, utf8.ValidString(s), "%s: %q", name, s)
		require.NotContains(t, s, "\x00", name)
	}
}

// TestGiants parses mails that are too large to keep.
func TestGiants(t *testing.T) {
	const mib = 1 << 20
	in := strings.NewReader
	deep := func(n int) io.Reader {
		var raw strings.Builder
		for i := range n {
			fmt.Fprintf(&raw, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
		}
		return in(raw.String() + "\r\ninnermost\r\n")
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", 57)))
	for name, tc := range map[string]struct {
		raw   io.Reader
		check func(t *testing.T, m *Message)
	}{
		"1,000 nested parts": {deep(1000), func(t *testing.T, m *Message) {
			require.Len(t, m.Attachments, 1, "what is too deep is kept raw")
			require.Empty(t, m.Text)
		}},
		"100,000 nested parts": {deep(100_000), nil},
		"1,000 nested messages": {in(strings.Repeat("Content-Type: message/rfc822\r\n\r\n", 1000) + "Subject: innermost\r\n\r\n"), func(t *testing.T, m *Message) {
			require.Len(t, m.Attachments, 1, "a mail in a mail is not opened")
		}},
		"200,000 parts": {io.MultiReader(in("Content-Type: multipart/mixed; boundary=b\r\n\r\n"), repeated(strings.Repeat("--b\r\n\r\n\r\n", 1000), 200)), nil},
		"100 MB header, many fields": {io.MultiReader(repeated(strings.Repeat("X-A: b\r\n", mib/8), 100), in("\r\nbody")), func(t *testing.T, m *Message) {
			require.True(t, m.HeadersTruncated)
			require.Equal(t, "body", m.Text)
		}},
		"10 MB header, one folded field": {io.MultiReader(in("Subject: a\r\n"), repeated(strings.Repeat(" a\r\n", mib/4), 10), in("\r\nbody")), nil},
		"100 MB header, no colon":        {io.MultiReader(repeated(strings.Repeat("x", mib), 100), in("\r\n\r\nbody")), nil},
		"100 MB header of a part":        {io.MultiReader(in("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"), repeated("X: "+strings.Repeat("x", mib)+"\r\n", 100), in("\r\nbody\r\n--b--\r\n")), nil},
		"100 MB one line": {io.MultiReader(in("Subject: s\r\n\r\n"), repeated(strings.Repeat("x", mib), 100)), func(t *testing.T, m *Message) {
			require.True(t, m.TextTruncated)
			require.Len(t, m.Text, mib)
		}},
		"10 MB one line of quoted-printable": {io.MultiReader(in("Content-Transfer-Encoding: quoted-printable\r\n\r\n"), repeated(strings.Repeat("=41", mib/3), 10)), nil},
		"10 MB one line of base64":           {io.MultiReader(in("Content-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n\r\n"), repeated(strings.Repeat(encoded, mib/76), 10)), nil},
		"10 MB of dashes":                    {io.MultiReader(in("Content-Type: multipart/mixed; boundary=-\r\n\r\n"), repeated(strings.Repeat("-", mib), 10)), nil},
		"10 MB of line ends":                 {io.MultiReader(in("Subject: s\r\n\r\n"), repeated(strings.Repeat("\r\n", mib/2), 10)), nil},
		"10 MB of NUL":                       {repeated(strings.Repeat("\x00", mib), 10), nil},
		"10 MB delivery status": {io.MultiReader(in("Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"), repeated(strings.Repeat("Final-Recipient: rfc822; a@x\r\n\r\n", mib/32), 10)), func(t *testing.T, m *Message) {
			require.Len(t, BounceOf(m).Recipients, maxRecipients)
		}},
		"10 MB HTML of tags": {io.MultiReader(in("Content-Type: text/html\r\n\r\n"), repeated(strings.Repeat("<b>", mib/3), 10)), nil},
		"address list":       {io.MultiReader(in("From: "), repeated(strings.Repeat("a@example.com, ", 1000), 15), in("\r\n\r\n")), func(t *testing.T, m *Message) { require.NotEmpty(t, m.From) }},
		"address nonsense":   {io.MultiReader(in("From: "), repeated(strings.Repeat("<", 1000), 250), in("\r\n\r\n")), nil},
		"comment nonsense":   {io.MultiReader(in("From: "), repeated(strings.Repeat("(", 1000), 250), in("\r\n\r\n")), nil},
		"encoded words":      {io.MultiReader(in("Subject: "), repeated(strings.Repeat("=?utf-8?Q?a?= ", 1000), 17), in("\r\n\r\n")), nil},
		"open encoded words": {io.MultiReader(in("Subject: "), repeated(strings.Repeat("=?utf-8?Q?", 1000), 25), in("\r\n\r\n")), nil},
		"parameters":         {io.MultiReader(in("Content-Type: text/plain"), repeated(strings.Repeat("; a*0*=b", 1000), 30), in("\r\n\r\n")), nil},
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			m, allocated := parseCounting(t, tc.raw)
			took := time.Since(begin)
			t.Logf("%d MB in %v, %d MB allocated", m.Size/mib, took, allocated/mib)
			require.Less(t, allocated, uint64(64*mib), "all that was ever allocated")
			require.Less(t, took, time.Minute)
			requireClean(t, name, m)
			if tc.check != nil {
				tc.check(t, m)
			}
		})
	}
}

func TestMailsWithoutAHeaderDiffer(t *testing.T) {
	one, other := parse(t, "first text\r\n", Limits{}), parse(t, "other text\r\n", Limits{})
	require.Equal(t, "first text\n", one.Text)
	require.NotEqual(t, one.DedupKey, other.DedupKey, "or the second would be taken for the first")
}
