package mta_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/connectors/email"
	"github.com/waybill-io/waybill/testsuite/mta"
)

// store is a blob store in memory.
type store map[string]string

func (s store) Open(_ context.Context, uri string) (io.ReadCloser, error) {
	text, ok := s[uri]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

// testConnector has the connector's SEND send what processes send: a template with a picture, files of the store, hidden copies, an answer in a
// thread, to recipients of whom one is not known.
func testConnector(t *testing.T, s *mta.Server) {
	files := store{"logo": "\x89PNG", "terms": strings.Repeat("terms ", 10_000), "page": `<p>Guten Tag ${name},</p><img src="cid:logo.png">`}
	file := func(name, mediaType, uri string) map[string]any {
		return map[string]any{"name": name, "mediaType": mediaType, "uri": uri}
	}
	c, err := email.New(email.Template().Definition, email.Config{Host: s.Host, From: "Desk <desk@example.com>"}, transport(t, settings(s)), files)
	require.NoError(t, err)
	call := connectors.Call{Action: "SEND", IdempotencyKey: "order/17/confirm", Inputs: map[string]any{
		"to": "Jörg Käfer <joerg@example.com>, unknown-one@example.com", "cc": "cc@example.com", "bcc": "hidden@example.com", "replyTo": "Orders <orders@example.com>",
		"subject": "Ihre Bestellung – №17", "template": file("page.ftl", "text/html", "page"), "metadata": map[string]any{"name": "Jörg <b>"},
		"inline": file("logo.png", "image/png", "logo"), "attachments": []any{file("Geschäftsbedingungen.txt", "text/plain", "terms")},
		"inReplyTo": "<q@example.net>", "references": []any{"<p@example.net>", "<q@example.net>"},
	}}
	var answers []map[string]any
	for range 2 { // the repetition of a call is the same mail
		answer, err := c.Call(t.Context(), call)
		require.NoError(t, err)
		answers = append(answers, answer)
	}
	require.Equal(t, answers[0]["messageId"], answers[1]["messageId"])
	refused := answers[0]["refused"].([]any)
	require.Len(t, refused, 1)
	require.Equal(t, "unknown-one@example.com", refused[0].(map[string]any)["address"])
	require.EqualValues(t, 550, refused[0].(map[string]any)["code"])

	sum := func(uri string) string {
		sum := sha256.Sum256([]byte(files[uri]))
		return hex.EncodeToString(sum[:])
	}
	for _, got := range mta.Read(t, arrived(t, s, 2*3)...) {
		require.Empty(t, got.Defects)
		require.Equal(t, answers[0]["messageId"], got.MessageID)
		require.Equal(t, "Re: Ihre Bestellung – №17", got.Subject)
		require.Equal(t, []mta.Address{{Name: "Desk", Address: "desk@example.com"}}, got.From)
		require.Equal(t, []mta.Address{{Name: "Jörg Käfer", Address: "joerg@example.com"}, {Address: "unknown-one@example.com"}}, got.To)
		require.Equal(t, []mta.Address{{Address: "cc@example.com"}}, got.Cc)
		require.Equal(t, []mta.Address{{Name: "Orders", Address: "orders@example.com"}}, got.ReplyTo)
		require.Empty(t, got.Bcc)
		require.Equal(t, "<q@example.net>", got.InReplyTo)
		require.Equal(t, []string{"<p@example.net>", "<q@example.net>"}, got.References)
		require.Len(t, got.Files, 2)
		require.Equal(t, mta.File{Name: "logo.png", Type: "image/png", Disposition: "inline", ID: got.Files[0].ID, SHA256: sum("logo")}, got.Files[0])
		require.Equal(t, mta.File{Name: "Geschäftsbedingungen.txt", Type: "text/plain", Disposition: "attachment", SHA256: sum("terms")}, got.Files[1])
		require.Equal(t, `<p>Guten Tag Jörg &lt;b&gt;,</p><img src="cid:`+strings.Trim(got.Files[0].ID, "<>")+`">`, strings.TrimSpace(got.HTML))
	}
}
