package ews_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	netmail "net/mail"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/ews"
	"github.com/waybill-io/waybill/testsuite/ewsserver"
)

func TestFetch(t *testing.T) {
	s := start(t, ewsserver.Options{TLS: true})
	a := open(t, config(s))
	for _, size := range []int{1, 2, 3, 16 << 10, 3<<20 + 1} {
		content := append(raw("random"), make([]byte, size)...)
		_, _ = rand.Read(content[len(content)-size:])
		id := s.Deliver(support, "inbox", ewsserver.Mail{Raw: content})
		var got bytes.Buffer
		n, err := a.Fetch(t.Context(), ews.Inbox, id, &got, int64(len(content)))
		require.NoError(t, err)
		assert.Equal(t, int64(len(content)), n)
		assert.True(t, bytes.Equal(content, got.Bytes()), "%d bytes differ", size)

		got.Reset()
		n, err = a.Fetch(t.Context(), ews.Inbox, id, &got, int64(len(content)-1))
		require.ErrorIs(t, err, mail.ErrTooLarge)
		assert.LessOrEqual(t, n, int64(len(content)-1))
		assert.LessOrEqual(t, got.Len(), len(content)-1)
	}
	for _, m := range s.Mails(support, "inbox") {
		assert.False(t, m.Read, "a mail that was fetched is not read")
	}
}

func TestFetchHoldsNoMailInMemory(t *testing.T) {
	const size = 24 << 20
	a := answering(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
		before, after, _ := strings.Cut(soap("GetItem", `<Items><Message><MimeContent>|</MimeContent></Message></Items>`), "|")
		_, _ = io.WriteString(w, before)
		line := []byte(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("abc"), 16)) + "\r\n")
		for range size / 48 {
			_, _ = w.Write(line)
		}
		_, _ = io.WriteString(w, after)
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n, err := a.Fetch(t.Context(), ews.Inbox, "1", io.Discard, 0)
	require.NoError(t, err)
	assert.Equal(t, int64(size), n)
	runtime.ReadMemStats(&after)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(2<<20), "both ends together")
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

func TestFetchOfWhatIsGone(t *testing.T) {
	s := start(t, ewsserver.Options{})
	a := open(t, config(s))
	id := deliver(s, "gone")
	s.Delete(support, id)
	_, err := a.Fetch(t.Context(), ews.Inbox, id, io.Discard, 0)
	require.ErrorIs(t, err, mail.ErrGone)
	assert.Less(t, len(err.Error()), 100, "ids are long: %v", err)
}

func TestFetchToAWriterThatFails(t *testing.T) {
	s := start(t, ewsserver.Options{})
	a := open(t, config(s))
	id := deliver(s, "one")
	full := errors.New("disk full")
	_, err := a.Fetch(t.Context(), ews.Inbox, id, writer(func([]byte) (int, error) { return 0, full }), 0)
	require.ErrorIs(t, err, full)
	assert.NotErrorAs(t, err, new(*ews.Error), "the server is not to blame")
	assert.Equal(t, string(raw("one")), fetch(t, a, id))
}

func TestFetchOfWhatIsNoMIME(t *testing.T) {
	s := start(t, ewsserver.Options{})
	a := open(t, config(s))
	content := "From: =?utf-8?q?J=C3=BCrgen?= <sender@example.com>\r\nTo: a@example.com, b@example.com\r\nCc: c@example.com\r\n" +
		"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-Id: <m@example.com>\r\nIn-Reply-To: <before@example.com>\r\n" +
		"References: <before@example.com>\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nSchöne Grüße.\r\nEnde.\r\n"
	id := s.Deliver(support, "inbox", ewsserver.Mail{Raw: []byte(content), Unmimeable: true})
	text := fetch(t, a, id)
	got, err := netmail.ReadMessage(strings.NewReader(text))
	require.NoError(t, err, text)
	assert.Contains(t, got.Header.Get("X-Waybill-Incomplete"), "ErrorMimeContentConversionFailed")
	for field, want := range map[string]string{
		"Message-Id": "<m@example.com>", "In-Reply-To": "<before@example.com>", "References": "<before@example.com>",
		"Subject": "=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Date": "Tue, 24 Nov 2026 10:00:00 +0000",
		"Cc": `"c@example.com" <c@example.com>`,
	} {
		assert.Equal(t, want, got.Header.Get(field))
	}
	from, err := got.Header.AddressList("From")
	require.NoError(t, err)
	assert.Equal(t, []*netmail.Address{{Name: "Jürgen", Address: "sender@example.com"}}, from)
	assert.Contains(t, text, "Sch=C3=B6ne Gr=C3=BC=C3=9Fe.")

	_, err = a.Fetch(t.Context(), ews.Inbox, id, io.Discard, 10)
	assert.ErrorIs(t, err, mail.ErrTooLarge)
}

// answering is a server that logs in and then answers GetItem and SyncFolderItems with what the test gives.
func answering(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, body string)) *ews.Account {
	t.Helper()
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), "GetFolder") {
			_, _ = io.WriteString(w, soap("GetFolder", `<Folders><Folder><FolderId Id="inbox"/></Folder></Folders>`))
			return
		}
		answer(w, r, string(body))
	}))
	t.Cleanup(fake.Close)
	return open(t, ews.Config{URL: fake.URL, Auth: ews.AuthBasic, Username: "u", Password: password})
}

func soap(operation, content string) string {
	return `<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><` + operation + `Response><ResponseMessages><` + operation +
		`ResponseMessage ResponseClass="Success"><ResponseCode>NoError</ResponseCode>` + content + `</` + operation +
		`ResponseMessage></ResponseMessages></` + operation + `Response></Body></Envelope>`
}

func TestFetchOfAnswersAsTheyCome(t *testing.T) {
	encoded := base64.StdEncoding.EncodeToString(raw("one"))
	item := func(content string) string {
		return soap("GetItem", `<Items><Message>`+content+`<ItemId Id="1"/></Message></Items>`)
	}
	var folded strings.Builder
	for chunk := range strings.SplitSeq(strings.Join(strings.Split(encoded, "="), "="), "Q") {
		folded.WriteString(chunk + "&#xD;\n\tQ")
	}
	for name, test := range map[string]struct{ answer, refused string }{
		"plain":            {answer: item(`<MimeContent>` + encoded + `</MimeContent>`)},
		"lines":            {answer: item("<MimeContent CharacterSet=\"UTF-8\">\r\n" + strings.TrimSuffix(folded.String(), "&#xD;\n\tQ") + "\r\n</MimeContent>")},
		"document type":    {`<!DOCTYPE a [<!ENTITY b "c">]>` + item(`<MimeContent>`+encoded+`</MimeContent>`), "document type"},
		"entity":           {item(`<MimeContent>` + encoded[:8] + `&amp;</MimeContent>`), "not base64"},
		"CDATA":            {item(`<MimeContent><![CDATA[` + encoded + `]]></MimeContent>`), "not base64"},
		"an element":       {item(`<MimeContent>` + encoded[:8] + `<a/></MimeContent>`), "not base64"},
		"no base64":        {item(`<MimeContent>????</MimeContent>`), "illegal base64"},
		"cut":              {item(`<MimeContent>` + encoded)[:300], "EOF"},
		"odd length":       {item(`<MimeContent>` + encoded[:5] + `</MimeContent>`), "EOF"},
		"nested too deep":  {item(strings.Repeat("<a>", 200)), "too deep"},
		"no XML":           {"<html>Log in, please", ""},
		"nothing":          {"", "EOF"},
		"white space only": {item(`<MimeContent>` + strings.Repeat(" ", 1<<20) + `</MimeContent>`), "larger than the limit"},
	} {
		t.Run(name, func(t *testing.T) {
			a := answering(t, func(w http.ResponseWriter, _ *http.Request, _ string) { _, _ = io.WriteString(w, test.answer) })
			var got bytes.Buffer
			_, err := a.Fetch(t.Context(), ews.Inbox, "1", &got, 10<<10)
			if test.refused == "" && name != "no XML" {
				require.NoError(t, err)
				assert.Equal(t, string(raw("one")), got.String())
				return
			}
			require.ErrorContains(t, err, test.refused)
			if test.refused != "larger than the limit" {
				assert.Equal(t, mail.KindProtocol, kind(t, err), "%v", err)
			}
		})
	}
}

func TestNextOfAnswersAsTheyCome(t *testing.T) {
	for name, test := range map[string]struct{ answer, refused string }{
		"document type":   {`<!DOCTYPE a>` + soap("SyncFolderItems", `<SyncState>s</SyncState>`), "document type"},
		"no state":        {soap("SyncFolderItems", `<IncludesLastItemInRange>true</IncludesLastItemInRange>`), "no new sync state"},
		"endless":         {soap("SyncFolderItems", `<SyncState>s</SyncState><IncludesLastItemInRange>false</IncludesLastItemInRange>`), "no new sync state"},
		"a huge size":     {soap("SyncFolderItems", `<SyncState>s</SyncState><Changes><Create><Message><ItemId Id="1"/><Size>99999999999999999999</Size></Message></Create></Changes>`), "99999"},
		"endless element": {"<a>" + strings.Repeat("a", 17<<20), "longer than allowed"},
		"unknown entity":  {soap("SyncFolderItems", `<SyncState>&bomb;</SyncState>`), "entity"},
		"another page":    {"<html><body>It works!</body></html>", "no message"},
		"secret repeated": {strings.ReplaceAll(soap("SyncFolderItems", `<MessageText>bad password `+"s3cret&amp;&lt;pass>"+`</MessageText>`), "NoError", "ErrorOdd"), "ErrorOdd: bad password ****"},
	} {
		t.Run(name, func(t *testing.T) {
			a := answering(t, func(w http.ResponseWriter, _ *http.Request, _ string) { _, _ = io.WriteString(w, test.answer) })
			_, err := a.Next(t.Context(), ews.Inbox, mail.Position{}, 10)
			if err == nil { // the second page is as the first
				_, err = a.Next(t.Context(), ews.Inbox, mail.Position{Cursor: "s:s"}, 10)
			}
			require.ErrorContains(t, err, test.refused)
			assert.Equal(t, mail.KindProtocol, kind(t, err))
		})
	}
}

func TestARequestIsRepeatedOnAKeptConnectionThatWasClosed(t *testing.T) {
	asked := 0
	a := answering(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
		if asked++; asked == 1 { // as a server does whose patience ends while the request is under way
			conn, _, err := w.(http.Hijacker).Hijack()
			require.NoError(t, err)
			_ = conn.Close()
			return
		}
		_, _ = io.WriteString(w, soap("SyncFolderItems", `<SyncState>s</SyncState>`))
	})
	batch, err := a.Next(t.Context(), ews.Inbox, mail.Position{}, 10)
	require.NoError(t, err)
	assert.Equal(t, "s:s", batch.Cursor)
}

func TestRedirectionsAreNotFollowed(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("asked with %q", r.Header.Get("Authorization"))
	}))
	defer other.Close()
	for _, code := range []int{301, 302, 307, 308} {
		a := answering(t, func(w http.ResponseWriter, r *http.Request, _ string) { http.Redirect(w, r, other.URL, code) })
		_, err := a.Next(t.Context(), ews.Inbox, mail.Position{}, 10)
		assert.Equal(t, mail.KindProtocol, kind(t, err))
		assert.ErrorContains(t, err, fmt.Sprint(code))
	}
}

func TestFind(t *testing.T) {
	s := start(t, ewsserver.Options{TLS: true})
	a := open(t, config(s))
	var ids []string
	for _, messageID := range []string{"<1@example.com>", "<21@example.com>", "<1@example.com>"} {
		ids = append(ids, s.Deliver(support, "inbox", ewsserver.Mail{Raw: []byte("From: ann@example.com\r\nMessage-ID: " + messageID + "\r\n\r\nHello.\r\n")}))
	}
	found, err := a.Find(t.Context(), ews.Inbox, "<1@example.com>")
	require.NoError(t, err)
	require.Len(t, found, 2)
	require.ElementsMatch(t, []string{ids[0], ids[2]}, []string{found[0].ID, found[1].ID})
	require.False(t, found[0].Arrived.IsZero())
	found, err = a.Find(t.Context(), ews.Inbox, "<\"quoted\"&2@example.com>")
	require.NoError(t, err)
	require.Empty(t, found)
	_, err = a.Find(t.Context(), "nowhere", "<1@example.com>")
	require.Equal(t, mail.KindFolderMissing, mail.KindOf(err))
}
