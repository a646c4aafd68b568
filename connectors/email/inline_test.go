package email

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/connectors"
	"github.com/waybill-io/waybill/mail/smtp"
)

func TestHTMLShowsFilesByTheirNames(t *testing.T) {
	files := func(names ...string) (list []smtp.Attachment) {
		for _, name := range names {
			list = append(list, smtp.Attachment{Name: name})
		}
		return list
	}
	for name, test := range map[string]struct {
		files []smtp.Attachment
		html  string
		want  string // with NAME: for the id of the file
	}{
		"none":                   {nil, `<img src="cid:logo.png">`, `<img src="cid:logo.png">`},
		"one":                    {files("logo.png"), `<img src="cid:logo.png">`, `<img src="cid:{logo.png}">`},
		"twice, in any case":     {files("logo.png"), `<img src='CID:logo.png'><img src="cid:logo.png">`, `<img src='CID:{logo.png}'><img src="cid:{logo.png}">`},
		"without quotes":         {files("a.png"), `<img src=cid:a.png width=3>`, `<img src=cid:{a.png} width=3>`},
		"in a style":             {files("a.png"), `<p style="background:url(cid:a.png) red">`, `<p style="background:url(cid:{a.png}) red">`},
		"in a list":              {files("a.png", "b.png"), `<img srcset="cid:a.png 1x, cid:b.png 2x">`, `<img srcset="cid:{a.png} 1x, cid:{b.png} 2x">`},
		"a name with a blank":    {files("my logo.png"), `<img src="cid:my logo.png"><img src="cid:my%20logo.png">`, `<img src="cid:{my logo.png}"><img src="cid:{my logo.png}">`},
		"a name of all sorts":    {files("Köln (1) & \"x\".png"), `<img src="cid:K%C3%B6ln%20%281%29%20%26%20%22x%22.png">`, `<img src="cid:{Köln (1) & "x".png}">`},
		"as a template writes":   {files("a&b.png"), `<img src="cid:a&amp;b.png">`, `<img src="cid:{a&b.png}">`},
		"a name with a percent":  {files("100%25.png"), `<img src="cid:100%25.png">`, `<img src="cid:{100%25.png}">`},
		"one name begins others": {files("a", "a.png"), `<img src="cid:a.png"><img src="cid:a">`, `<img src="cid:{a.png}"><img src="cid:{a}">`},
		"of a quoted mail":       {files("a.png"), `<img src="cid:a.png"><img src="cid:image001.png@01DB">`, `<img src="cid:{a.png}"><img src="cid:image001.png@01DB">`},
		"at the end":             {files("a.png"), `<img src="cid:a.png"> cid:`, `<img src="cid:{a.png}"> cid:`},
		"part of a word":         {files("a.png"), `<img src="cid:a.png">acid:a.png`, `<img src="cid:{a.png}">acid:a.png`},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fields{}
			got := f.show(test.html, test.files, "<1@example.com>")
			require.NoError(t, f.err())
			for _, file := range test.files {
				require.Regexp(t, `^[0-9a-f]{24}@waybill$`, file.ContentID)
				got = strings.ReplaceAll(got, file.ContentID, "{"+file.Name+"}")
			}
			require.Equal(t, test.want, got)
		})
	}
	one, again, other := files("a.png"), files("a.png"), files("a.png")
	(&fields{}).show("", one, "<1@example.com>")
	(&fields{}).show("", again, "<1@example.com>")
	(&fields{}).show("", other, "<2@example.com>")
	require.Equal(t, one, again, "the repetition of a call is the same mail")
	require.NotEqual(t, one, other)

	for name, test := range map[string]struct {
		files []smtp.Attachment
		html  string
		want  string
	}{
		"not referred to":      {files("my logo.png"), `<img src="cid:photo.png">`, `html does not refer to the inline file "my logo.png", as in <img src="cid:my%20logo.png">`},
		"no html":              {files("logo.png"), "", "html does not refer"},
		"two of the same name": {files("a.png", "a.png"), `<img src="cid:a.png">`, `two inline files have the name "a.png"`},
	} {
		f := &fields{}
		f.show(test.html, test.files, "<1@example.com>")
		require.ErrorContains(t, f.err(), test.want, name)
		require.Equal(t, connectors.CodeInvalidInput, connectors.AsError(f.err()).Code)
	}
}

func TestSendsInlineImages(t *testing.T) {
	s := startServer(t)
	c := connect(t, s.SMTPAddr(), nil)
	logo := map[string]any{"name": "logo.png", "uri": "a"}
	for name, inputs := range map[string]map[string]any{
		"html":     {"html": `<img src="cid:logo.png">`, "inline": logo},
		"template": {"template": map[string]any{"name": "t.ftl", "text": `<img src="cid:${logo.name}">`}, "metadata": map[string]any{"logo": logo}, "text": "plain", "inline": []any{logo}},
	} {
		t.Run(name, func(t *testing.T) {
			inputs["to"] = name + "@example.com"
			inputs["attachments"] = map[string]any{"name": "a.txt", "mediaType": "text/plain", "uri": "a"}
			_, err := c.Call(t.Context(), send(inputs))
			require.NoError(t, err)
			m := last(t, s, name+"@example.com")
			require.Len(t, m.Attachments, 2)
			require.True(t, m.Attachments[0].Inline)
			require.Equal(t, "image/png", m.Attachments[0].ContentType, "by its name")
			require.Equal(t, `<img src="cid:`+m.Attachments[0].ContentID+`">`, strings.TrimSpace(m.HTML))
			require.False(t, m.Attachments[1].Inline)
		})
	}
	for name, test := range map[string]struct {
		inputs map[string]any
		want   string
	}{
		"not referred to":   {map[string]any{"html": "<p>Hello</p>", "inline": logo}, "html does not refer to the inline file"},
		"plain text":        {map[string]any{"text": "cid:logo.png", "inline": logo}, "html does not refer to the inline file"},
		"no file":           {map[string]any{"html": "<p>Hello</p>", "inline": "logo.png"}, "inline: file 1"},
		"it does not exist": {map[string]any{"html": `<img src="cid:x.png">`, "inline": map[string]any{"name": "x.png", "uri": "gone"}}, `"x.png" does not exist`},
		"more than allowed": {map[string]any{"html": `<img src="cid:x.png">`, "inline": map[string]any{"name": "x.png", "uri": "a"}, "attachments": map[string]any{"name": "big.bin", "uri": "big"}}, "is too large"},
	} {
		test.inputs["to"] = "ann@example.com"
		_, err := c.Call(t.Context(), send(test.inputs))
		require.ErrorContains(t, err, test.want, name)
		require.Equal(t, connectors.BPMN, connectors.AsError(err).Kind, name)
	}
}
