package smtp

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/mail/message"
)

// structure is the tree of a mail, as mime/multipart reads it.
func structure(t *testing.T, contentType string, body io.Reader) string {
	t.Helper()
	mediaType, params, err := mime.ParseMediaType(contentType)
	require.NoError(t, err)
	if !strings.HasPrefix(mediaType, "multipart/") {
		return mediaType
	}
	var kids []string
	parts := multipart.NewReader(body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		kids = append(kids, structure(t, part.Header.Get("Content-Type"), part))
	}
	kind := strings.TrimPrefix(mediaType, "multipart/")
	if params["type"] != "" {
		kind += ":" + params["type"]
	}
	return kind + "(" + strings.Join(kids, " ") + ")"
}

func TestInline(t *testing.T) {
	logo := Attachment{Name: "Wappen ä.png", ContentID: "1.logo@example.org", ContentType: "image/png", Open: content("PNG")}
	photo := Attachment{Name: "photo.jpg", ContentID: "2.photo@example.org", ContentType: "image/jpeg", Content: []byte(strings.Repeat("JPG", 1000))}
	file := Attachment{Name: "a.txt", ContentType: "text/plain", Content: []byte("attached")}
	html := `<img src="cid:1.logo@example.org"><img src="cid:2.photo@example.org">`
	for name, test := range map[string]struct {
		change func(*Mail)
		want   string
	}{
		"html":                       {func(m *Mail) { m.Text = "" }, "related:text/html(text/html image/png image/jpeg)"},
		"html and text":              {func(*Mail) {}, "related:multipart/alternative(alternative(text/plain text/html) image/png image/jpeg)"},
		"html, text and attachments": {func(m *Mail) { m.Attachments = []Attachment{file} }, "mixed(related:multipart/alternative(alternative(text/plain text/html) image/png image/jpeg) text/plain)"},
		"a subject that looks like a field": {func(m *Mail) {
			m.Text, m.Subject = "", strings.Repeat("x", 50)+" Content-Type: multipart/related; boundary=abc"
		}, "related:text/html(text/html image/png image/jpeg)"},
		"one": {func(m *Mail) { m.Text, m.Inline = "", m.Inline[:1] }, "related:text/html(text/html image/png)"},
	} {
		t.Run(name, func(t *testing.T) {
			m := simple("a@x.org")
			m.HTML, m.Inline = html, []Attachment{logo, photo}
			test.change(&m)
			raw, got, files := written(t, m)
			read, err := netmail.ReadMessage(bytes.NewReader([]byte(raw)))
			require.NoError(t, err)
			require.Equal(t, test.want, structure(t, read.Header.Get("Content-Type"), read.Body))
			require.Equal(t, m.Subject, got.Subject)
			require.Equal(t, html, strings.TrimSpace(got.HTML))
			require.Equal(t, "image/png:PNG", files["Wappen ä.png"])
			for i, a := range m.Inline {
				require.Equal(t, a.ContentID, got.Attachments[i].ContentID)
				require.True(t, got.Attachments[i].Inline)
			}
			for _, a := range got.Attachments[len(m.Inline):] {
				require.Equal(t, message.Attachment{Part: a.Part, Name: "a.txt", ContentType: "text/plain", Size: 8}, a)
			}
		})
	}
	for name, change := range map[string]func(*Mail){
		"without HTML": func(m *Mail) { m.HTML = "" },
		"no id":        func(m *Mail) { m.Inline[0].ContentID = "" },
		"no domain":    func(m *Mail) { m.Inline[0].ContentID = "logo" },
		"a line end":   func(m *Mail) { m.Inline[0].ContentID = "a@b\r\nBcc: eve@example.com" },
		"brackets":     func(m *Mail) { m.Inline[0].ContentID = "<a@b>" },
		"the same id":  func(m *Mail) { m.Inline = append(m.Inline, m.Inline[0]) },
		"no name":      func(m *Mail) { m.Inline[0].Name = "" },
		"no content":   func(m *Mail) { m.Inline[0].Open = nil },
		"a line end in its name": func(m *Mail) {
			m.Inline[0].Name = "a\r\nBcc: eve@example.com"
		},
	} {
		m := simple("a@x.org")
		m.HTML, m.Inline = html, []Attachment{logo}
		change(&m)
		require.Error(t, m.Validate(), name)
	}
}
