package message

import (
	"strings"
	"unicode"

	"golang.org/x/net/html"
)

// PlainText is the text of an HTML body as a person would read it, without its markup, styles and scripts: for mail that has no
// plain text part. Blocks become lines; runs of space become one.
func PlainText(body string) string {
	var b strings.Builder
	hidden := 0 // depth of elements whose text nobody reads
	for z := html.NewTokenizer(strings.NewReader(body)); ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			return strings.TrimSpace(b.String())
		}
		token := z.Token()
		switch {
		case kind == html.TextToken && hidden == 0:
			writeWords(&b, token.Data)
		case token.Data == "style" || token.Data == "script" || token.Data == "title":
			switch kind {
			case html.StartTagToken:
				hidden++
			case html.EndTagToken:
				hidden = max(hidden-1, 0)
			}
		case breaks[token.Data] && kind != html.TextToken:
			newLine(&b)
		}
	}
}

// breaks are the elements that begin a line.
var breaks = map[string]bool{
	"address": true, "blockquote": true, "br": true, "div": true, "h1": true, "h2": true, "h3": true, "h4": true,
	"h5": true, "h6": true, "hr": true, "li": true, "ol": true, "p": true, "pre": true, "table": true, "td": true, "th": true, "tr": true, "ul": true,
}

// writeWords writes text with each run of space as one, also where it stands at the edge of an element.
func writeWords(b *strings.Builder, text string) {
	space := false
	for _, r := range text {
		if unicode.IsSpace(r) {
			space = true
			continue
		}
		writeSpace(b, space)
		space = false
		b.WriteRune(r)
	}
	writeSpace(b, space)
}

func writeSpace(b *strings.Builder, wanted bool) {
	if last := b.String(); wanted && last != "" && !strings.HasSuffix(last, "\n") && !strings.HasSuffix(last, " ") {
		b.WriteByte(' ')
	}
}

func newLine(b *strings.Builder) {
	if b.Len() > 0 && !strings.HasSuffix(b.String(), "\n") { // a space before it harms nobody
		b.WriteByte('\n')
	}
}
