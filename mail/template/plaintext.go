package template

import (
	"strings"

	"golang.org/x/net/html"

	"github.com/waybill-io/waybill/mail/message"
)

// plainText is HTML as it reads without markup. Where a link leads is written behind it, since the text alone leads nowhere.
func plainText(body string) string {
	var out, inside strings.Builder // inside: the text of the link at hand
	href := ""
	for z := html.NewTokenizer(strings.NewReader(body)); ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			return message.PlainText(out.String())
		}
		raw := string(z.Raw())
		token := z.Token()
		switch {
		case kind == html.TextToken:
			inside.WriteString(token.Data)
		case kind == html.StartTagToken && token.Data == "a":
			href = ""
			inside.Reset()
			for _, a := range token.Attr {
				if a.Key == "href" {
					href = a.Val
				}
			}
		case kind == html.EndTagToken && token.Data == "a":
			if href != "" && !strings.HasPrefix(href, "#") && strings.TrimSpace(inside.String()) != strings.TrimPrefix(href, "mailto:") {
				out.WriteString(" &lt;" + html.EscapeString(href) + "&gt;")
			}
			href = ""
		}
		out.WriteString(raw)
	}
}
