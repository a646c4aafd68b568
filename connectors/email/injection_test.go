package email

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	netmail "net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/testsuite/mailserver"
)

// wire stands between a client and a mail server and keeps what the client says.
type wire struct {
	net.Listener
	mu   sync.Mutex
	said bytes.Buffer
	open int // conversations
}

func tap(t *testing.T, server string) *wire {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{Listener: l}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			w.count(1)
			serving.Go(func() {
				defer w.count(-1)
				defer client.Close()
				to, err := net.Dial("tcp", server)
				if err != nil {
					return
				}
				defer to.Close()
				serving.Go(func() { _, _ = io.Copy(client, to) })
				_, _ = io.Copy(io.MultiWriter(to, w), client)
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); serving.Wait() })
	return w
}

func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.said.Write(p)
}

func (w *wire) count(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open += n
}

// take returns what was said since the last time, once nobody speaks any more.
func (w *wire) take(t *testing.T) string {
	t.Helper()
	require.Eventually(t, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.open == 0
	}, 30*time.Second, 100*time.Microsecond)
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.said.Reset()
	return w.said.String()
}

// attacks try to end a line of a header, a header, or a mail, in all the ways in which a line end can be written or come about.
func attacks() map[string]string {
	const field = "X-Injected: yes"
	all := map[string]string{
		"a body":              "\r\n\r\n" + field,
		"an end of the mail":  "\r\n.\r\nMAIL FROM:<eve@example.com>\r\nRCPT TO:<eve@example.com>\r\nDATA\r\n" + field + "\r\n\r\nx\r\n.\r\n",
		"an end by line feed": "\n.\nMAIL FROM:<eve@example.com>\nRCPT TO:<eve@example.com>\nDATA\n" + field + "\n\nx\n.\n",
		"an end by both":      "\n.\r\nMAIL FROM:<eve@example.com>\r\n",
		"a boundary":          "\r\n--x\r\n" + field + "\r\n",
		"a parameter":         `"; ` + field + `; x="`,
		"an end of brackets":  "> SIZE=1 <eve@example.com>",
		"encoded word, Q":     "=?utf-8?q?a=0D=0A" + strings.ReplaceAll(field, " ", "_") + "?=",
		"encoded word, B":     "=?utf-8?b?YQ0KWC1JbmplY3RlZDogeWVz?=",
		"encoded word name":   "=?utf-8?q?a=0D=0AX-Injected:_yes?= <ann@example.com>",
		"RFC 2231":            "a%0D%0AX-Injected:%20yes",
	}
	for name, end := range map[string]string{
		"CR": "\r", "LF": "\n", "CRLF": "\r\n", "LFCR": "\n\r", "CRCRLF": "\r\r\n", "folded": "\r\n ", "NUL": "\x00", "VT": "\v", "FF": "\f", "NEL": "\u0085", "LS": "\u2028", "PS": "\u2029",
		"low bytes of CRLF": "\u560d\u560a", "not UTF-8": "\xc0\x8d\xc0\x8a", "NEL as a byte": "\x85", "percent": "%0d%0a", "HTML": "&#13;&#10;", "HTML, hexadecimal": "&#xd;&#xa;", "backslashes": `\r\n`, "JUEL": `${'\r\n'}`,
	} {
		all[name] = "x" + end + field + end + "Bcc: eve@example.com"
	}
	for _, end := range []string{"\r", "\n", "\r\n"} {
		all[fmt.Sprintf("%q first", end)] = end + field
		all[fmt.Sprintf("%q behind an address", end)] = "ann@example.com" + end + field
	}
	return all
}

// Every input, with every attack: it is refused with a reason, or what went over the wire is one mail to Ann with the fields that a mail
// has, of which none is the attacker's.
func TestNoInputInjects(t *testing.T) {
	s, err := mailserver.Start(mailserver.Options{Users: map[string]string{"desk@example.com": secret}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close(context.WithoutCancel(t.Context()))) })
	w := tap(t, s.SMTPAddr())
	c := connect(t, w.Addr().String(), nil)

	type call = map[string]any
	file := func(key, value string) call {
		all := call{"name": "a.txt", "mediaType": "text/plain", "text": "x"}
		all[key] = value
		return all
	}
	template := func(text, value string) call {
		return call{"template": call{"name": "t.ftl", "text": text}, "metadata": call{"name": value}}
	}
	inputs := map[string][]func(attack string) call{
		"to":      {func(a string) call { return call{"to": a} }, func(a string) call { return call{"to": `"` + a + `" <ann@example.com>`} }, func(a string) call { return call{"to": "ann@example.com, " + a} }},
		"from":    {func(a string) call { return call{"from": a} }, func(a string) call { return call{"from": `"` + a + `" <desk@example.com>`} }},
		"cc":      {func(a string) call { return call{"cc": a} }, func(a string) call { return call{"cc": a + " <ann@example.com>"} }},
		"bcc":     {func(a string) call { return call{"bcc": a} }, func(a string) call { return call{"bcc": a + " <ann@example.com>"} }},
		"replyTo": {func(a string) call { return call{"replyTo": a} }, func(a string) call { return call{"replyTo": a + " <ann@example.com>"} }},
		"subject": {func(a string) call { return call{"subject": a} }, func(a string) call { return call{"subject": strings.Repeat("long ", 60) + a} }, func(a string) call { return call{"subject": a, "inReplyTo": "<m@x>"} }},
		"text":    {func(a string) call { return call{"text": a} }, func(a string) call { return call{"text": strings.Repeat("x", 75) + a} }},
		"html": {func(a string) call { return call{"html": a} }, func(a string) call {
			return call{"html": `<img src="cid:a.txt` + a + `"><img src="cid:a.txt">`, "inline": file("name", "a.txt")}
		}},
		"charset":   {func(a string) call { return call{"charset": a} }, func(a string) call { return call{"charset": "utf-8" + a} }},
		"writtenBy": {func(a string) call { return call{"writtenBy": a} }, func(a string) call { return call{"writtenBy": "person" + a} }},
		"inReplyTo": {func(a string) call { return call{"inReplyTo": a} }, func(a string) call { return call{"inReplyTo": "<m@x" + a + ">"} }, func(a string) call { return call{"inReplyTo": "<m@x>" + a} }},
		"references": {
			func(a string) call { return call{"inReplyTo": "<m@x>", "references": a} }, func(a string) call { return call{"inReplyTo": "<m@x>", "references": []any{a, "<a" + a + "@b>"}} },
			func(a string) call { return call{"inReplyTo": "<m@x>", "references": "<a@b>" + a + "<c" + a + "@d>"} },
		},
		"template": {
			func(a string) call { return call{"template": call{"name": "t.ftl", "text": a}} }, func(a string) call { return call{"template": call{"name": a, "text": "x"}} },
			func(a string) call {
				return call{"template": call{"name": "t", "mediaType": "text/plain" + a, "text": "x"}}
			},
			func(a string) call { return call{"template": call{"name": "t" + a, "uri": a}} },
		},
		"metadata": {
			func(a string) call { return template("<p>${name}</p>", a) }, func(a string) call { return template(`<img src="cid:${name}">`, a) },
			func(a string) call {
				return call{"template": call{"name": "t.txt", "text": "${name}"}, "metadata": call{"name": a}}
			},
			func(a string) call {
				return call{"template": call{"name": "t.ftl", "text": "x"}, "metadata": `{"name":"` + a + `"}`}
			},
		},
		"attachments": {
			func(a string) call { return call{"attachments": file("name", a)} }, func(a string) call { return call{"attachments": file("name", "a"+a+".txt")} }, func(a string) call { return call{"attachments": file("mediaType", a)} },
			func(a string) call { return call{"attachments": file("mediaType", "text/plain; charset=utf-8"+a)} }, func(a string) call { return call{"attachments": file("mediaType", `text/plain; x="`+a+`"`)} },
			func(a string) call { return call{"attachments": file("text", a)} }, func(a string) call { return call{"attachments": call{"name": "a.txt", "uri": a}} },
		},
		"inline": {
			func(a string) call { return call{"html": `<img src="cid:` + a + `">`, "inline": file("name", a)} },
			func(a string) call {
				return call{"html": `<img src="cid:a.txt">`, "inline": file("mediaType", "image/png"+a)}
			},
			func(a string) call {
				return call{"html": `<img src="cid:a.txt">`, "inline": file("mediaType", `image/png; x="`+a+`"`)}
			},
			func(a string) call { return call{"html": `<img src="cid:a.txt">`, "inline": file("text", a)} },
		},
	}
	action, err := Template().Definition.Action("SEND")
	require.NoError(t, err)
	for _, input := range action.Inputs {
		require.NotEmpty(t, inputs[input.Name], "the input %s has no attack", input.Name)
	}
	sent, refused := 0, 0
	for input, calls := range inputs {
		for n, of := range calls {
			for name, attack := range attacks() {
				values := call{"to": "ann@example.com"}
				for key, value := range of(attack) {
					values[key] = value
				}
				if values["text"] == nil && values["html"] == nil && values["template"] == nil {
					values["text"] = "Hello"
				}
				what := fmt.Sprintf("%s, %d, %s", input, n, name)
				_, err := c.Call(t.Context(), connectors.Call{Action: "SEND", IdempotencyKey: "instance/7" + attack, Inputs: values})
				require.NoError(t, c.mails.Close()) // so that each mail has a conversation of its own
				said := w.take(t)
				if err == nil {
					sent++
					oneMail(t, said, what)
					continue
				}
				refused++
				failure := connectors.AsError(err)
				require.Equal(t, connectors.BPMN, failure.Kind, "%s: %v", what, err)
				require.NotEmpty(t, failure.Public, what)
				require.NotContains(t, failure.Public, "\r\nX-Injected", what)
				require.NotContains(t, said, "\r\n.\r\n", "%s: half a mail was sent: %v", what, err)
			}
		}
	}
	t.Logf("%d calls were refused, %d mails were harmless", refused, sent)
	mails, err := s.Messages("eve@example.com", "INBOX")
	require.NoError(t, err)
	require.Empty(t, mails, "nothing made Eve a recipient")
	mails, err = s.Messages("ann@example.com", "INBOX")
	require.NoError(t, err)
	require.Len(t, mails, sent, "one call is one mail")
	for _, m := range mails {
		harmless(t, string(m.Raw), "as the server keeps it")
	}
}

// oneMail looks at a whole conversation.
func oneMail(t *testing.T, said, what string) {
	t.Helper()
	require.NotContains(t, strings.ReplaceAll(said, "\r\n", ""), "\r", "%s: a CR that ends no line", what)
	require.NotContains(t, strings.ReplaceAll(said, "\r\n", ""), "\n", "%s: an LF that ends no line", what)
	require.NotContains(t, said, "\x00", what)
	commands, rest, found := strings.Cut(said, "DATA\r\n")
	require.True(t, found, what)
	for line := range strings.SplitSeq(strings.TrimSuffix(commands, "\r\n"), "\r\n") {
		verb, _, _ := strings.Cut(line, " ")
		require.Contains(t, []string{"EHLO", "AUTH", "MAIL", "RCPT", "NOOP"}, verb, what)
		require.Equal(t, verb == "RCPT", line == "RCPT TO:<ann@example.com>", "%s: %s", what, line)
		if verb == "MAIL" {
			require.Regexp(t, `^MAIL FROM:<(desk|ann)@example\.com>( SIZE=\d+)?( BODY=8BITMIME)?( SMTPUTF8)?$`, line, what)
		}
	}
	content, after, found := strings.Cut(rest, "\r\n.\r\n")
	require.True(t, found, what)
	require.Equal(t, "QUIT\r\n", after, "%s: one mail and no more", what)
	harmless(t, content+"\r\n", what)
}

// fieldsOfMail are those that a mail or a part of one has here.
var fieldsOfMail = []string{
	"Auto-Submitted", "Cc", "Content-Disposition", "Content-Id", "Content-Transfer-Encoding", "Content-Type", "Date", "From", "In-Reply-To", "Message-Id", "Mime-Version", "References",
	"Reply-To", "Subject", "To",
}

// harmless looks at the fields of a mail and of all its parts.
func harmless(t *testing.T, raw, what string) {
	t.Helper()
	if rest, ok := strings.CutPrefix(raw, "Return-Path:"); ok { // the server's own
		_, raw, _ = strings.Cut(rest, "\n")
	}
	m, err := netmail.ReadMessage(strings.NewReader(raw))
	require.NoError(t, err, what)
	known := append(slices.Clone(fieldsOfMail), "Received")
	var look func(header map[string][]string, body io.Reader)
	look = func(header map[string][]string, body io.Reader) {
		for key, values := range header {
			require.Contains(t, known, key, what)
			require.Len(t, values, 1, "%s: %s", what, key)
			require.NotContains(t, values[0], "\x00", what)
		}
		contentType := "text/plain"
		if len(header["Content-Type"]) > 0 {
			contentType = header["Content-Type"][0]
		}
		mediaType, params, err := mime.ParseMediaType(contentType)
		require.NoError(t, err, "%s: %s", what, contentType)
		if !strings.HasPrefix(mediaType, "multipart/") {
			return
		}
		parts := multipart.NewReader(body, params["boundary"])
		for {
			part, err := parts.NextRawPart()
			if err == io.EOF {
				return
			}
			require.NoError(t, err, what)
			look(part.Header, part)
		}
	}
	look(m.Header, m.Body)
}
